import {
  type Conv2dOptions,
  conv2d,
  conv2dInputGradientOp,
  conv2dWeightGradientOp,
  convTranspose2d,
} from "../../src/graph/ops/conv2d.ts";
import { matmul } from "../../src/graph/ops/matmul.ts";
import { type OpCase, tooLarge, uniform } from "./opCase.ts";

export const matmulCases: readonly OpCase[] = [
  ...[false, true].flatMap((transposeA) =>
    [false, true].map(
      (transposeB): OpCase => ({
        name: `${transposeA ? "transposed" : "plain"} times ${transposeB ? "transposed" : "plain"}`,
        inputs: uniform(transposeA ? [4, 3] : [3, 4], transposeB ? [5, 4] : [4, 5]),
        build: ([a, b]) => matmul(a!, b!, { transposeA, transposeB }),
      }),
    ),
  ),
  {
    name: "batches",
    inputs: uniform([3, 2, 4], [3, 4, 2]),
    build: ([a, b]) => matmul(a!, b!),
  },
  {
    name: "two leading axes, one of them broadcast",
    inputs: uniform([2, 3, 3, 4], [3, 4, 2]),
    build: ([a, b]) => matmul(a!, b!),
  },
  {
    name: "batches of one matrix",
    inputs: uniform([2, 3, 4], [4, 2]),
    build: ([a, b]) => matmul(a!, b!),
  },
  {
    name: "a vector and batches",
    inputs: uniform([4], [3, 4, 2]),
    build: ([a, b]) => matmul(a!, b!),
  },
  {
    name: "batches and a vector",
    inputs: uniform([3, 2, 4], [4]),
    build: ([a, b]) => matmul(a!, b!),
  },
  {
    name: "a vector and a vector",
    inputs: uniform([4], [4]),
    build: ([a, b]) => matmul(a!, b!),
  },
  {
    name: "one by one",
    inputs: uniform([1, 1], [1, 1]),
    build: ([a, b]) => matmul(a!, b!),
  },
  ...(
    [
      [37, 129, 45],
      [1, 300, 17],
      [130, 1, 33],
      [70, 513, 1],
    ] as const
  ).map(
    ([m, k, n]): OpCase => ({
      name: `${m}x${k} times ${k}x${n}`,
      inputs: uniform([m, k], [k, n]),
      build: ([a, b]) => matmul(a!, b!),
      noFiniteDifferences: tooLarge,
    }),
  ),
];

interface Geometry extends Omit<Conv2dOptions, "bias"> {
  readonly x: readonly [number, number, number, number];
  readonly weight: readonly [number, number, number, number];
}

/** Small enough for one difference per element. */
const small: Readonly<Record<string, Geometry>> = {
  "3x3": { x: [1, 2, 4, 5], weight: [3, 2, 3, 3] },
  "3x3, pad 1": { x: [1, 2, 4, 4], weight: [2, 2, 3, 3], padding: 1 },
  "stride 2 that comes out whole": { x: [1, 2, 5, 5], weight: [2, 2, 3, 3], stride: 2 },
  "stride 2x1, floor": { x: [1, 2, 4, 4], weight: [2, 2, 3, 2], stride: [2, 1], fit: "floor" },
  dilated: { x: [1, 1, 6, 5], weight: [2, 1, 3, 2], dilation: [2, 2] },
  "four paddings": { x: [1, 1, 4, 4], weight: [2, 1, 3, 3], padding: [0, 1, 2, 1] },
  "same, even kernel": { x: [1, 1, 4, 5], weight: [2, 1, 2, 4], padding: "same" },
  "sameUpper, stride 2": { x: [1, 1, 5, 6], weight: [2, 1, 3, 3], padding: "sameUpper", stride: 2 },
  "sameLower, stride 2": { x: [1, 1, 6, 4], weight: [1, 1, 3, 3], padding: "sameLower", stride: 2 },
  grouped: { x: [1, 4, 3, 3], weight: [6, 2, 2, 2], groups: 2 },
  depthwise: { x: [2, 3, 4, 4], weight: [3, 1, 3, 3], groups: 3, padding: 1 },
  "depthwise with multiplier": { x: [1, 2, 4, 4], weight: [4, 1, 3, 3], groups: 2 },
  "1x1": { x: [2, 3, 2, 3], weight: [4, 3, 1, 1] },
  "1x1, stride 2, floor": { x: [1, 3, 4, 4], weight: [2, 3, 1, 1], stride: 2, fit: "floor" },
  "kernel as large as the input": { x: [2, 2, 3, 4], weight: [3, 2, 3, 4] },
};

/** Sizes that leave rests of every tile. */
const large: Readonly<Record<string, Geometry>> = {
  "3x3 of 17 to 33 channels": { x: [2, 17, 13, 11], weight: [33, 17, 3, 3], padding: 1 },
  "3x3 of 32 to 32 channels": { x: [3, 32, 12, 12], weight: [32, 32, 3, 3], padding: 1 },
  "5x5 of 32 to 48 channels": { x: [2, 32, 13, 12], weight: [48, 32, 5, 5], padding: 2 },
  "first layer, 7x7 stride 2": { x: [2, 3, 33, 29], weight: [19, 3, 7, 7], stride: 2, padding: 3 },
  "11x11 stride 4": { x: [1, 3, 43, 43], weight: [8, 3, 11, 11], stride: 4 },
  "1x1 of 40 to 9 channels": { x: [3, 40, 7, 5], weight: [9, 40, 1, 1] },
  "depthwise 5x5": { x: [2, 24, 14, 14], weight: [24, 1, 5, 5], padding: 2, groups: 24 },
  "depthwise 7x7": { x: [1, 20, 9, 9], weight: [20, 1, 7, 7], padding: 3, groups: 20 },
  "four groups": { x: [2, 24, 8, 9], weight: [20, 6, 3, 3], padding: 1, groups: 4 },
  "dilation 3": { x: [1, 9, 15, 15], weight: [10, 9, 3, 3], padding: 3, dilation: 3 },
};

/** The share by which Winograd's transforms, whose sums partly cancel, may be off. */
const winograd = {
  tolerance: 1e-4,
  toleranceReason:
    "a 3x3 kernel at stride 1 may be computed by Winograd's F(4x4), which cancels digits",
};

function sizesOf({ x, weight, ...options }: Geometry) {
  return { x, weight, options };
}

function conv2dCase(name: string, geometry: Geometry): OpCase {
  const { x, weight, options } = sizesOf(geometry);
  const isWinograd = weight[2] === 3 && weight[3] === 3;
  return {
    name,
    inputs: uniform(x, weight),
    build: ([input, kernel]) => conv2d(input!, kernel!, options),
    ...(isWinograd ? winograd : {}),
  };
}

export const conv2dCases: readonly OpCase[] = [
  ...Object.entries(small).map(([name, geometry]) => conv2dCase(name, geometry)),
  ...Object.entries(large).map(([name, geometry]) => ({
    ...conv2dCase(name, geometry),
    noFiniteDifferences: tooLarge,
  })),
  {
    name: "with a bias",
    inputs: uniform([2, 2, 3, 3], [3, 2, 2, 2], [3]),
    build: ([x, weight, bias]) => conv2d(x!, weight!, { bias: bias! }),
  },
];

/** Geometry of a gradient node, complete. */
const gradientGeometry = {
  stride: [2, 1],
  padding: [1, 0, 1, 1],
  dilation: [1, 2],
  groups: 2,
  fit: "floor",
} as const;

export const conv2dInputGradientCases: readonly OpCase[] = [
  {
    name: "any geometry at once",
    // 6x7 under 3x2 with stride 2x1, dilation 1x2, pad 1,0,1,1 gives 3x6.
    inputs: uniform([1, 4, 3, 6], [4, 1, 3, 2]),
    build: ([dy, weight], builder) =>
      builder.add(conv2dInputGradientOp, [dy!, weight!], { ...gradientGeometry, size: [6, 7] })[0]!,
  },
  {
    name: "as a transposed convolution, stride 2",
    inputs: uniform([1, 2, 3, 3], [2, 3, 3, 3]),
    build: ([x, weight]) =>
      convTranspose2d(x!, weight!, { stride: 2, padding: 1, outputPadding: 1 }),
  },
  {
    name: "as a transposed convolution, 4x4 stride 2, groups, bias",
    inputs: uniform([2, 4, 2, 3], [4, 1, 4, 4], [2]),
    build: ([x, weight, bias]) =>
      convTranspose2d(x!, weight!, { stride: 2, padding: 1, groups: 2, bias: bias! }),
  },
  {
    name: "as a transposed convolution whose extra rows no stride leaves out",
    inputs: uniform([1, 2, 2, 3], [2, 1, 2, 2], [1]),
    build: ([x, weight, bias]) =>
      convTranspose2d(x!, weight!, {
        padding: [1, 0],
        dilation: 3,
        outputPadding: [2, 1],
        bias: bias!,
      }),
  },
];

export const conv2dWeightGradientCases: readonly OpCase[] = [
  {
    name: "any geometry at once",
    inputs: uniform([1, 2, 6, 7], [1, 4, 3, 6]),
    build: ([x, dy], builder) =>
      builder.add(conv2dWeightGradientOp, [x!, dy!], { ...gradientGeometry, size: [3, 2] })[0]!,
  },
  {
    name: "3x3",
    inputs: uniform([2, 2, 4, 4], [2, 3, 4, 4]),
    build: ([x, dy], builder) =>
      builder.add(conv2dWeightGradientOp, [x!, dy!], {
        stride: [1, 1],
        padding: [1, 1, 1, 1],
        dilation: [1, 1],
        groups: 1,
        fit: "strict",
        size: [3, 3],
      })[0]!,
    ...winograd,
  },
];
