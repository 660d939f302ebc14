import { describe, expect, test } from "vitest";
import {
  forEachIndex,
  type HostTensor,
  logical,
  physical,
  randomTensor,
} from "../../../../test/wasm/hostTensor.ts";
import { runPlan } from "../../../../test/wasm/kernelRunner.ts";
import { elementCount, rowMajorStrides, type Shape } from "../../../core/shape.ts";
import { planMoments } from "./moments.ts";

/** Mean and variance in float64, row-major over the kept shape. */
function reference(
  tensor: HostTensor,
  axes: readonly number[],
): { mean: number[]; variance: number[] } {
  const kept = tensor.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const strides = rowMajorStrides(kept);
  const results = elementCount(kept);
  const count = elementCount(tensor.shape) / results;
  const place = (index: readonly number[]): number =>
    index.reduce((sum, i, axis) => sum + (axes.includes(axis) ? 0 : i * strides[axis]!), 0);
  const mean = new Array<number>(results).fill(0);
  const variance = new Array<number>(results).fill(0);
  forEachIndex(tensor.shape, (index, flat) => {
    mean[place(index)]! += tensor.data[flat]! / count;
  });
  forEachIndex(tensor.shape, (index, flat) => {
    variance[place(index)]! += (tensor.data[flat]! - mean[place(index)]!) ** 2 / count;
  });
  return { mean, variance };
}

function check(tensor: HostTensor, axes: readonly number[], tolerance = 2e-6): void {
  const { shape } = tensor;
  const { mean, variance } = reference(tensor, axes);
  const keptShape = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  for (const keepDims of [true, false]) {
    const resultShape = keepDims ? keptShape : shape.filter((_, axis) => !axes.includes(axis));
    const length = elementCount(resultShape);
    const plan = planMoments({ shape, axes, keepDims });
    const [first, second] = runPlan(plan, [physical(tensor)], [{ length }, { length }]);
    const means = logical(first!, resultShape);
    const variances = logical(second!, resultShape);
    for (const [i, value] of mean.entries()) {
      const deviation = Math.sqrt(variance[i]!);
      // Half a unit of float32 at the mean is the best there is.
      const allowed = tolerance * Math.max(deviation, 1e-3) + 2 ** -23 * Math.abs(value);
      expect(Math.abs(means[i]! - value)).toBeLessThanOrEqual(allowed);
      expect(Math.abs(variances[i]! - variance[i]!)).toBeLessThanOrEqual(
        tolerance * variance[i]! + 1e-12 + 4 * (2 ** -23 * value) ** 2,
      );
    }
  }
}

describe("mean and variance", () => {
  const cases: { shape: Shape; axes: number[] }[] = [
    { shape: [1], axes: [0] },
    { shape: [7], axes: [0] },
    { shape: [100003], axes: [0] },
    { shape: [5, 3], axes: [1] },
    { shape: [5, 3], axes: [0] },
    { shape: [40, 1000], axes: [1] },
    { shape: [300, 2500], axes: [0] },
    { shape: [3, 70000], axes: [1] },
    { shape: [2, 3, 70000], axes: [0, 2] },
    { shape: [4, 5, 6], axes: [1] },
    { shape: [2, 3, 4, 5], axes: [0, 2, 3] },
    { shape: [2, 3, 4, 5], axes: [1] },
    { shape: [2, 3, 4, 5], axes: [1, 2, 3] },
    { shape: [2, 3, 4, 5], axes: [0] },
    { shape: [2, 3, 4, 5], axes: [] },
    { shape: [4, 64, 20, 20], axes: [0, 2, 3] },
    { shape: [4, 64, 20, 20], axes: [2, 3] },
    { shape: [4, 6, 32, 32], axes: [0, 2, 3] },
    { shape: [4, 3, 33, 32], axes: [0, 2, 3] },
    { shape: [5, 17, 13, 13], axes: [0, 2, 3] },
    { shape: [4, 1, 50, 50], axes: [0, 2, 3] },
    { shape: [2, 96, 14, 14], axes: [1] },
    { shape: [8, 16, 64, 64], axes: [0, 2, 3] },
    { shape: [1, 2100, 9, 9], axes: [0, 2, 3] },
    { shape: [2, 3, 4, 5, 6], axes: [1, 3] },
    { shape: [2, 3, 4, 5, 6], axes: [2, 4] },
  ];
  for (const { shape, axes } of cases) {
    test(`[${shape}] over ${axes}`, () =>
      check(randomTensor(shape, 3, { low: -1, high: 3 }), axes));
  }
});

describe("accuracy", () => {
  const shapes: { shape: Shape; axes: number[] }[] = [
    { shape: [16, 24, 40, 40], axes: [0, 2, 3] },
    { shape: [8, 3, 64, 64], axes: [0, 2, 3] },
    { shape: [20, 5000], axes: [1] },
    { shape: [400000], axes: [0] },
  ];
  for (const { shape, axes } of shapes) {
    test(`[${shape}]: a deviation of 1 round a mean of 10000 keeps its variance to 1e-5`, () => {
      const tensor = randomTensor(shape, 4, { low: 1e4 - Math.sqrt(3), high: 1e4 + Math.sqrt(3) });
      check(tensor, axes, 1e-5);
    });
  }
  test("equal numbers have variance 0 exactly", () => {
    const data = new Float32Array(4 * 8 * 900).fill(1234.567);
    const tensor: HostTensor = { shape: [4, 8, 30, 30], dtype: "float32", data };
    const plan = planMoments({ shape: tensor.shape, axes: [0, 2, 3], keepDims: false });
    const [mean, variance] = runPlan(plan, [data], [{ length: 8 }, { length: 8 }]);
    expect([...mean!]).toEqual(new Array(8).fill(Math.fround(1234.567)));
    expect([...variance!]).toEqual(new Array(8).fill(0));
  });
});
