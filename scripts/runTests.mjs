// Runs Vitest with the given file filters and prints the counts, each skip with its reason.
import process from "node:process";
import { startVitest } from "vitest/node";
import { root } from "./install.mjs";

const vitest = await startVitest("test", process.argv.slice(2), {
  root,
  run: true,
  watch: false,
  reporters: [["default", { summary: false }]],
});

let passed = 0;
let failed = vitest.state.getUnhandledErrors().length;
const skipped = new Map();
const modules = vitest.state.getTestModules();
for (const module of modules) {
  failed += module.errors().length;
  for (const test of module.children.allTests()) {
    const result = test.result();
    if (result.state === "passed") passed++;
    else if (result.state === "failed") failed++;
    else {
      const reason = result.note ?? "no reason given";
      skipped.set(reason, [
        ...(skipped.get(reason) ?? []),
        `${module.relativeModuleId} > ${test.fullName}`,
      ]);
    }
  }
  for (const suite of module.children.allSuites()) failed += suite.errors().length;
}
await vitest.close();

let skips = 0;
for (const [reason, tests] of skipped) {
  skips += tests.length;
  process.stdout.write(`skipped ${tests.length}: ${reason}\n  ${tests.slice(0, 3).join("\n  ")}\n`);
  if (tests.length > 3) process.stdout.write(`  and ${tests.length - 3} more\n`);
}
if (modules.length === 0) {
  process.stdout.write("No test file matches.\n");
  failed++;
}
process.stdout.write(`${passed} passed, ${failed} failed, ${skips} skipped\n`);
process.exit(failed === 0 ? 0 : 1);
