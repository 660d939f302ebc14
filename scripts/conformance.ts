// Runs foreign test vectors through the library:
//
//   npm run conformance -- DIR… [--backend wasm|reference] [--threads N] [--only TEXT] [--json]
//
// DIR holds an INDEX.json. A line per failure, then `N passed, M failed`; exit code 1 if any failed.
import { parseArgs } from "node:util";
import type { CaseResult } from "../conformance/comparison.ts";
import { runFolder } from "../conformance/run.node.ts";
import { reference } from "../src/backends/reference/backend.ts";
import { wasm } from "../src/backends/wasm/backend.ts";
import { lookUp } from "../src/core/errors.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    backend: { type: "string", default: "wasm" },
    threads: { type: "string" },
    only: { type: "string", default: "" },
    json: { type: "boolean", default: false },
  },
});

const usage =
  "usage: npm run conformance -- DIR… [--backend wasm|reference] [--threads N] [--only TEXT] [--json]\n";
if (positionals.length === 0) {
  process.stderr.write(usage);
  process.exit(2);
}

const threads = values.threads === undefined ? {} : { threads: Number(values.threads) };
const backends = { wasm: () => wasm(threads), reference };
const backend = lookUp(backends, values.backend, "backend")();

const started = performance.now();
const cases: CaseResult[] = [];
for (const folder of positionals) {
  const results = await runFolder(folder, backend, {
    only: values.only,
    report(result) {
      if (result.ok || values.json) return;
      const word = result.skipped ? "skipped" : "FAILED";
      process.stdout.write(`${word} ${result.case} (${result.op}): ${result.reason}\n`);
    },
  });
  cases.push(...results);
}

const skipped = cases.filter((result) => result.skipped).length;
const passed = cases.filter((result) => result.ok).length;
const failed = cases.length - passed - skipped;
if (values.json) {
  process.stdout.write(`${JSON.stringify({ passed, failed, skipped, cases })}\n`);
} else {
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${backend.name} (${backend.description}), ${seconds} s\n`);
  const tail = skipped === 0 ? "" : `, ${skipped} skipped`;
  process.stdout.write(`${passed} passed, ${failed} failed${tail}\n`);
}
process.exitCode = failed === 0 ? 0 : 1;
