import { expect, it } from "vitest";
import { reference } from "../backends/reference/backend.ts";
import { RandomStream } from "../core/random.ts";
import type { Batch } from "../data/batches/batches.ts";
import { relu } from "../layers/activation.ts";
import { batchNorm2d } from "../layers/batchNorm.ts";
import { conv2d } from "../layers/conv2d.ts";
import { linear } from "../layers/linear.ts";
import { flatten, sequential } from "../layers/structure.ts";
import { momentum } from "../optim/momentum.ts";
import { sgd } from "../optim/sgd.ts";
import type { Recipe } from "./recipe.ts";
import { Trainer } from "./trainer.ts";

const [channels, side, classes] = [3, 6, 3];

function drawBatch(seed: number, count: number): Batch {
  const random = new RandomStream(seed, "batch");
  return {
    images: Uint8Array.from({ length: count * channels * side * side }, () => random.integer(256)),
    labels: Int32Array.from({ length: count }, () => random.integer(classes)),
    indices: Int32Array.from({ length: count }, (_, i) => i),
    count,
  };
}

function join(batches: readonly Batch[]): Batch {
  return {
    images: Uint8Array.from(batches.flatMap(({ images }) => [...images])),
    labels: Int32Array.from(batches.flatMap(({ labels }) => [...labels])),
    indices: Int32Array.from(batches.flatMap(({ indices }) => [...indices])),
    count: batches.reduce((sum, { count }) => sum + count, 0),
  };
}

const plainNet = () =>
  sequential({
    conv1: conv2d({ channels: 4, kernel: 3, padding: 1 }),
    relu: relu(),
    flatten: flatten(),
    fc: linear({ features: classes }),
  });

function recipe(changes: Partial<Recipe> = {}): Recipe {
  return {
    net: plainNet(),
    input: [channels, side, side],
    classes,
    normalization: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
    optimizer: momentum({ lr: 0.1 }),
    ...changes,
  };
}

async function trained(changes: Partial<Recipe>, steps: readonly (readonly Batch[])[]) {
  const session = await reference().open();
  const trainer = new Trainer({ recipe: recipe(changes), session, seed: 7 });
  await trainer.prepare(steps.flat().map(({ count }) => count));
  await trainer.initialize();
  const losses: number[] = [];
  for (const [step, batches] of steps.entries()) {
    losses.push((await trainer.step(batches, { lr: 0.05 }, step)).loss);
  }
  return { losses, weights: await trainer.weights(), trainer };
}

it.each([
  ["plain", {}],
  ["with class weights", { classWeights: [1, 2, 0.5] }],
  ["with label smoothing", { labelSmoothing: 0.1 }],
])("accumulates exactly the gradient of one large batch, %s", async (_name, changes) => {
  const parts = [drawBatch(1, 4), drawBatch(2, 4), drawBatch(3, 2)];
  const whole = await trained(changes, [[join(parts)], [join(parts)]]);
  const split = await trained({ ...changes, accumulate: 3 }, [parts, parts]);
  split.losses.forEach((loss, i) => {
    expect(loss).toBeCloseTo(whole.losses[i]!, 6);
  });
  for (const [name, { data }] of whole.weights) {
    const other = split.weights.get(name)!.data;
    data.forEach((value, i) => {
      expect(other[i]).toBeCloseTo(value, 6);
    });
  }
});

it("keeps frozen parameters as they are", async () => {
  const frozen = (name: string) => name.startsWith("conv1.");
  const once = await trained({ frozen }, [[drawBatch(1, 4)]]);
  const twice = await trained({ frozen }, [[drawBatch(1, 4)], [drawBatch(2, 4)]]);
  expect(twice.weights.get("conv1.weight")).toEqual(once.weights.get("conv1.weight"));
  expect(twice.weights.get("fc.weight")).not.toEqual(once.weights.get("fc.weight"));
});

it("evaluates and keeps the average of the weights where there is one", async () => {
  const net = sequential({
    conv1: conv2d({ channels: 2, kernel: 3, padding: 1 }),
    bn1: batchNorm2d(),
    flatten: flatten(),
    fc: linear({ features: classes }),
  });
  const batch = drawBatch(1, 6);
  const steps = [[batch], [batch], [batch]];
  const average = await trained(
    { net, optimizer: sgd(), average: { decay: 0.5, ramp: false } },
    steps,
  );
  const raw = [1, 2, 3].map((count) => trained({ net, optimizer: sgd() }, steps.slice(0, count)));
  const [a, b, c] = (await Promise.all(raw)).map(
    ({ weights }) => weights.get("bn1.running_mean")!.data,
  );
  average.weights.get("bn1.running_mean")!.data.forEach((value, i) => {
    expect(value).toBeCloseTo(0.25 * a![i]! + 0.25 * b![i]! + 0.5 * c![i]!, 6);
  });
});

it("restores a snapshot to the same bits, and refuses one of another net", async () => {
  const { trainer } = await trained({}, [[drawBatch(1, 4)]]);
  const saved = await trainer.snapshot();
  // The reference backend computes in double precision: a snapshot's numbers are what both begin from.
  await trainer.restore(saved);
  const first = await trainer.step([drawBatch(2, 4)], { lr: 0.05 }, 1);
  const after = await trainer.snapshot();
  await trainer.restore(saved);
  expect(await trainer.step([drawBatch(2, 4)], { lr: 0.05 }, 1)).toEqual(first);
  expect(await trainer.snapshot()).toEqual(after);
  const other = new Map(saved);
  other.delete("fc.weight");
  await expect(trainer.restore(other)).rejects.toThrow('"fc.weight" is not in it');
});

it("names the layer whose output is not finite", async () => {
  const { trainer } = await trained({}, [[drawBatch(1, 4)]]);
  const tensors = new Map(await trainer.snapshot());
  const weight = tensors.get("fc.weight")!;
  tensors.set("fc.weight", { ...weight, data: weight.data.map(() => Number.NaN) });
  await trainer.restore(tensors);
  expect(await trainer.findBrokenLayer([drawBatch(1, 4)], 1)).toMatchObject({ name: "fc" });
});
