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
import { loadPlan, runPlan, testFeatures } from "../../../../test/wasm/kernelRunner.ts";
import { elementCount, type Shape } from "../../../core/shape.ts";
import { type Expression, input, scalar } from "../../../graph/expression.ts";
import { planElementwise } from "./elementwise.ts";

const { add, sub, mul, div, max, exp, select, less, pow, sqrt, floor } = scalar;
const [x0, x1, x2, x3] = [0, 1, 2, 3].map(input) as [
  Expression,
  Expression,
  Expression,
  Expression,
];

function check(
  shape: Shape,
  inputs: readonly HostTensor[],
  expressions: readonly Expression[],
  tolerance = 1e-6,
): void {
  const plan = planElementwise({
    shape,
    inputs,
    outputs: expressions.map((expression) => ({ expression, dtype: "float32" })),
  });
  const length = elementCount(shape);
  const results = runPlan(
    plan,
    inputs.map(physical),
    expressions.map(() => ({ length })),
  );
  for (const [o, expression] of expressions.entries()) {
    const expected: number[] = [];
    forEachIndex(shape, (index) => {
      expected.push(
        evaluate(
          expression,
          inputs.map((tensor) => elementAt(tensor, index)),
        ),
      );
    });
    expect(largestError(logical(results[o]!, shape), expected)).toBeLessThanOrEqual(tolerance);
  }
}

describe("shapes", () => {
  const shapes: Shape[] = [
    [],
    [1],
    [5],
    [4096],
    [4097],
    [20000],
    [3, 7],
    [2, 3, 4],
    [2, 1, 3, 3],
    [2, 3, 5, 4],
    [1, 5, 3, 3],
    [3, 17, 2, 5],
    [2, 64, 9, 9],
    [1, 1, 1, 1],
    [2, 3, 2, 3, 2],
  ];
  for (const shape of shapes) {
    test(`[${shape}] two operands of this shape`, () => {
      check(shape, [randomTensor(shape, 1), randomTensor(shape, 2)], [add(x0, mul(x1, 3))]);
    });
  }
});

describe("broadcasting", () => {
  const cases: { shape: Shape; inputs: Shape[] }[] = [
    { shape: [4, 6], inputs: [[4, 6], [6]] },
    { shape: [4, 6], inputs: [[4, 1], [6]] },
    {
      shape: [100, 33],
      inputs: [
        [100, 33],
        [100, 1],
      ],
    },
    {
      shape: [2, 3, 4, 5],
      inputs: [
        [2, 3, 4, 5],
        [3, 1, 1],
      ],
    },
    { shape: [2, 5, 4, 5], inputs: [[2, 5, 4, 5], [1, 5, 1, 1], [], [1]] },
    {
      shape: [2, 17, 4, 5],
      inputs: [
        [2, 17, 4, 5],
        [2, 17, 1, 1],
      ],
    },
    {
      shape: [2, 32, 6, 5],
      inputs: [
        [2, 32, 6, 5],
        [1, 32, 1, 1],
        [2, 1, 6, 5],
      ],
    },
    { shape: [2, 3, 4, 5], inputs: [[2, 3, 4, 5], [5]] },
    {
      shape: [2, 3, 4, 5],
      inputs: [
        [2, 3, 4, 5],
        [3, 4, 5],
      ],
    },
    {
      shape: [2, 8, 4, 5],
      inputs: [
        [8, 4, 5],
        [2, 1, 1, 5],
      ],
    },
    {
      shape: [2, 3, 4, 5],
      inputs: [
        [4, 1],
        [3, 1, 5],
      ],
    },
    {
      shape: [3, 2, 3, 4, 5],
      inputs: [
        [2, 3, 4, 5],
        [3, 1, 3, 1, 5],
      ],
    },
    { shape: [2, 3], inputs: [[1], []] },
    { shape: [4, 20000], inputs: [[4, 20000], [4, 1], [20000]] },
  ];
  for (const { shape, inputs } of cases) {
    test(`[${shape}] from ${inputs.map((s) => `[${s}]`).join(" ")}`, () => {
      const sum = inputs.map((_, i) => mul(input(i), i + 1)).reduce((a, b) => add(a, b));
      check(
        shape,
        inputs.map((s, i) => randomTensor(s, i + 1)),
        [sum, max(sum, 0)],
      );
    });
  }
});

describe("expressions", () => {
  test("an optimiser step: several outputs that share what they can", () => {
    const momentum = add(mul(x1, 0.9), mul(x2, 0.1));
    const second = add(mul(x3, 0.99), mul(mul(x2, x2), 0.01));
    const step = sub(x0, div(mul(momentum, 0.001), add(sqrt(second), 1e-8)));
    const shape = [1000, 7];
    const inputs = [1, 2, 3, 4].map((seed) => randomTensor(shape, seed, { low: 0.1, high: 2 }));
    check(shape, inputs, [step, momentum, second]);
  });
  test("sigmoid, selection and comparison", () => {
    const shape = [2, 6, 5, 5];
    const inputs = [randomTensor(shape, 1), randomTensor(shape, 2)];
    check(shape, inputs, [
      div(1, add(1, exp(scalar.neg(x0)))),
      select(less(x0, x1), x0, x1),
      select(less(x0, x1), 0, x1),
      select(less(0, x0), x1, 0),
      select(floor(x0), x1, -1),
      add(less(x0, x1), scalar.lessEqual(x1, x0)),
      mul(less(x0, x1), scalar.equal(x0, x0)),
    ]);
  });
  test("the remaining functions", () => {
    const shape = [3, 41];
    const inputs = [randomTensor(shape, 1), randomTensor(shape, 2, { low: 0.1, high: 3 })];
    check(shape, inputs, [
      scalar.abs(x0),
      scalar.min(x0, x1),
      scalar.round(mul(x0, 2)),
      scalar.log(x1),
      scalar.tanh(x0),
      scalar.erf(x0),
      scalar.sin(x0),
      scalar.cos(x0),
      pow(x1, x0),
      add(pow(x1, x0), scalar.cos(pow(x1, x0))),
    ]);
  });
  test("constant exponents that are quarters", () => {
    const inputs = [randomTensor([257], 5, { low: 0.05, high: 6 })];
    const exponents = [0, 1, 2, 3, 4, -1, -2, -3, -4, 0.25, 0.5, 0.75, 1.5, 2.25, 3.75];
    const negative = exponents.filter((e) => e % 1 !== 0).map((e) => -e);
    check(
      [257],
      inputs,
      [...exponents, ...negative].map((e) => pow(x0, e)),
      1e-6,
    );
    const signed = [randomTensor([257], 6)];
    check(
      [257],
      signed,
      [2, 3, 4, -1, -3].map((e) => pow(x0, e)),
      1e-6,
    );
  });
  test("minimum and maximum pass NaN on, comparisons with it are false", () => {
    const a = new Float32Array([NaN, 1, NaN, 2, -0]);
    const b = new Float32Array([1, NaN, NaN, 3, 0]);
    const tensors = [a, b].map((data) => ({ shape: [5], dtype: "float32" as const, data }));
    check([5], tensors, [max(x0, x1), scalar.min(x0, x1), less(x0, x1), scalar.equal(x0, x1)], 0);
  });
  test("a product and a sum are rounded twice, a multiplyAdd once where the engine can", () => {
    const a = 1 + 2 ** -12;
    const results = (expression: Expression, relaxedMadd: boolean): number[] => {
      const plan = planElementwise({
        shape: [5],
        inputs: [{ shape: [5], dtype: "float32" }],
        outputs: [{ expression, dtype: "float32" }],
      });
      const features = { ...testFeatures, relaxedMadd };
      const loaded = loadPlan(plan, [new Float32Array(5).fill(a)], [{ length: 5 }], features);
      loaded.run(1);
      return [...loaded.output(0)];
    };
    const twice = new Array(5).fill(Math.fround(a * a) - 1);
    const once = new Array(5).fill(a * a - 1);
    for (const relaxedMadd of [true, false]) {
      expect(results(sub(mul(x0, x0), 1), relaxedMadd)).toEqual(twice);
    }
    expect(results(scalar.fma(x0, x0, -1), true)).toEqual(once);
    expect(results(scalar.fma(x0, x0, -1), false)).toEqual(twice);
  });
});

describe("types and places", () => {
  test("int32 inputs are converted, int32 outputs truncated", () => {
    const a = randomTensor([2, 5, 3, 3], 1, { low: -9, high: 9, dtype: "int32" });
    const b = randomTensor([5, 1, 1], 2, { low: -9, high: 9, dtype: "int32" });
    const shape = [2, 5, 3, 3];
    const plan = planElementwise({
      shape,
      inputs: [a, b],
      outputs: [{ expression: div(mul(x0, x1), 2), dtype: "int32" }],
    });
    const [result] = runPlan(plan, [a, b].map(physical), [{ length: 90, dtype: "int32" }]);
    const expected: number[] = [];
    forEachIndex(shape, (i) => expected.push(Math.trunc((elementAt(a, i) * elementAt(b, i)) / 2)));
    expect(largestError(logical(result!, shape), expected)).toBe(0);
  });
  test("an element's bits do not depend on where it stands", () => {
    const expression = scalar.tanh(add(exp(x0), pow(scalar.abs(x0), 0.3)));
    const bits = (shift: number): Int32Array => {
      const data = new Float32Array(103).map((_, i) => Math.fround((i + shift) * 0.037 - 2));
      const plan = planElementwise({
        shape: [103],
        inputs: [{ shape: [103], dtype: "float32" }],
        outputs: [{ expression, dtype: "float32" }],
      });
      return new Int32Array(runPlan(plan, [data], [{ length: 103 }])[0]!.buffer);
    };
    const straight = bits(0);
    for (const shift of [1, 2, 3])
      expect(bits(shift).subarray(0, 90)).toEqual(straight.subarray(shift, 90 + shift));
  });
});
