import { describe, expect, test } from "vitest";
import {
  elementAt,
  forEachIndex,
  logical,
  physical,
  randomTensor,
} from "../../../../test/wasm/hostTensor.ts";
import { runPlan } from "../../../../test/wasm/kernelRunner.ts";
import { bitsToUniform, randomBits, streamKey } from "../../../core/random.ts";
import { elementCount, type Shape } from "../../../core/shape.ts";
import { planArgMax } from "./argMax.ts";
import { planOneHot } from "./oneHot.ts";
import { planRandom } from "./random.ts";

describe("oneHot", () => {
  const cases: { shape: Shape; classes: number; axis: number }[] = [
    { shape: [], classes: 5, axis: 0 },
    { shape: [7], classes: 10, axis: 1 },
    { shape: [7], classes: 3, axis: 0 },
    { shape: [2, 3], classes: 4, axis: 1 },
    { shape: [2, 4, 5], classes: 6, axis: 1 },
    { shape: [2, 4, 5], classes: 6, axis: 3 },
    { shape: [2, 3, 4, 5], classes: 3, axis: 1 },
    { shape: [2, 3, 4, 5], classes: 3, axis: 4 },
    { shape: [300], classes: 1000, axis: 1 },
  ];
  for (const { shape, classes, axis } of cases) {
    test(`[${shape}] with ${classes} classes at axis ${axis}, some indices outside`, () => {
      const indices = randomTensor(shape, 1, { low: -1, high: classes, dtype: "int32" });
      const output = shape.toSpliced(axis, 0, classes);
      const plan = planOneHot(shape, classes, axis);
      const [result] = runPlan(plan, [physical(indices)], [{ length: elementCount(output) }]);
      const expected: number[] = [];
      forEachIndex(output, (index) => {
        expected.push(Number(elementAt(indices, index.toSpliced(axis, 1)) === index[axis]));
      });
      expect(logical(result!, output)).toEqual(expected);
    });
  }
});

describe("argMax", () => {
  const shapes: Shape[] = [[1], [9], [5, 10], [2, 3, 4], [2, 5, 3, 4], [2, 3, 2, 3, 4]];
  for (const shape of shapes) {
    for (const axis of shape.keys()) {
      test(`[${shape}] along ${axis}, with ties`, () => {
        const tensor = randomTensor(shape, 3);
        for (const [i, value] of tensor.data.entries()) tensor.data[i] = Math.round(value);
        const output = shape.toSpliced(axis, 1);
        const spec = { length: elementCount(output), dtype: "int32" } as const;
        const [result] = runPlan(planArgMax(shape, axis), [physical(tensor)], [spec]);
        const expected: number[] = [];
        forEachIndex(output, (index) => {
          const values = Array.from({ length: shape[axis]! }, (_, i) =>
            elementAt(tensor, index.toSpliced(axis, 0, i)),
          );
          expected.push(values.indexOf(Math.max(...values)));
        });
        expect(logical(result!, output)).toEqual(expected);
      });
    }
  }
  test("the first NaN is larger than any number; a row of −∞ gives 0", () => {
    const data = Float32Array.of(1, NaN, 3, NaN, -Infinity, -Infinity, -Infinity, -Infinity);
    const [result] = runPlan(planArgMax([2, 4], 1), [data], [{ length: 2, dtype: "int32" }]);
    expect([...result!]).toEqual([1, 0]);
  });
});

test("random numbers are those of core/random.ts in the order of the memory", () => {
  const stream = streamKey(7, "dropout");
  for (const shape of [[], [3], [4096], [2, 5, 30, 33], [9001]]) {
    const length = elementCount(shape);
    const key = Int32Array.of(123456789, -987654321);
    const [result] = runPlan(planRandom(shape, stream), [key], [{ length }]);
    const combined = { k0: key[0]! ^ stream.k0, k1: key[1]! ^ stream.k1 };
    const expected = Array.from({ length }, (_, e) => bitsToUniform(randomBits(combined, e)));
    expect([...result!]).toEqual(expected);
  }
});
