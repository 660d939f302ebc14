import { input, scalar as s } from "../../src/graph/expression.ts";
import { argMax } from "../../src/graph/ops/argMax.ts";
import { moments } from "../../src/graph/ops/moments.ts";
import { oneHot } from "../../src/graph/ops/oneHot.ts";
import {
  reduceMax,
  reduceMean,
  reduceMin,
  reduceOp,
  reduceProduct,
  reduceSum,
} from "../../src/graph/ops/reduce.ts";
import { type OpCase, tooLarge, uniform } from "./opCase.ts";

const distinct = { step: 0.2, offset: 0.1 };

const axesCases: readonly (readonly number[])[] = [[0], [1], [3], [0, 2, 3], [2, 3], [0, 1, 2, 3]];

export const reduceCases: readonly OpCase[] = [
  ...axesCases.flatMap((axes): OpCase[] => [
    {
      name: `sum over ${axes}`,
      inputs: uniform([2, 3, 2, 4]),
      build: ([x]) => reduceSum(x!, { axes }),
    },
    {
      name: `mean over ${axes}, axes kept`,
      inputs: uniform([2, 3, 2, 4]),
      build: ([x]) => reduceMean(x!, { axes, keepDims: true }),
    },
    {
      name: `maximum over ${axes}`,
      inputs: [{ shape: [2, 3, 2, 4], distinct }],
      build: ([x]) => reduceMax(x!, { axes }),
      secondOrder: false,
    },
  ]),
  {
    name: "minimum of rows",
    inputs: [{ shape: [5, 4], distinct }],
    build: ([x]) => reduceMin(x!, { axes: [1] }),
    secondOrder: false,
  },
  {
    name: "product of columns",
    inputs: [{ shape: [3, 4], range: [0.5, 1.5] }],
    build: ([x]) => reduceProduct(x!, { axes: [0] }),
  },
  {
    name: "a maximum that is reached twice shares its gradient",
    inputs: [{ shape: [2, 4], values: [1, 3, 3, 0, -1, -1, -1, -1] }],
    build: ([x]) => reduceMax(x!, { axes: [1] }),
    noFiniteDifferences: "the slope jumps at a tie",
  },
  {
    name: "two sums of expressions over inputs that broadcast",
    inputs: uniform([2, 3, 4], [3, 1]),
    build: (inputs, builder) =>
      builder.add(reduceOp, inputs, {
        kind: "sum",
        axes: [0, 2],
        keepDims: false,
        expressions: [s.mul(input(0), input(1)), s.mul(input(0), input(0))],
      }),
  },
  {
    name: "a long sum of rank 2 over rows",
    inputs: [{ shape: [37, 1030] }],
    build: ([x]) => reduceSum(x!, { axes: [1] }),
    noFiniteDifferences: tooLarge,
  },
  {
    name: "a long sum over images and planes",
    inputs: [{ shape: [5, 19, 11, 13] }],
    build: ([x]) => reduceSum(x!, { axes: [0, 2, 3] }),
    noFiniteDifferences: tooLarge,
  },
];

export const momentsCases: readonly OpCase[] = [
  ...axesCases.map(
    (axes): OpCase => ({
      name: `over ${axes}`,
      inputs: uniform([2, 3, 2, 4]),
      build: ([x]) => {
        const { mean, variance } = moments(x!, axes);
        return [mean, variance];
      },
    }),
  ),
  {
    name: "of rows far from 0",
    inputs: [{ shape: [3, 40], range: [999, 1001] }],
    build: ([x]) => moments(x!, [1]).variance,
    noFiniteDifferences: tooLarge,
    tolerance: 1e-4,
    toleranceReason: "float32 rounds numbers near 1000 to 6e-5, their deviations are near 0.6",
  },
];

export const argMaxCases: readonly OpCase[] = [0, 1, 2].map((axis) => ({
  name: `along axis ${axis}, with ties`,
  inputs: [
    {
      shape: [2, 3, 4],
      values: Array.from({ length: 24 }, (_, i) => (i * 7) % 5),
      gradient: false,
    },
  ],
  build: ([x]) => argMax(x!, axis),
}));

export const oneHotCases: readonly OpCase[] = [
  {
    name: "rows, with indices outside",
    inputs: [{ shape: [6], dtype: "int32", values: [0, 3, -1, 4, 2, -100] }],
    build: ([x]) => oneHot(x!, 4),
  },
  {
    name: "of a plane, channels first",
    inputs: [{ shape: [2, 3, 3], dtype: "int32", range: [0, 4] }],
    build: ([x]) => oneHot(x!, 5),
  },
  {
    name: "along the first axis",
    inputs: [{ shape: [3, 2], dtype: "int32", range: [0, 2] }],
    build: ([x]) => oneHot(x!, 3, 0),
  },
];
