// The degradation experiment of He et al. 2016 (arXiv:1512.03385, section 4.2, figure 6): deeper plain nets train worse
// than shallower ones, and shortcuts mend that. Trains plain-20, plain-56, ResNet-20 and ResNet-56 on CIFAR-10 images by
// the paper's recipe, shortened, and draws the training error and the validation error of each epoch.
//
//   node --conditions=source examples/degradation.ts CIFAR_FOLDER [--epochs 12] [--train 8000] [--seed 1] [--out FOLDER]
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createModel, momentum, multiStepDecay, train } from "striate";
import {
  createBatches,
  inlinePreparer,
  nodeCodecs,
  openData,
  parseAugmentations,
  prepareImages,
} from "striate/data";
import { linePlot } from "../scripts/linePlot.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    epochs: { type: "string", default: "12" },
    train: { type: "string", default: "8000" },
    seed: { type: "string", default: "1" },
    out: { type: "string", default: "docs" },
  },
});
const [folder] = positionals;
if (folder === undefined) throw new Error("usage: degradation.ts CIFAR_FOLDER [--epochs E]");
const [epochs, count, seed] = [values.epochs, values.train, values.seed].map(Number) as [
  number,
  number,
  number,
];

/** The last images of the folder, which are validated on after every epoch. */
const validated = 2000;
const set = await openData(folder);
const geometry = { width: 32, height: 32, channels: 3 } as const;
const prepared = await prepareImages(set, { preparer: inlinePreparer(nodeCodecs(), { geometry }) });
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const batches = {
  train: createBatches(prepared, {
    indices: range(0, count),
    batchSize: 128,
    phase: "train",
    seed,
    ...parseAugmentations("randomCrop(padding=4), horizontalFlip"),
  }),
  val: createBatches(prepared, {
    indices: range(set.items.length - validated, set.items.length),
    batchSize: 250,
    phase: "eval",
    seed,
  }),
};

const nets = [
  ["plain20", "#d55e00", true],
  ["plain56", "#d55e00", false],
  ["resnet20", "#0072b2", true],
  ["resnet56", "#0072b2", false],
] as const;
const results = [];
for (const [name, colour, dashed] of nets) {
  const started = performance.now();
  const { history } = await train(createModel(name, { classes: set.classes, seed }), {
    ...batches,
    epochs,
    optimizer: momentum({ lr: 0.1, momentum: 0.9, weightDecay: 1e-4 }),
    schedule: multiStepDecay({
      milestones: [Math.floor(epochs / 2), Math.floor((epochs * 3) / 4)],
    }),
    seed,
    onEpoch: ({ epoch, train: level, val }) =>
      process.stderr.write(
        `${name} epoch ${epoch}: training error ${(1 - level.accuracy).toFixed(4)}, validation error ${(1 - val!.accuracy).toFixed(4)}\n`,
      ),
  });
  results.push({ name, colour, dashed, history, seconds: (performance.now() - started) / 1000 });
}

const percent = (value: number, exact: boolean) => `${(100 * value).toFixed(exact ? 1 : 0)} %`;
const about = `${count.toLocaleString("en")} CIFAR-10 images, ${epochs} epochs (shortened)`;
mkdirSync(join(values.out, "images"), { recursive: true });
writeFileSync(
  join(values.out, "images", "degradation.svg"),
  linePlot(
    results.map(({ history, ...line }) => ({
      ...line,
      values: history.map(({ train: level }) => 1 - level.accuracy),
    })),
    { title: `Training error, ${about}`, format: percent },
  ),
);
writeFileSync(
  join(values.out, "degradation.csv"),
  `net,epoch,training_error,training_loss,validation_error\n${results
    .flatMap(({ name, history }) =>
      history.map(
        ({ epoch, train: level, val }) =>
          `${name},${epoch},${(1 - level.accuracy).toFixed(4)},${level.loss.toFixed(4)},${(1 - val!.accuracy).toFixed(4)}`,
      ),
    )
    .join("\n")}\n`,
);
for (const { name, history, seconds } of results) {
  const { train: level, val } = history.at(-1)!;
  process.stdout.write(
    `${name.padEnd(9)} training error ${percent(1 - level.accuracy, true)}, validation error ${percent(1 - val!.accuracy, true)}, ${seconds.toFixed(0)} s\n`,
  );
}
