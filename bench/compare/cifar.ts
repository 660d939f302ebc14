// ResNet-20 on CIFAR-10 images by the recipe of the paper (He et al. 2016, section 4.2), as bench/compare/cifar.py does
// it with PyTorch. Prints one JSON line.
//
//   node --conditions=source bench/compare/cifar.ts FOLDER [--train 8000] [--epochs 20] [--seed 1] [--threads 2]
import { parseArgs } from "node:util";
import { wasm } from "../../src/backends/wasm/backend.ts";
import { parseAugmentations } from "../../src/data/augment/parse.ts";
import {
  createBatches,
  openData,
  prepareImages,
  threadedPreparer,
} from "../../src/data/index.node.ts";
import { createNet } from "../../src/models/index.ts";
import { momentum } from "../../src/optim/momentum.ts";
import { multiStepDecay } from "../../src/optim/schedules/stepDecay.ts";
import { measureNormalization } from "../../src/train/normalization.ts";
import { runTraining } from "../../src/train/runTraining.ts";
import { Trainer } from "../../src/train/trainer.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    train: { type: "string", default: "8000" },
    epochs: { type: "string", default: "20" },
    seed: { type: "string", default: "1" },
    threads: { type: "string", default: "2" },
  },
});
const [folder] = positionals;
if (folder === undefined) throw new Error("usage: cifar.ts FOLDER [--epochs E] [--seed S]");
const [count, epochs, seed, threads] = [
  values.train,
  values.epochs,
  values.seed,
  values.threads,
].map(Number) as [number, number, number, number];

const started = performance.now();
const set = await openData(folder);
const preparer = await threadedPreparer({
  settings: { geometry: { width: 32, height: 32, channels: 3 } },
});
const prepared = await prepareImages(set, { preparer });
const indices = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const train = indices(0, count);
const pixels: Uint8Array[] = [];
for (const index of train) pixels.push((await prepared.pixels(index)).data);
const session = await wasm({ threads }).open();
const net = createNet("resnet20", { classes: set.classes.length });
const trainer = new Trainer({
  recipe: {
    net: net.layer,
    input: net.input,
    classes: set.classes.length,
    normalization: measureNormalization(pixels, 3),
    optimizer: momentum({ lr: 0.1, momentum: 0.9, weightDecay: 1e-4 }),
  },
  session,
  seed,
});
const curve: { loss: number; accuracy: number }[] = [];
const training = runTraining({
  trainer,
  train: createBatches(prepared, {
    indices: train,
    batchSize: 128,
    phase: "train",
    seed,
    ...parseAugmentations("randomCrop(padding=4), horizontalFlip"),
  }),
  val: createBatches(prepared, {
    indices: indices(count, set.items.length),
    batchSize: 250,
    phase: "eval",
    seed,
  }),
  epochs,
  schedule: multiStepDecay({ milestones: [Math.floor(epochs / 2), Math.floor((epochs * 3) / 4)] }),
});
const begun = performance.now();
for await (const event of training) {
  if (event.type !== "epoch") continue;
  curve.push({ loss: event.record.train.loss, accuracy: event.record.val!.accuracy });
  process.stderr.write(`epoch ${curve.length}: ${JSON.stringify(curve.at(-1))}\n`);
}
const result = {
  peer: "striate",
  seed,
  epochs,
  train: count,
  val: set.items.length - count,
  curve,
  seconds: (performance.now() - begun) / 1000,
  prepareSeconds: (begun - started) / 1000,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
await session.close();
await preparer.close();
