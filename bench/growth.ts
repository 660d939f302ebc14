// How the time of a training step grows with batch, depth and image size, and whether it grows over 10,000 steps:
//
//   node scripts/run.mjs bench/growth.ts [--threads 2] [--seconds 1]
//     → docs/measurements/growth.csv, docs/images/growth.svg
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import { wasm } from "../src/backends/wasm/backend.ts";
import { createNet } from "../src/models/index.ts";
import { syntheticWork } from "../src/train/syntheticWork.ts";
import { csvLine } from "./csv.ts";
import { timeSteps } from "./peers/stepClock.ts";
import { panelPlot, type Series } from "./plot.ts";
import { median } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    threads: { type: "string", default: "2" },
    seconds: { type: "string", default: "1" },
  },
});
const threads = Number(values.threads);
const limitMs = Number(values.seconds) * 1000;

/** A training step of a net on square images. */
async function withWork<T>(
  name: string,
  size: number,
  channels: number,
  batch: number,
  use: (step: (index: number) => Promise<void>) => Promise<T>,
): Promise<T> {
  const net = createNet(name, { classes: 10, input: [channels, size, size] });
  const session = await wasm({ threads }).open();
  try {
    const work = await syntheticWork({ net, mode: "train", batch, seed: 0, session });
    return await use((index) => work.step(index));
  } finally {
    await session.close();
  }
}

const lines = ["machine,threads,series,net,size,batch,layers,steps,step_ms,rss_mb\n"];
const machine = `${cpus()[0]!.model.trim()}, ${availableParallelism()} cores`;

async function point(
  series: string,
  net: string,
  size: number,
  batch: number,
  layers: number,
): Promise<number> {
  const { medianMs, steps } = await withWork(net, size, 3, batch, (step) => {
    let index = 0;
    return timeSteps(() => step(index++), limitMs);
  });
  lines.push(csvLine([machine, threads, series, net, size, batch, layers, steps, medianMs, ""]));
  process.stderr.write(`${series} ${net} ${size}x${size} x ${batch}: ${medianMs.toFixed(1)} ms\n`);
  return medianMs;
}

async function curve(
  places: readonly number[],
  measure: (place: number) => Promise<number>,
): Promise<[number, number][]> {
  const points: [number, number][] = [];
  for (const place of places) points.push([place, await measure(place)]);
  return points;
}

const batches = await curve([1, 2, 4, 8, 16, 32, 64, 128], (batch) =>
  point("batch", "resnet20", 32, batch, 20),
);
const depths = await curve([20, 32, 44, 56, 110], (layers) =>
  point("depth", `resnet${layers}`, 32, 16, layers),
);
const sizes = await curve([32, 64, 96, 128, 160, 192, 224], (size) =>
  point("size", "resnet18", size, 4, 18),
);

/** Medians and memory of each thousand of 10,000 steps. */
const [thousands, perThousand] = [10, 1000];
const steady = await withWork("lenet5", 32, 1, 16, async (step) => {
  const points: [number, number][] = [];
  for (let thousand = 0; thousand < thousands; thousand++) {
    const times: number[] = [];
    for (let i = 0; i < perThousand; i++) {
      const before = performance.now();
      await step(thousand * perThousand + i);
      times.push(performance.now() - before);
    }
    const done = (thousand + 1) * perThousand;
    const rss = process.memoryUsage.rss() / 2 ** 20;
    const time = median(times);
    lines.push(csvLine([machine, threads, "steps", "lenet5", 32, 16, 5, done, time, rss]));
    process.stderr.write(`step ${done}: ${time.toFixed(3)} ms, ${rss.toFixed(0)} MB\n`);
    points.push([done, time]);
  }
  return points;
});

const series = (name: string, points: Series["points"]): Series => ({
  name,
  colour: "#0072b2",
  line: true,
  points,
});
/** What proportional growth from the last point back would be. */
const proportional = (points: Series["points"], power: number): Series => {
  const [x, y] = points.at(-1)!;
  return {
    name: power === 1 ? "in proportion" : "as the pixels",
    colour: "#8a94a6",
    line: true,
    points: points.map(([place]) => [place, y * (place / x) ** power]),
  };
};
const milliseconds = { label: "ms a step", log: true } as const;
mkdirSync("docs/images", { recursive: true });
mkdirSync("docs/measurements", { recursive: true });
writeFileSync("docs/measurements/growth.csv", lines.join(""));
writeFileSync(
  "docs/images/growth.svg",
  panelPlot([
    {
      title: "Batch: ResNet-20, 32x32",
      x: { label: "images", log: true },
      y: milliseconds,
      series: [proportional(batches, 1), series("measured", batches)],
    },
    {
      title: "Depth: ResNet-20 … 110, batch 16",
      x: { label: "layers", log: false },
      y: { label: "ms a step", log: false },
      series: [proportional(depths, 1), series("measured", depths)],
    },
    {
      title: "Image size: ResNet-18, batch 4",
      x: { label: "pixels a side", log: true },
      y: milliseconds,
      series: [proportional(sizes, 2), series("measured", sizes)],
    },
    {
      title: "10,000 steps: LeNet-5, batch 16",
      x: { label: "steps done", log: false },
      y: { label: "ms a step, median of 1,000", log: false },
      series: [series("measured", steady)],
    },
  ]),
);
process.exit(0);
