// Rewrites docs/operators.md from the cases in test/ops:
//
//   node scripts/run.mjs scripts/operators.ts
import { writeFileSync } from "node:fs";
import { testedBackends } from "../test/ops/backends.ts";
import { holes, operatorTable } from "../test/ops/operatorTable.ts";

const missing = holes();
for (const hole of missing) process.stderr.write(`${hole}\n`);
writeFileSync(new URL("../docs/operators.md", import.meta.url), operatorTable(testedBackends()));
process.exitCode = missing.length === 0 ? 0 : 1;
