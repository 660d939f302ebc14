import { describe, expect, test } from "vitest";
import {
  elementAt,
  evaluate,
  forEachIndex,
  type HostTensor,
  largestError,
  logical,
  physical,
  randomTensor,
} from "../../../../test/wasm/hostTensor.ts";
import { runPlan } from "../../../../test/wasm/kernelRunner.ts";
import { elementCount, rowMajorStrides, type Shape } from "../../../core/shape.ts";
import { type Expression, input, scalar } from "../../../graph/expression.ts";
import { planReduce, type ReduceRequest } from "./reduce.ts";
import type { ReductionKind } from "./reduction.ts";

const { add, sub, mul, div, exp, sqrt } = scalar;
const [x0, x1, x2] = [0, 1, 2].map(input) as [Expression, Expression, Expression];

const joins: Record<ReductionKind, { start: number; join: (a: number, b: number) => number }> = {
  sum: { start: 0, join: (a, b) => a + b },
  product: { start: 1, join: (a, b) => a * b },
  maximum: { start: -Infinity, join: Math.max },
  minimum: { start: Infinity, join: Math.min },
};

/** Reduced values in float64, row-major over the kept shape. */
function reference(request: ReduceRequest, inputs: readonly HostTensor[]): number[][] {
  const { kind, shape, axes, outputs } = request;
  const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const strides = rowMajorStrides(kept);
  const { start, join } = joins[kind];
  const results = outputs.map(() => new Array<number>(elementCount(kept)).fill(start));
  forEachIndex(shape, (index) => {
    let flat = 0;
    for (const [axis, i] of index.entries()) if (!axes.includes(axis)) flat += i * strides[axis]!;
    const values = inputs.map((tensor) => elementAt(tensor, index));
    for (const [k, { expression }] of outputs.entries()) {
      results[k]![flat] = join(results[k]![flat]!, evaluate(expression, values));
    }
  });
  return outputs.map(({ finish }, k) =>
    results[k]!.map((value, i) =>
      finish === undefined
        ? value
        : evaluate(
            finish,
            results.map((row) => row[i]!),
          ),
    ),
  );
}

function check(request: ReduceRequest, inputs: readonly HostTensor[], tolerance = 3e-6): void {
  const { shape, axes, keepDims, outputs } = request;
  const keptShape = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const resultShape = keepDims ? keptShape : shape.filter((_, axis) => !axes.includes(axis));
  const length = elementCount(resultShape);
  const results = runPlan(
    planReduce(request),
    inputs.map(physical),
    outputs.map(() => ({ length })),
  );
  const expected = reference(request, inputs);
  for (const [k, values] of expected.entries()) {
    const scale = Math.max(1, ...values.map(Math.abs));
    const actual = logical(results[k]!, resultShape).map((value) => value / scale);
    const error = largestError(
      actual,
      values.map((value) => value / scale),
    );
    expect(error, `output ${k}`).toBeLessThanOrEqual(tolerance);
  }
}

function sumOver(shape: Shape, axes: readonly number[], keepDims: boolean): void {
  const tensor = randomTensor(shape, 3);
  const request: ReduceRequest = {
    kind: "sum",
    shape,
    inputs: [tensor],
    axes,
    keepDims,
    outputs: [{ expression: x0 }],
  };
  check(request, [tensor]);
}

describe("sums over axes", () => {
  const cases: { shape: Shape; axes: number[] }[] = [
    { shape: [], axes: [] },
    { shape: [1], axes: [0] },
    { shape: [7], axes: [0] },
    { shape: [100003], axes: [0] },
    { shape: [5, 3], axes: [1] },
    { shape: [5, 3], axes: [0] },
    { shape: [40, 1000], axes: [1] },
    { shape: [64, 2500], axes: [0] },
    { shape: [3, 70000], axes: [1] },
    { shape: [2, 3, 70000], axes: [0, 2] },
    { shape: [200, 5, 1], axes: [0] },
    { shape: [4, 5, 6], axes: [1] },
    { shape: [4, 5, 6], axes: [0, 2] },
    { shape: [2, 3, 4, 5], axes: [0, 2, 3] },
    { shape: [2, 3, 4, 5], axes: [0, 1, 2, 3] },
    { shape: [2, 3, 4, 5], axes: [1] },
    { shape: [2, 3, 4, 5], axes: [2, 3] },
    { shape: [2, 3, 4, 5], axes: [3] },
    { shape: [2, 3, 4, 5], axes: [0] },
    { shape: [2, 3, 4, 5], axes: [0, 1] },
    { shape: [2, 3, 4, 5], axes: [0, 2] },
    { shape: [2, 3, 4, 5], axes: [1, 2, 3] },
    { shape: [2, 3, 4, 5], axes: [] },
    { shape: [4, 64, 20, 20], axes: [0, 2, 3] },
    { shape: [4, 6, 32, 32], axes: [0, 2, 3] },
    { shape: [4, 3, 32, 32], axes: [0, 2, 3] },
    { shape: [5, 17, 13, 13], axes: [0, 2, 3] },
    { shape: [4, 1, 50, 50], axes: [0, 2, 3] },
    { shape: [2, 24, 40, 40], axes: [2, 3] },
    { shape: [2, 96, 14, 14], axes: [1] },
    { shape: [8, 16, 64, 64], axes: [0, 2, 3] },
    { shape: [2, 3, 4, 5, 6], axes: [1, 3] },
    { shape: [2, 3, 4, 5, 6], axes: [2] },
    { shape: [2, 3, 4, 5, 6], axes: [4] },
  ];
  for (const { shape, axes } of cases) {
    test(`[${shape}] over ${axes}`, () => {
      sumOver(shape, axes, true);
      sumOver(shape, axes, false);
    });
  }
});

describe("kinds, prologues and several outputs", () => {
  test("maximum and minimum over rows and columns, with their identities", () => {
    const tensor = randomTensor([9, 37], 4, { low: -5, high: -1 });
    for (const kind of ["maximum", "minimum"] as const) {
      for (const axes of [[0], [1], [0, 1]]) {
        const request = { kind, shape: [9, 37], inputs: [tensor], axes, keepDims: true };
        check({ ...request, outputs: [{ expression: x0 }] }, [tensor], 0);
      }
    }
  });
  test("products", () => {
    const tensor = randomTensor([3, 5, 7], 4, { low: 0.5, high: 1.5 });
    for (const axes of [[0], [1], [2], [0, 2]]) {
      const request = { shape: [3, 5, 7], inputs: [tensor], axes, keepDims: true };
      check({ ...request, kind: "product", outputs: [{ expression: x0 }] }, [tensor]);
    }
  });
  test("a maximum is NaN if one element is", () => {
    const data = new Float32Array(50).fill(1);
    data[17] = NaN;
    const tensor: HostTensor = { shape: [5, 10], dtype: "float32", data };
    for (const axes of [[0], [1], [0, 1]]) {
      const request = { shape: [5, 10], inputs: [tensor], axes, keepDims: true };
      check({ ...request, kind: "maximum", outputs: [{ expression: x0 }] }, [tensor], 0);
    }
  });
  for (const channels of [1, 3, 5, 17, 32]) {
    test(`batch norm's gradient sums, ${channels} channels`, () => {
      const shape = [3, channels, 12, 12];
      const inputs = [
        randomTensor(shape, 1),
        randomTensor(shape, 2),
        randomTensor([1, channels, 1, 1], 3),
      ];
      const expression = mul(x0, sub(x1, x2));
      const outputs = [{ expression: x0 }, { expression }, { expression: mul(x1, x1) }];
      check({ kind: "sum", shape, inputs, axes: [0, 2, 3], keepDims: true, outputs }, inputs);
      check({ kind: "sum", shape, inputs, axes: [2, 3], keepDims: false, outputs }, inputs);
      check({ kind: "sum", shape, inputs, axes: [1], keepDims: false, outputs }, inputs);
      check({ kind: "sum", shape, inputs, axes: [0, 1, 2, 3], keepDims: false, outputs }, inputs);
    });
  }
  test("sum of exponentials less the row's maximum", () => {
    const inputs = [randomTensor([30, 101], 1), randomTensor([30, 1], 2, { low: 2, high: 3 })];
    const outputs = [{ expression: exp(sub(x0, x1)), finish: scalar.log(x0) }];
    check({ kind: "sum", shape: [30, 101], inputs, axes: [1], keepDims: true, outputs }, inputs);
  });
  test("finish sees the complete results of all outputs, after several stages too", () => {
    for (const shape of [[6, 9], [400, 300], [2, 8, 70, 70], [120000]]) {
      const tensor = randomTensor(shape, 8);
      const count = elementCount(shape);
      const outputs = [
        { expression: x0, finish: div(x0, count) },
        { expression: mul(x0, x0), finish: sqrt(add(x1, x0)) },
      ];
      const axes = shape.map((_, axis) => axis);
      check({ kind: "sum", shape, inputs: [tensor], axes, keepDims: false, outputs }, [tensor]);
    }
  });
  test("an operand of another rank, its axes in another order in memory", () => {
    const inputs = [randomTensor([2, 5, 6, 7], 1), randomTensor([5, 6, 7], 2)];
    const outputs = [{ expression: mul(x0, x1) }];
    for (const axes of [[0], [1], [2, 3], [0, 2, 3], [3]]) {
      check({ kind: "sum", shape: [2, 5, 6, 7], inputs, axes, keepDims: false, outputs }, inputs);
    }
  });
  test("a broadcast sum counts every repetition; int32 is converted", () => {
    const inputs = [randomTensor([5, 1], 1, { dtype: "int32", low: -9, high: 9 })];
    const outputs = [{ expression: x0 }];
    check({ kind: "sum", shape: [5, 12], inputs, axes: [1], keepDims: true, outputs }, inputs, 0);
    check({ kind: "sum", shape: [5, 12], inputs, axes: [0], keepDims: true, outputs }, inputs, 0);
  });
});

describe("accuracy", () => {
  test("a million numbers near 1 keep seven digits", () => {
    const tensor = randomTensor([1_000_000], 5, { low: 0.5, high: 1.5 });
    const request = { shape: [1_000_000], inputs: [tensor], axes: [0], keepDims: false };
    check({ ...request, kind: "sum", outputs: [{ expression: x0 }] }, [tensor], 2e-7);
  });
  test("columns of 65536 numbers near 1", () => {
    const tensor = randomTensor([65536, 8], 5, { low: 0.5, high: 1.5 });
    const request = { shape: [65536, 8], inputs: [tensor], axes: [0], keepDims: false };
    check({ ...request, kind: "sum", outputs: [{ expression: x0 }] }, [tensor], 2e-7);
  });
});
