import {
  batchNormOp,
  groupNormOp,
  layerNormOp,
  localResponseNormOp,
} from "../../src/graph/ops/normalization.ts";
import { logSoftmax, softmax } from "../../src/graph/ops/softmax.ts";
import { type OpCase, uniform } from "./opCase.ts";

const eps = 1e-3;
const variance = { shape: [3], range: [0.5, 2] } as const;

export const batchNormCases: readonly OpCase[] = [
  {
    name: "training",
    inputs: uniform([2, 3, 2, 2], [3], [3]),
    build: (inputs, builder) =>
      builder.add(batchNormOp, inputs, { eps, training: true, affine: true }),
  },
  {
    name: "training, rows, not affine",
    inputs: uniform([5, 3]),
    build: (inputs, builder) =>
      builder.add(batchNormOp, inputs, { eps, training: true, affine: false })[0]!,
  },
  {
    name: "inference",
    inputs: [...uniform([2, 3, 2, 2], [3], [3], [3]), variance],
    build: (inputs, builder) =>
      builder.add(batchNormOp, inputs, { eps, training: false, affine: true }),
  },
  {
    name: "inference, not affine",
    inputs: [...uniform([2, 3, 2, 2], [3]), variance],
    build: (inputs, builder) =>
      builder.add(batchNormOp, inputs, { eps, training: false, affine: false }),
  },
];

export const layerNormCases: readonly OpCase[] = [
  {
    name: "channels of an image",
    inputs: uniform([2, 4, 2, 2], [4], [4]),
    build: (inputs, builder) => builder.add(layerNormOp, inputs, { eps, axes: [1], affine: true }),
  },
  {
    name: "the last three axes",
    inputs: uniform([2, 2, 2, 3], [2, 2, 3], [2, 2, 3]),
    build: (inputs, builder) =>
      builder.add(layerNormOp, inputs, { eps, axes: [1, 2, 3], affine: true }),
  },
  {
    name: "rows, not affine",
    inputs: uniform([3, 5]),
    build: (inputs, builder) => builder.add(layerNormOp, inputs, { eps, axes: [1], affine: false }),
  },
];

export const groupNormCases: readonly OpCase[] = [1, 2, 4].map((groups) => ({
  name: `${groups} groups`,
  inputs: uniform([2, 4, 2, 2], [4], [4]),
  build: (inputs, builder) => builder.add(groupNormOp, inputs, { eps, groups, affine: true }),
}));

export const localResponseNormCases: readonly OpCase[] = [
  { size: 3, alpha: 0.5, beta: 0.75, k: 1 },
  { size: 5, alpha: 1e-4, beta: 0.75, k: 2 },
  { size: 2, alpha: 1, beta: 1, k: 1 },
  { size: 9, alpha: 0.2, beta: 0.5, k: 1 },
].map((attributes) => ({
  name: `over ${attributes.size} channels, β ${attributes.beta}`,
  inputs: uniform([1, 5, 2, 2]),
  build: ([x], builder) => builder.add(localResponseNormOp, [x!], attributes)[0]!,
}));

function along(axis: number) {
  return {
    name: `along axis ${axis}`,
    inputs: uniform([2, 4, 2, 3]),
  };
}

export const softmaxCases: readonly OpCase[] = [
  ...[1, 3].map((axis): OpCase => ({ ...along(axis), build: ([x]) => softmax(x!, axis) })),
  {
    name: "rows far apart",
    inputs: [{ shape: [3, 6], range: [-200, 200] }],
    build: ([x]) => softmax(x!),
    secondOrder: false,
  },
];

export const logSoftmaxCases: readonly OpCase[] = [
  ...[1, 3].map((axis): OpCase => ({ ...along(axis), build: ([x]) => logSoftmax(x!, axis) })),
  {
    name: "rows far apart",
    inputs: [{ shape: [3, 6], range: [-200, 200] }],
    build: ([x]) => logSoftmax(x!),
    secondOrder: false,
  },
];
