import { expect, test } from "vitest";
import { memoryBatches } from "../../src/data/index.ts";
import { createModel, train } from "../../src/index.ts";

test("a model without classes, or of a net that there is not, is refused", () => {
  expect(() => createModel("lenet5", { classes: [] })).toThrow("0 classes; at least 1 is needed");
  expect(() => createModel("lenet6")).toThrow('unknown net "lenet6". Did you mean "lenet5"?');
});

test("options that there are not are refused, with those there are", async () => {
  const typo = { seed: 1, clases: ["a"] };
  expect(() => createModel("lenet5", typo)).toThrow(
    'createModel: unknown option "clases". Did you mean "classes"?',
  );
  const images = { pixels: new Uint8Array(2 * 1024), width: 32, height: 32, channels: 1 } as const;
  const two = { ...images, labels: [0, 1], classes: ["a", "b"] };
  const batches = memoryBatches(two, { batchSize: 2, phase: "train", seed: 0 });
  const model = createModel("lenet5", { classes: ["a", "b"] });
  const more = { train: batches, epochs: 1, optimiser: "sgd" };
  await expect(train(model, more)).rejects.toThrow(
    'train: unknown option "optimiser". Did you mean "optimizer"?',
  );
  const recipe = { train: batches, epochs: 1, recipe: { labelSmoothing: 0.1, smoothing: 0.1 } };
  await expect(train(model, recipe)).rejects.toThrow('train: recipe: unknown option "smoothing"');
});

test("labels that the net has no class for are refused before the first step", async () => {
  const images = { pixels: new Uint8Array(3 * 1024), width: 32, height: 32, channels: 1 } as const;
  const three = { ...images, labels: [0, 1, 2], classes: ["a", "b", "c"] };
  const batches = memoryBatches(three, { batchSize: 3, phase: "train", seed: 0 });
  const model = createModel("lenet5", { classes: ["a", "b"] });
  await expect(train(model, { train: batches, epochs: 1 })).rejects.toThrow(
    "an image has label 2; the net has 2 classes, 0 to 1",
  );
});

test("weights of another shape are refused by name", () => {
  const [name] = createModel("lenet5").weights.keys();
  const weights = new Map([[name!, { shape: [3], data: new Float32Array(3) }]]);
  expect(() => createModel("lenet5", { weights })).toThrow(`weight "${name}" is [3]`);
});

test("batches larger than the data are refused, and so are bytes that are no whole images", async () => {
  const images = { pixels: new Uint8Array(2 * 1024), width: 32, height: 32, channels: 1 } as const;
  const two = { ...images, labels: [0, 1], classes: ["a", "b"] };
  const batches = memoryBatches(two, { batchSize: 4, phase: "train", seed: 0 });
  const model = createModel("lenet5", { classes: ["a", "b"] });
  await expect(train(model, { train: batches, epochs: 1 })).rejects.toThrow(
    "batches of 4 from 2 images",
  );
  expect(() =>
    memoryBatches({ ...two, labels: [0] }, { batchSize: 1, phase: "train", seed: 0 }),
  ).toThrow("2048 bytes for 1 images of 32x32x1; expected 1024");
});
