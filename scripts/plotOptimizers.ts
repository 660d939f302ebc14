// Trains LeNet-5 on the sample set with each optimiser, from the same weights and on the same batches, and draws the
// losses:
//
//   node --conditions=source scripts/plotOptimizers.ts [--epochs 12] → docs/images/optimizers.svg, docs/optimizers.csv
import { mkdirSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import {
  adadelta,
  adagrad,
  adam,
  createModel,
  momentum,
  nadam,
  nesterov,
  type Optimizer,
  rmsprop,
  sgd,
  train,
} from "striate";
import { createBatches, inlinePreparer, nodeCodecs, prepareImages, sampleData } from "striate/data";
import { linePlot, type PlotLine } from "./linePlot.ts";

const { values } = parseArgs({ options: { epochs: { type: "string", default: "12" } } });
const epochs = Number(values.epochs);

/** Each at a rate that serves it well on this problem; none is tuned further. */
const contestants: readonly (readonly [string, Optimizer, string])[] = [
  ["gradient descent", sgd({ lr: 0.05 }), "#000000"],
  ["momentum", momentum({ lr: 0.02, momentum: 0.9 }), "#0072b2"],
  ["Nesterov", nesterov({ lr: 0.02, momentum: 0.9, form: "paper" }), "#56b4e9"],
  ["Adagrad", adagrad({ lr: 0.01 }), "#009e73"],
  ["Adadelta", adadelta({ form: "paper" }), "#cc79a7"],
  ["RMSprop", rmsprop({ lr: 0.001 }), "#e69f00"],
  ["Adam", adam({ lr: 0.001 }), "#d55e00"],
  ["NAdam", nadam({ lr: 0.001 }), "#7a5c00"],
];

const set = sampleData();
const geometry = { width: 32, height: 32, channels: 3 } as const;
const prepared = await prepareImages(set, { preparer: inlinePreparer(nodeCodecs(), { geometry }) });
const batches = () => createBatches(prepared, { batchSize: 32, phase: "train", seed: 1 });
const model = createModel("lenet5", { classes: set.classes, input: [3, 32, 32], seed: 1 });
const lines: PlotLine[] = [];
for (const [name, optimizer, colour] of contestants) {
  const { history } = await train(model, {
    train: batches(),
    epochs,
    optimizer,
    schedule: { name: "constant", options: {}, rate: ({ lr }) => lr },
    seed: 1,
  });
  lines.push({ name, colour, values: history.map(({ train: level }) => level.loss) });
  process.stderr.write(`${name}: ${history.at(-1)!.train.loss.toFixed(4)}\n`);
}

mkdirSync("docs/images", { recursive: true });
writeFileSync(
  "docs/images/optimizers.svg",
  linePlot(lines, {
    title: "Training loss of LeNet-5 on the sample set, batch 32, constant rate",
    format: (loss, exact) => loss.toFixed(exact ? 3 : 1),
  }),
);
writeFileSync(
  "docs/optimizers.csv",
  `epoch,${lines.map(({ name }) => name).join(",")}\n${Array.from({ length: epochs }, (_, i) => `${i + 1},${lines.map(({ values: losses }) => losses[i]!.toFixed(5)).join(",")}`).join("\n")}\n`,
);
