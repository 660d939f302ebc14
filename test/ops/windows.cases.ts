import type { GraphBuilder, Value } from "../../src/graph/builder.ts";
import { adaptiveAvgPool2d, avgPool2d, globalAvgPool2d } from "../../src/graph/ops/avgPool2d.ts";
import { axisMap, take } from "../../src/graph/ops/axisMap.ts";
import {
  adaptiveMaxPool2d,
  gatherSwitchesOp,
  maxPool2dWithSwitches,
  maxUnpool2d,
} from "../../src/graph/ops/maxPool2d.ts";
import { type PoolOptions, slidingWindows } from "../../src/graph/poolWindows.ts";
import { type OpCase, type OpInput, tooLarge, uniform } from "./opCase.ts";

const distinct = { step: 0.1, offset: 0.05 };
const windows: Readonly<Record<string, PoolOptions>> = {
  "2x2": { kernel: 2 },
  "3x3 stride 2, overlapping": { kernel: 3, stride: 2, fit: "floor" },
  "3x3 stride 1, pad 1": { kernel: 3, stride: 1, padding: 1 },
  "3x2 stride 2x1, four paddings": {
    kernel: [3, 2],
    stride: [2, 1],
    padding: [1, 0, 0, 1],
    fit: "floor",
  },
  "ceil, hanging over": { kernel: 2, stride: 2, padding: 1, fit: "ceil" },
  "sameUpper, stride 2": { kernel: 3, stride: 2, padding: "sameUpper" },
  "ceil, larger than the input": { kernel: 7, stride: 3, fit: "ceil" },
};

function pooled(x: Value, options: PoolOptions): readonly Value[] {
  const { output, switches } = maxPool2dWithSwitches(x, options);
  return [output, switches];
}

export const maxPool2dCases: readonly OpCase[] = [
  ...Object.entries(windows).map(
    ([name, options]): OpCase => ({
      name,
      inputs: [{ shape: [1, 2, 6, 6], distinct }],
      build: ([x]) => pooled(x!, options),
    }),
  ),
  {
    name: "dilated",
    inputs: [{ shape: [1, 2, 6, 5], distinct }],
    build: ([x]) => pooled(x!, { kernel: 2, stride: 1, dilation: 2 }),
  },
  {
    name: "adaptive",
    inputs: [{ shape: [1, 2, 5, 7], distinct }],
    build: ([x]) => adaptiveMaxPool2d(x!, [3, 2]),
  },
  {
    name: "ties go to the first of the window",
    inputs: [{ shape: [1, 1, 4, 4], values: [1, 1, 0, 0, 1, 1, 0, 0, 2, 3, 0, 0, 3, 2, 0, 0] }],
    build: ([x]) => pooled(x!, { kernel: 2 }),
    noFiniteDifferences: "the slope jumps at a tie",
  },
  {
    name: "many channels",
    inputs: [{ shape: [2, 37, 9, 11], distinct: { step: 0.001 } }],
    build: ([x]) => pooled(x!, { kernel: 3, stride: 2, padding: 1 }),
    noFiniteDifferences: tooLarge,
  },
];

const switchOptions: PoolOptions = { kernel: 3, stride: 2, padding: 1 };

/** Switches of pooling a constant image of 5x5. */
function switchesOf(builder: GraphBuilder): {
  switches: Value;
  windows: ReturnType<typeof slidingWindows>;
} {
  const numbers = Float32Array.from({ length: 50 }, (_, i) => Math.sin(37 * i));
  const image = builder.constant(numbers, [1, 2, 5, 5]);
  return {
    switches: maxPool2dWithSwitches(image, switchOptions).switches,
    windows: slidingWindows(image, switchOptions, "test"),
  };
}

export const maxUnpool2dCases: readonly OpCase[] = [
  {
    name: "windows that overlap",
    inputs: uniform([1, 2, 3, 3]),
    build: ([y], builder) => {
      const { switches, windows: all } = switchesOf(builder);
      return maxUnpool2d(y!, switches, [5, 5], all);
    },
  },
];

export const gatherSwitchesCases: readonly OpCase[] = [
  {
    name: "windows that overlap",
    inputs: uniform([1, 2, 5, 5]),
    build: ([x], builder) =>
      builder.add(gatherSwitchesOp, [x!, switchesOf(builder).switches], {})[0]!,
  },
];

export const avgPool2dCases: readonly OpCase[] = [
  ...Object.entries(windows).flatMap(([name, options]): OpCase[] =>
    [true, false].map((countIncludePad) => ({
      name: `${name}, ${countIncludePad ? "padding counts" : "padding does not count"}`,
      inputs: uniform([1, 2, 6, 6]),
      build: ([x]) => avgPool2d(x!, { ...options, countIncludePad }),
    })),
  ),
  {
    name: "a divisor of its own",
    inputs: uniform([1, 1, 4, 4]),
    build: ([x]) => avgPool2d(x!, { kernel: 2, divisor: 3 }),
  },
  {
    name: "adaptive",
    inputs: uniform([1, 2, 5, 7]),
    build: ([x]) => adaptiveAvgPool2d(x!, [3, 4]),
  },
  { name: "global", inputs: uniform([2, 3, 4, 3]), build: ([x]) => globalAvgPool2d(x!) },
];

const sparse = {
  indices: [[0, 2], [1], [2, 2, 0], []],
  weights: [[0.5, -1], [2], [1, 1, 3], []],
} as const;

export const axisMapCases: readonly OpCase[] = [
  ...[0, 1, 2, 3].map(
    (axis): OpCase => ({
      name: `rows of any length along axis ${axis} of an image`,
      inputs: [{ shape: [2, 2, 2, 2].map((size, a) => (a === axis ? 3 : size)) } satisfies OpInput],
      build: ([x]) => axisMap(x!, { axis, ...sparse }),
    }),
  ),
  {
    name: "gathering, some places twice",
    inputs: uniform([4, 3]),
    build: ([x]) => take(x!, 0, [3, 0, 0]),
  },
  {
    name: "many channels along rows",
    inputs: uniform([2, 37, 3, 5]),
    build: ([x]) => axisMap(x!, { axis: 2, ...sparse }),
    noFiniteDifferences: tooLarge,
  },
];
