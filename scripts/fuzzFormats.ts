// Feeds changed files to every parser of src/formats and reports what became of them.
//
//   node_modules/.bin/node scripts/fuzzFormats.ts [--inputs 1000000] [--seed 1] [--first 0] [--target NAME]
//
// Every input must end in success or an error of ours, within 2 seconds of processor time and 256 MiB. An input depends
// on seed, target and number alone: a failure is run again with --target, --first and --inputs 1.
import { parseArgs } from "node:util";
import { fuzz } from "../test/formats/fuzz/fuzz.ts";
import { fuzzTargets } from "../test/formats/fuzz/targets.ts";

const { values } = parseArgs({
  options: {
    inputs: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    first: { type: "string", default: "0" },
    target: { type: "string" },
  },
});
const targets = (await fuzzTargets()).filter(
  ({ name }) => values.target === undefined || name === values.target,
);
const count = Math.ceil(Number(values.inputs) / targets.length);
const write = (line: string) => process.stdout.write(`${line}\n`);
let inputs = 0;
let failures = 0;
const started = performance.now();
write("target                       inputs  accepted  slowest ms  failures");
for (const target of targets) {
  const result = await fuzz(target, {
    seed: Number(values.seed),
    first: Number(values.first),
    count,
  });
  const columns = [
    result.inputs,
    result.accepted,
    result.slowestMs.toFixed(1),
    result.failures.length,
  ];
  write(`${target.name.padEnd(26)} ${columns.map((value) => String(value).padStart(9)).join(" ")}`);
  for (const { input, reason } of result.failures.slice(0, 20))
    write(`  input ${input}: ${reason}`);
  inputs += result.inputs;
  failures += result.failures.length;
}
const seconds = (performance.now() - started) / 1000;
const peak = process.resourceUsage().maxRSS / 1024;
write(
  `${inputs} inputs, ${failures} failures, ${seconds.toFixed(0)} s, peak ${peak.toFixed(0)} MiB`,
);
process.exitCode = failures === 0 ? 0 : 1;
