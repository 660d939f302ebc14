// Rewrites docs/nets.md and its picture from the catalogue:
//
//   node scripts/run.mjs scripts/netsPage.ts
import { writeFileSync } from "node:fs";
import { catalogueDepths, depthChart } from "striate";
import { netsPage } from "../test/models/netsPage.ts";

writeFileSync(new URL("../docs/nets.md", import.meta.url), netsPage());
writeFileSync(new URL("../docs/images/depths.svg", import.meta.url), depthChart(catalogueDepths()));
