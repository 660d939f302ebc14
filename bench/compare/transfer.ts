// Photos of hand signs from pretrained weights: a linear classifier on codes, fine-tuning after it, and the same net
// from scratch for as many passes as both, over 20, 50 and all photos per class; and the net that is chosen where there
// are no weights. Finished runs are kept and not trained again.
//
//   striate import squeezenet.safetensors --net squeezenet --out models/squeezenet
//   node bench/compare/transfer.ts PHOTOS WORK models/squeezenet models/mobilenet [--input 128x128x3]
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { wasm } from "../../src/backends/wasm/backend.ts";
import { RandomStream } from "../../src/core/random.ts";
import { openData } from "../../src/data/openData.node.ts";
import { findGroups } from "../../src/data/split/groups.ts";
import { splitData } from "../../src/data/split/splitData.ts";
import { finishRun } from "../../src/runs/finishRun.node.ts";
import { prepareData } from "../../src/runs/prepareData.node.ts";
import type { TrainOptions } from "../../src/runs/trainOptions.ts";
import { type RunContext, startRun, trainRun } from "../../src/runs/trainRun.node.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    input: { type: "string", default: "128x128x3" },
    seed: { type: "string", default: "1" },
  },
});
const [photos = "", work = "", ...models] = positionals;
if (models.length === 0) throw new Error("usage: transfer.ts PHOTOS WORK MODEL…");

const seed = Number(values.seed);
/** Photos of a class to train on, and passes of the fine-tuning over them. */
const amounts: readonly {
  readonly name: string;
  readonly count: number;
  readonly epochs: number;
}[] = [
  { name: "20", count: 20, epochs: 12 },
  { name: "50", count: 50, epochs: 6 },
  { name: "all", count: Number.POSITIVE_INFINITY, epochs: 3 },
];

interface Result {
  readonly net: string;
  readonly amount: string;
  readonly way: string;
  readonly epochs: number;
  readonly images: number;
  readonly accuracy: number;
  readonly correct: number;
  readonly total: number;
  readonly ci95: readonly [number, number];
  /** Of the training alone, all threads together: images were decoded before. */
  readonly processorSeconds: number;
  readonly wallSeconds: number;
}

const context: RunContext = {
  backend: wasm(),
  listener: (event) => {
    if (event.type !== "training" || event.event.type !== "epoch") return;
    const { epoch, val } = event.event.record;
    process.stderr.write(`  ${epoch}: ${val?.accuracy.toFixed(3)}\n`);
  },
};

/** A table of files with their part: every class has so many photos to train on, and all have the same to validate on. */
async function writeManifests(): Promise<Map<string, string>> {
  const set = await openData(photos);
  const prepared = await prepareData(set, { width: 64, height: 64, channels: 3 });
  const groups = findGroups(prepared.set, prepared.facts);
  const { train, val } = splitData(prepared.set, groups, { seed, val: 0.25 });
  const { items, classes } = prepared.set;
  const paths = new Map<string, string>();
  for (const { name, count } of amounts) {
    const lines = ["file,label,split"];
    const line = (index: number, part: string) => {
      const { id, label } = items[index]!;
      lines.push(`photos/${id},${classes[label]},${part}`);
    };
    classes.forEach((_, label) => {
      const own = train.filter((index) => items[index]!.label === label);
      const order = new RandomStream(seed, `transfer/${label}`).permutation(own.length);
      for (const i of order.slice(0, Math.min(count, own.length))) line(own[i]!, "train");
    });
    for (const index of val) line(index, "val");
    const path = join(work, `${name}.csv`);
    await writeFile(path, `${lines.join("\n")}\n`);
    paths.set(name, path);
  }
  return paths;
}

async function trainOne(
  key: { readonly net: string; readonly amount: string; readonly way: string },
  data: string,
  options: TrainOptions,
): Promise<Result> {
  const folder = join(work, `${key.net}-${key.amount}-${key.way}`.replaceAll(/,? /g, "-"));
  const kept = join(work, `${basename(folder)}.json`);
  const known = await readFile(kept, "utf8").catch(() => undefined);
  if (known !== undefined) return JSON.parse(known) as Result;
  process.stderr.write(`${key.net}, ${key.amount} per class, ${key.way}\n`);
  const run = await startRun(
    {
      data,
      folder,
      overwrite: true,
      // Nothing is selected on the images that are judged.
      options: { ...options, keep: "last", input: values.input },
      seed,
      version: "bench",
      command: ["bench/compare/transfer.ts"],
    },
    context,
  );
  const before = process.cpuUsage();
  const started = performance.now();
  const outcome = await trainRun(run, context);
  const { user, system } = process.cpuUsage(before);
  const wallSeconds = (performance.now() - started) / 1000;
  const { record } = await finishRun(run, outcome, context);
  const { accuracy, correct, total, ci95 } = record.val;
  const result: Result = {
    ...key,
    epochs: outcome.history.length,
    images: run.data.split.train.length,
    accuracy,
    correct,
    total,
    ci95,
    processorSeconds: (user + system) / 1e6,
    wallSeconds,
  };
  await writeFile(kept, JSON.stringify(result, null, 1));
  process.stderr.write(
    `  ${(100 * accuracy).toFixed(1)} %, ${result.processorSeconds.toFixed(0)} s\n`,
  );
  return result;
}

await mkdir(work, { recursive: true });
// A table names files that lie beside it.
await cp(photos, join(work, "photos"), { recursive: true });
const manifests = await writeManifests();
const results: Result[] = [];
for (const model of [...models].reverse()) {
  const net = basename(model);
  for (const { name, epochs } of amounts) {
    const data = manifests.get(name)!;
    const key = { net, amount: name };
    const extracted = join(work, `${net}-${name}-extract`);
    results.push(
      await trainOne({ ...key, way: "extract" }, data, { weights: model, transfer: "extract" }),
      await trainOne({ ...key, way: "fine-tune" }, data, {
        weights: extracted,
        transfer: "finetune",
        epochs,
        augment: "randomCrop(padding=8)",
      }),
      // The pass that makes the codes counts as one.
      await trainOne({ ...key, way: "from scratch" }, data, await fromScratch(model, epochs + 1)),
    );
  }
}

// What `train` would choose for photos where there are no weights.
for (const { name, epochs } of amounts) {
  const key = { net: "resnet18, narrow", amount: name, way: "from scratch" };
  const options = { net: "resnet18", variant: "narrow", augment: "randomCrop(padding=8)" };
  results.push(await trainOne(key, manifests.get(name)!, { ...options, epochs: epochs + 1 }));
}

/** The same net, the same preprocessing, fresh weights. */
async function fromScratch(model: string, epochs: number): Promise<TrainOptions> {
  const config = JSON.parse(await readFile(join(model, "config.json"), "utf8")) as {
    readonly net: string;
    readonly variant: string;
  };
  const { net, variant } = config;
  return { net, variant, epochs, augment: "randomCrop(padding=8)" };
}

const percent = (share: number) => (100 * share).toFixed(1);
const rows = results.map(
  ({ net, amount, way, images, epochs, accuracy, ci95: [low, high], processorSeconds }) =>
    `| ${net} | ${amount} | ${images} | ${way} | ${epochs} | ${percent(accuracy)} % | ${percent(low)} to ${percent(high)} % | ${processorSeconds.toFixed(0)} s |`,
);
process.stdout.write(
  `| weights | per class | images | way | epochs | accuracy | 95 % interval | processor time |\n|---|---|---|---|---|---|---|---|\n${rows.join("\n")}\n`,
);
