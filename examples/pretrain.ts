// A small backbone of our own: ResNet-20 learns images of CIFAR-10, and its weights then serve another set of photos.
//
//   node --conditions=source examples/pretrain.ts CIFAR PHOTOS WORK [--epochs 20]
//
// The same commands by hand:
//   striate train CIFAR --net resnet20 --out WORK/backbone
//   striate advise PHOTOS --weights WORK/backbone
//   striate train PHOTOS --weights WORK/backbone --transfer extract --out WORK/codes
//   striate train PHOTOS --weights WORK/codes --transfer finetune --out WORK/tuned
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runCommandLine } from "../src/cli/program.node.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { epochs: { type: "string", default: "20" } },
});
const [cifar, photos, work] = positionals;
if (cifar === undefined || photos === undefined || work === undefined) {
  throw new Error("usage: pretrain.ts CIFAR PHOTOS WORK [--epochs 20]");
}
const [backbone, codes, tuned] = ["backbone", "codes", "tuned"].map((name) => join(work, name)) as [
  string,
  string,
  string,
];

const steps = [
  ["train", cifar, "--net", "resnet20", "--epochs", values.epochs, "--out", backbone],
  ["advise", photos, "--weights", backbone],
  ["train", photos, "--weights", backbone, "--transfer", "extract", "--out", codes],
  ["train", photos, "--weights", codes, "--transfer", "finetune", "--out", tuned],
];
for (const step of steps) {
  process.stdout.write(`\nstriate ${step.join(" ")}\n`);
  const code = await runCommandLine(step);
  if (code !== 0) process.exit(code);
}
