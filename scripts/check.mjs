// `npm run check`: types, format and lint, boundaries between rooms, unused code. All of them run; any failure fails.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { findViolations } from "./boundaries.mjs";
import { root } from "./install.mjs";

const tools = [
  ["types", "tsc", ["-p", "tsconfig.json"]],
  ["format and lint", "biome", ["check", "--error-on-warnings"]],
  ["unused code", "knip", []],
];

let failed = 0;
for (const [what, tool, args] of tools) {
  process.stdout.write(`${what} (${tool})\n`);
  const result = spawnSync(join(root, "node_modules", ".bin", tool), args, {
    cwd: root,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (result.status !== 0) failed++;
}

process.stdout.write("boundaries\n");
const violations = await findViolations();
for (const violation of violations) process.stdout.write(`  ${violation}\n`);
if (violations.length > 0) failed++;

process.stdout.write(failed === 0 ? "check: all passed\n" : `check: ${failed} of 4 failed\n`);
process.exit(failed === 0 ? 0 : 1);
