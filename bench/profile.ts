// Where the time of a step goes, for each net of the benchmark, beside the peak of the same run:
//
//   node scripts/run.mjs bench/profile.ts [--threads 2] [--seconds 2]
//     → docs/measurements/profile.csv, docs/measurements/limits.csv, docs/images/roofline.svg
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import { wasm } from "../src/backends/wasm/backend.ts";
import { profilingSession, reportProfile } from "../src/cli/stepProfile.ts";
import { GraphBuilder, type Value } from "../src/graph/builder.ts";
import { add } from "../src/graph/ops/binary.ts";
import { matmul } from "../src/graph/ops/matmul.ts";
import { createNet } from "../src/models/index.ts";
import type { StepProfile } from "../src/plan/backend.ts";
import { syntheticWork } from "../src/train/syntheticWork.ts";
import { csvLine } from "./csv.ts";
import { timeSteps } from "./peers/stepClock.ts";
import { panelPlot, type Series } from "./plot.ts";
import { type Mode, type Row, rowsOf } from "./rows.ts";

const { values } = parseArgs({
  options: {
    threads: { type: "string", default: "2" },
    seconds: { type: "string", default: "2" },
  },
});
const threads = Number(values.threads);
const limitMs = Number(values.seconds) * 1000;
const machine = `${cpus()[0]!.model.trim()}, ${availableParallelism()} cores`;
mkdirSync("docs/measurements", { recursive: true });
mkdirSync("docs/images", { recursive: true });

/** A graph of one operation on states of the given shapes, profiled. */
async function profileOne(
  count: number,
  shape: readonly number[],
  operation: (a: Value, b: Value) => Value,
): Promise<StepProfile> {
  const session = await wasm({ threads: count }).open();
  const builder = new GraphBuilder();
  // States that the graph updates: nothing is prepared in advance.
  const [a, b] = ["a", "b"].map((name) => builder.state(name, shape, { initial: 1e-3 }));
  builder.update(a!, operation(a!, b!));
  const program = await session.compile(builder.finish(), { profile: true });
  await program.run({});
  const profile = await program.profile!({}, 20);
  await session.close();
  return profile;
}

// What the machine can do: arithmetic, memory, and the matrix product between them, in one run.
const limits = [csvLine(["machine", "what", "threads", "gflops", "peak_gflops", "gb_per_s"])];
const product = 1024;
for (const count of [1, 2]) {
  const { launches, peakGflops } = await profileOne(count, [product, product], matmul);
  // Packing is part of the product where its operand changes.
  const total = launches.reduce((sum, { timeMs }) => sum + timeMs, 0);
  const main = launches.reduce((a, b) => (b.flops > a.flops ? b : a));
  const name = `matrix product ${product}³`;
  const rate = (2 * product ** 3) / 1e6;
  limits.push(csvLine([machine, name, count, rate / main.timeMs, peakGflops, ""]));
  limits.push(csvLine([machine, `${name} with packing`, count, rate / total, peakGflops, ""]));
}
let memoryRate = 0;
for (const count of [1, 2]) {
  const { launches, peakGflops } = await profileOne(count, [2 ** 26], add);
  const [sum] = launches;
  memoryRate = sum!.bytes / sum!.timeMs / 1e6;
  limits.push(csvLine([machine, "a + b over 512 MiB", count, "", peakGflops, memoryRate]));
}
writeFileSync("docs/measurements/limits.csv", limits.join(""));

const lines = [
  csvLine([
    ...["machine", "mode", "net", "input", "batch", "threads", "step_ms", "launch", "kernel"],
    ...["ms", "gflops", "peak_gflops", "bytes", "gb_per_s"],
  ]),
];
const clouds = new Map<string, [number, number][]>();
let highestPeak = 0;

async function profileRow(mode: Mode, row: Row): Promise<void> {
  const [height, width, channels] = row.input.split("x").map(Number) as [number, number, number];
  const { net: name, variant, classes, batch, input } = row;
  const net = createNet(name, { variant, classes, input: [channels, height, width] });
  const { session, profile } = profilingSession(await wasm({ threads }).open());
  const work = await syntheticWork({ net, mode, batch, seed: 0, session });
  let index = 0;
  const { medianMs, steps } = await timeSteps(() => work.step(index++), limitMs);
  const report = reportProfile(await profile(Math.max(5, Math.min(100, steps))));
  await session.close();
  highestPeak = Math.max(highestPeak, report.peak_gflops);
  for (const { label, kernel, time_ms, gflops, bytes, gb_per_s } of report.launches) {
    lines.push(
      csvLine([
        ...[machine, mode, name, input, batch, threads, medianMs, label, kernel],
        ...[time_ms, gflops, report.peak_gflops, bytes, gb_per_s],
      ]),
    );
    // Only what matters: launches of at least a two-hundredth of the step.
    if (mode === "train" && gflops > 0 && time_ms >= report.step_ms / 200) {
      const cloud = clouds.get(row.title) ?? [];
      cloud.push([(gflops / gb_per_s) as number, gflops]);
      clouds.set(row.title, cloud);
    }
  }
  process.stderr.write(
    `${mode} ${row.title} ${input}: step ${medianMs.toFixed(2)} ms, launches ${report.step_ms} ms, ${report.percent_of_peak} % of the peak\n`,
  );
}

for (const mode of ["train", "infer"] as const) {
  for (const row of rowsOf[mode]) {
    await profileRow(mode, row);
    writeFileSync("docs/measurements/profile.csv", lines.join(""));
  }
}

const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
const intensities = [...clouds.values()].flatMap((points) => points.map(([x]) => x));
const [least, most] = [Math.min(...intensities), Math.max(...intensities)];
const ridge = highestPeak / memoryRate;
const roof: Series = {
  name: "memory · peak",
  colour: "#1d2330",
  line: true,
  points: [
    [least, least * memoryRate],
    [ridge, highestPeak],
    [most, highestPeak],
  ],
};
const all = [...clouds].map(
  ([name, points], i): Series => ({ name, colour: colours[i]!, line: false, points }),
);
writeFileSync(
  "docs/images/roofline.svg",
  panelPlot(
    [all.slice(0, 3), all.slice(3)].map((series) => ({
      title: `Kernels of a training step, ${threads} threads`,
      x: { label: "operations per byte of the operands", log: true, from: least },
      y: { label: "GFLOP/s", log: true },
      series: [roof, ...series],
    })),
  ),
);
process.exit(0);
