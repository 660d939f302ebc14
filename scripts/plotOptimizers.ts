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
import { ticks } from "../src/report/chart.ts";

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
const curves: { name: string; colour: string; losses: number[] }[] = [];
for (const [name, optimizer, colour] of contestants) {
  const { history } = await train(model, {
    train: batches(),
    epochs,
    optimizer,
    schedule: { name: "constant", options: {}, rate: ({ lr }) => lr },
    seed: 1,
  });
  curves.push({ name, colour, losses: history.map(({ train: level }) => level.loss) });
  process.stderr.write(`${name}: ${history.at(-1)!.train.loss.toFixed(4)}\n`);
}

const [width, height, left, right, top, bottom] = [800, 420, 56, 190, 44, 44];
const highest = Math.max(...curves.flatMap(({ losses }) => losses));
const x = (epoch: number) => left + ((epoch - 1) / (epochs - 1)) * (width - left - right);
const y = (loss: number) => height - bottom - (loss / (highest * 1.05)) * (height - top - bottom);
// Names stand at the ends of their curves, pushed apart where those come close.
const ends = [...curves].sort((a, b) => a.losses.at(-1)! - b.losses.at(-1)!);
let lowest = height - bottom + 14;
const labels = ends.map(({ name, colour, losses }) => {
  lowest = Math.min(y(losses.at(-1)!) + 4, lowest - 15);
  return `<text x="${width - right + 10}" y="${lowest.toFixed(1)}" fill="${colour}" font-weight="600">${name} ${losses.at(-1)!.toFixed(3)}</text>`;
});
const grid = ticks(0, highest, 5).map(
  (loss) =>
    `<line x1="${left}" x2="${width - right}" y1="${y(loss).toFixed(1)}" y2="${y(loss).toFixed(1)}" stroke="#dde3eb"/><text x="${left - 8}" y="${(y(loss) + 4).toFixed(1)}" text-anchor="end" fill="#5b6578">${loss.toFixed(1)}</text>`,
);
const steps = Array.from({ length: epochs }, (_, i) => i + 1).map(
  (epoch) =>
    `<text x="${x(epoch).toFixed(1)}" y="${height - bottom + 18}" text-anchor="middle" fill="#5b6578">${epoch}</text>`,
);
const lines = curves.map(
  ({ colour, losses }) =>
    `<polyline fill="none" stroke="${colour}" stroke-width="2.2" stroke-linejoin="round" points="${losses.map((loss, i) => `${x(i + 1).toFixed(1)},${y(loss).toFixed(1)}`).join(" ")}"/>`,
);
mkdirSync("docs/images", { recursive: true });
writeFileSync(
  "docs/images/optimizers.svg",
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/><text x="${left}" y="22" font-size="15" font-weight="600" fill="#1d2330">Training loss of LeNet-5 on the sample set, batch 32, constant rate</text>${grid.join("")}${steps.join("")}<text x="${width - right}" y="${height - 8}" text-anchor="end" fill="#5b6578">epoch</text>${lines.join("")}${labels.join("")}</svg>\n`,
);
writeFileSync(
  "docs/optimizers.csv",
  `epoch,${curves.map(({ name }) => name).join(",")}\n${Array.from({ length: epochs }, (_, i) => `${i + 1},${curves.map(({ losses }) => losses[i]!.toFixed(5)).join(",")}`).join("\n")}\n`,
);
