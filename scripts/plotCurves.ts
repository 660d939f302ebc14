// Draws the validation error of the runs of bench/compare/cifar.ts and cifar.py, and says what lies within the other's spread:
//
//   node --conditions=source scripts/plotCurves.ts RUN.json… → docs/images/cifar-curves.svg, docs/cifar-curves.csv
import { readFileSync, writeFileSync } from "node:fs";
import { linePlot } from "./linePlot.ts";

interface Run {
  readonly peer: string;
  readonly seed: number;
  readonly epochs: number;
  readonly train: number;
  readonly val: number;
  readonly curve: readonly { readonly loss: number; readonly accuracy: number }[];
  readonly seconds: number;
}

const looks = {
  striate: ["Striate", "#0072b2", false],
  pytorch: ["PyTorch", "#d55e00", true],
} as const;
const runs = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, "utf8")) as Run);
const [first] = runs;
if (first === undefined) throw new Error("usage: plotCurves.ts RUN.json…");

const percent = (share: number, exact: boolean) => `${(100 * share).toFixed(exact ? 1 : 0)} %`;
writeFileSync(
  "docs/images/cifar-curves.svg",
  linePlot(
    runs.map(({ peer, seed, curve }) => {
      const [name, colour, dashed] = looks[peer as keyof typeof looks];
      return {
        name: `${name} ${seed}:`,
        colour,
        dashed,
        values: curve.map(({ accuracy }) => 1 - accuracy),
      };
    }),
    {
      title: `Validation error of ResNet-20, ${first.train.toLocaleString("en")} CIFAR-10 images, a line for each seed`,
      format: percent,
    },
  ),
);
writeFileSync(
  "docs/cifar-curves.csv",
  `peer,seed,epoch,training_loss,validation_accuracy\n${runs
    .flatMap(({ peer, seed, curve }) =>
      curve.map(
        ({ loss, accuracy }, i) =>
          `${peer},${seed},${i + 1},${loss.toFixed(4)},${accuracy.toFixed(4)}`,
      ),
    )
    .join("\n")}\n`,
);

const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
const deviation = (values: readonly number[]) =>
  Math.sqrt(
    values.reduce((sum, x) => sum + (x - mean(values)) ** 2, 0) / Math.max(1, values.length - 1),
  );
for (const [peer, [name]] of Object.entries(looks)) {
  const own = runs.filter((run) => run.peer === peer);
  if (own.length === 0) continue;
  const last = own.map(({ curve }) => curve.at(-1)!);
  const accuracies = last.map(({ accuracy }) => accuracy);
  process.stdout.write(
    `${name}: ${own.length} seeds, accuracy ${accuracies.map((share) => percent(share, true)).join(", ")}, mean ${percent(mean(accuracies), true)} ± ${percent(deviation(accuracies), true)}, loss ${mean(last.map(({ loss }) => loss)).toFixed(3)}, ${mean(own.map(({ seconds }) => seconds)).toFixed(0)} s\n`,
  );
}
