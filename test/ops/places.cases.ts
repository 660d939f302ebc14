import { add, multiply } from "../../src/graph/ops/binary.ts";
import { broadcastTo } from "../../src/graph/ops/broadcast.ts";
import { concat } from "../../src/graph/ops/concat.ts";
import { type PadMode, pad, padConstant } from "../../src/graph/ops/pad.ts";
import { randomUniform } from "../../src/graph/ops/random.ts";
import { flatten, reshape } from "../../src/graph/ops/reshape.ts";
import { slice, split } from "../../src/graph/ops/slice.ts";
import { transpose } from "../../src/graph/ops/transpose.ts";
import { type OpCase, tooLarge, uniform } from "./opCase.ts";

export const inputCases: readonly OpCase[] = [
  { name: "as it is", inputs: uniform([2, 3]), build: ([x]) => x! },
];

export const stateCases: readonly OpCase[] = [
  {
    name: "at its first value",
    inputs: uniform([2, 3]),
    build: ([x], builder) => multiply(x!, builder.state("state case", [3], { initial: 1.5 })),
  },
];

export const constantCases: readonly OpCase[] = [
  {
    name: "a tensor and a number",
    inputs: uniform([2, 3]),
    build: ([x], builder) =>
      add(multiply(x!, builder.constant(Float32Array.of(1, -2, 3), [3])), 0.1),
  },
];

export const randomCases: readonly OpCase[] = [
  {
    name: "an image",
    inputs: uniform([2, 3, 2, 2]),
    build: ([x], builder) => multiply(x!, randomUniform(builder, "mask", [2, 3, 2, 2])),
  },
  {
    name: "rows",
    inputs: uniform([5, 7]),
    build: ([x], builder) => multiply(x!, randomUniform(builder, "rows", [5, 7])),
  },
];

export const reshapeCases: readonly OpCase[] = [
  { name: "flatten an image", inputs: uniform([2, 3, 2, 2]), build: ([x]) => flatten(x!) },
  { name: "to an image", inputs: uniform([2, 12]), build: ([x]) => reshape(x!, [2, 3, -1, 2]) },
  {
    name: "image to image",
    inputs: uniform([2, 4, 3, 2]),
    build: ([x]) => reshape(x!, [1, 2, 6, 4]),
  },
  { name: "to a scalar", inputs: uniform([1, 1]), build: ([x]) => reshape(x!, []) },
];

export const transposeCases: readonly OpCase[] = [
  { name: "a matrix", inputs: uniform([3, 5]), build: ([x]) => transpose(x!) },
  ...[
    [0, 2, 3, 1],
    [0, 3, 1, 2],
    [1, 0, 2, 3],
    [3, 2, 1, 0],
  ].map(
    (order): OpCase => ({
      name: `an image to ${order}`,
      inputs: uniform([2, 3, 2, 4]),
      build: ([x]) => transpose(x!, order),
    }),
  ),
  {
    name: "five axes",
    inputs: uniform([2, 1, 3, 2, 2]),
    build: ([x]) => transpose(x!, [0, 3, 1, 4, 2]),
  },
  {
    name: "axes counted from the end",
    inputs: uniform([2, 3, 4]),
    build: ([x]) => transpose(x!, [-1, 0, -2]),
  },
];

export const broadcastCases: readonly OpCase[] = [
  { name: "a row", inputs: uniform([4]), build: ([x]) => broadcastTo(x!, [3, 4]) },
  {
    name: "channels",
    inputs: uniform([1, 3, 1, 1]),
    build: ([x]) => broadcastTo(x!, [2, 3, 2, 2]),
  },
  { name: "a scalar", inputs: uniform([]), build: ([x]) => broadcastTo(x!, [2, 3, 2, 1]) },
];

export const sliceCases: readonly OpCase[] = [
  ...[0, 1, 2, 3].map(
    (axis): OpCase => ({
      name: `axis ${axis} of an image`,
      inputs: uniform([3, 3, 3, 3]),
      build: ([x]) => slice(x!, axis, 1, 3),
    }),
  ),
  { name: "split", inputs: uniform([2, 6]), build: ([x]) => split(x!, 1, [1, 3, 2]) },
];

export const padCases: readonly OpCase[] = [
  {
    name: "every axis, with a value",
    inputs: uniform([1, 2, 2, 3]),
    build: ([x]) => padConstant(x!, [0, 1, 2, 0], [1, 0, 1, 3], 0.5),
  },
  { name: "a row", inputs: uniform([5]), build: ([x]) => padConstant(x!, [2], [1]) },
];

/** Borders that repeat what is inside are gathered by `axisMap`. */
export const borderCases: readonly OpCase[] = (
  ["reflect", "symmetric", "replicate", "circular"] as const satisfies readonly PadMode[]
).map((mode) => ({
  name: mode,
  inputs: uniform([1, 2, 3, 4]),
  build: ([x]) => pad(x!, { before: [0, 0, 2, 1], after: [0, 0, 1, 3], mode }),
}));

export const concatCases: readonly OpCase[] = [
  ...[0, 1, 2, 3].map(
    (axis): OpCase => ({
      name: `axis ${axis} of images`,
      inputs: uniform(
        [2, 2, 2, 2].map((size, a) => (a === axis ? 1 : size)),
        [2, 2, 2, 2],
        [2, 2, 2, 2].map((size, a) => (a === axis ? 3 : size)),
      ),
      build: (inputs) => concat(inputs, axis),
    }),
  ),
  {
    name: "the same input twice",
    inputs: uniform([2, 3]),
    build: ([x]) => concat([x!, x!], 1),
  },
  {
    name: "channels that fill no vector",
    inputs: uniform([2, 5, 3, 4], [2, 13, 3, 4]),
    build: (inputs) => concat(inputs),
    noFiniteDifferences: tooLarge,
  },
];
