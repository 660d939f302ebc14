// Runs foreign test vectors through the library:
//
//   npm run conformance -- DIR… [--backend wasm|reference] [--threads N] [--winograd auto|off] [--only TEXT] [--json]
//
// DIR holds an INDEX.json. A line per failure, then `N passed, M failed`. Exit code 1 if any failed, 2 if the
// command was wrong.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { CaseResult } from "../conformance/comparison.ts";
import { runFolder } from "../conformance/run.node.ts";
import { reference } from "../src/backends/reference/backend.ts";
import { wasm } from "../src/backends/wasm/backend.ts";
import { lookUp, OptionError } from "../src/core/errors.ts";
import type { Backend } from "../src/plan/backend.ts";

const usage =
  "npm run conformance -- DIR… [--backend wasm|reference] [--threads N] [--winograd auto|off] [--only TEXT] [--json]";

interface Command {
  readonly folders: readonly string[];
  readonly backend: Backend;
  readonly only: string;
  readonly json: boolean;
}

function readCommand(): Command {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      backend: { type: "string", default: "wasm" },
      threads: { type: "string" },
      winograd: { type: "string", default: "auto" },
      only: { type: "string", default: "" },
      json: { type: "boolean", default: false },
    },
  });
  if (positionals.length === 0) throw new OptionError("no folder was given.");
  for (const folder of positionals) {
    if (!existsSync(join(folder, "INDEX.json"))) {
      throw new OptionError(`${folder}: there is no INDEX.json in it.`);
    }
  }
  const threads = values.threads === undefined ? {} : { threads: Number(values.threads) };
  const winograd = lookUp({ auto: "auto", off: "off" } as const, values.winograd, "winograd");
  const backends = { wasm: () => wasm({ ...threads, winograd }), reference };
  const backend = lookUp<() => Backend>(backends, values.backend, "backend")();
  return { folders: positionals, backend, only: values.only, json: values.json };
}

async function run({ folders, backend, only, json }: Command): Promise<number> {
  const started = performance.now();
  const cases: CaseResult[] = [];
  const report = (result: CaseResult) => {
    if (result.ok || json) return;
    const word = result.skipped ? "skipped" : "FAILED";
    process.stdout.write(`${word} ${result.case} (${result.op}): ${result.reason}\n`);
  };
  for (const folder of folders) cases.push(...(await runFolder(folder, backend, { only, report })));
  if (cases.length === 0) throw new OptionError(`no case has "${only}" in its name.`);

  const skipped = cases.filter((result) => result.skipped).length;
  const passed = cases.filter((result) => result.ok).length;
  const failed = cases.length - passed - skipped;
  if (json) {
    process.stdout.write(`${JSON.stringify({ passed, failed, skipped, cases })}\n`);
  } else {
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    process.stdout.write(`${backend.name} (${backend.description}), ${seconds} s\n`);
    const tail = skipped === 0 ? "" : `, ${skipped} skipped`;
    process.stdout.write(`${passed} passed, ${failed} failed${tail}\n`);
  }
  return failed === 0 ? 0 : 1;
}

try {
  process.exitCode = await run(readCommand());
} catch (error) {
  process.stderr.write(
    `conformance: ${error instanceof Error ? error.message : error}\n${usage}\n`,
  );
  process.exitCode = 2;
}
