// Rewrites docs/nets.md from the catalogue:
//
//   node scripts/run.mjs scripts/netsPage.ts
import { writeFileSync } from "node:fs";
import { netsPage } from "../test/models/netsPage.ts";

writeFileSync(new URL("../docs/nets.md", import.meta.url), netsPage());
