/**
 * Times the kernels that are limited by memory: bytes that must be moved per second, and that as a
 * part of what a plain copy of 64 MiB reaches in the same run, one thread. Prints CSV.
 *
 * node --no-liftoff --no-wasm-inlining --experimental-wasm-revectorize bench/kernels/elementKernels.ts [name part]
 *
 * The first option avoids V8's quick compiler, the last switches its 256-bit operations on. They are
 * options of the process, as changing them later ends it if code of another module is just being
 * compiled anew.
 */
import type { KernelPlan } from "../../src/backends/wasm/kernelPlan.ts";
import { planArgMax } from "../../src/backends/wasm/kernels/argMax.ts";
import { planAxisMap } from "../../src/backends/wasm/kernels/axisMap.ts";
import { planElementwise } from "../../src/backends/wasm/kernels/elementwise.ts";
import { planMaxPool2d } from "../../src/backends/wasm/kernels/maxPool2d.ts";
import { planMaxUnpool2d } from "../../src/backends/wasm/kernels/maxUnpool2d.ts";
import { planMoments } from "../../src/backends/wasm/kernels/moments.ts";
import { planRandom } from "../../src/backends/wasm/kernels/random.ts";
import {
  planConcat,
  planPad,
  planReshape,
  planTranspose,
} from "../../src/backends/wasm/kernels/rearrange.ts";
import { planReduce } from "../../src/backends/wasm/kernels/reduce.ts";
import { elementCount, type Shape } from "../../src/core/shape.ts";
import { type Expression, input, scalar } from "../../src/graph/expression.ts";
import { loadPlan, testFeatures } from "../../test/wasm/kernelRunner.ts";

const { add, sub, mul, div, max, sqrt, exp, select, less, pow, erf, tanh } = scalar;
const x = [0, 1, 2, 3, 4].map(input) as [
  Expression,
  Expression,
  Expression,
  Expression,
  Expression,
];

interface Case {
  readonly name: string;
  readonly plan: KernelPlan;
  readonly inputs: readonly Shape[];
  readonly integer?: readonly number[];
  readonly outputs: readonly Shape[];
}

const big: Shape = [32, 64, 56, 56];
const channel: Shape = [1, 64, 1, 1];
const f32 = (shape: Shape) => ({ shape, dtype: "float32" }) as const;

function elementwise(name: string, shape: Shape, inputs: Shape[], expressions: Expression[]): Case {
  const outputs = expressions.map((expression) => ({ expression, dtype: "float32" as const }));
  const plan = planElementwise({ shape, inputs: inputs.map(f32), outputs });
  return { name, plan, inputs, outputs: outputs.map(() => shape) };
}

function reduce(
  name: string,
  shape: Shape,
  inputs: Shape[],
  axes: number[],
  expressions: Expression[],
): Case {
  const outputs = expressions.map((expression) => ({ expression }));
  const plan = planReduce({
    kind: "sum",
    shape,
    inputs: inputs.map(f32),
    axes,
    keepDims: true,
    outputs,
  });
  const result = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  return { name, plan, inputs, outputs: expressions.map(() => result) };
}

function moments(name: string, shape: Shape, axes: number[]): Case {
  const result = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const plan = planMoments({ shape, axes, keepDims: true });
  return { name, plan, inputs: [shape], outputs: [result, result] };
}

function windows(size: number, kernel: number, stride: number, pad = 0) {
  const count = Math.floor((size + 2 * pad - kernel) / stride) + 1;
  return Array.from({ length: count }, (_, i) => {
    const origin = i * stride - pad;
    const start = Math.max(0, origin);
    return { start, count: Math.min(size, origin + kernel) - start, step: 1 };
  });
}

function pools(name: string, shape: Shape, kernel: number, stride: number, pad: number): Case[] {
  const rows = windows(shape[2]!, kernel, stride, pad);
  const columns = windows(shape[3]!, kernel, stride, pad);
  const output = [shape[0]!, shape[1]!, rows.length, columns.length];
  const request = { shape, rows, columns };
  return [
    {
      name: `maxPool2d ${name}`,
      plan: planMaxPool2d({ ...request, switches: true }),
      inputs: [shape],
      outputs: [output, output],
    },
    {
      name: `maxPool2d ${name} no switches`,
      plan: planMaxPool2d({ ...request, switches: false }),
      inputs: [shape],
      outputs: [output],
    },
    {
      name: `maxUnpool2d ${name}`,
      plan: planMaxUnpool2d(request),
      inputs: [output, output],
      integer: [1],
      outputs: [shape],
    },
  ];
}

function axisMap(
  name: string,
  shape: Shape,
  axis: number,
  indices: number[][],
  weight: number,
): Case {
  const weights = indices.map((row) => row.map(() => weight));
  const plan = planAxisMap({ shape, axis, indices, weights });
  return { name, plan, inputs: [shape], outputs: [shape.with(axis, indices.length)] };
}

const pairs = (size: number) => Array.from({ length: size / 2 }, (_, i) => [2 * i, 2 * i + 1]);
const neighbours = (size: number) =>
  Array.from({ length: size }, (_, j) =>
    [-2, -1, 0, 1, 2].map((d) => j + d).filter((i) => i >= 0 && i < size),
  );

const million: Shape = [1 << 24];
const flat: Shape = [8 << 20];
const momentum = add(mul(x[1], 0.9), mul(x[2], 0.1));
const second = add(mul(x[3], 0.999), mul(mul(x[2], x[2]), 0.001));
const cases: Case[] = [
  elementwise("copy", million, [million], [x[0]]),
  elementwise("relu", big, [big], [max(x[0], 0)]),
  elementwise("add", big, [big, big], [add(x[0], x[1])]),
  elementwise(
    "batch norm + relu",
    big,
    [big, channel, channel],
    [max(add(mul(x[0], x[1]), x[2]), 0)],
  ),
  elementwise(
    "batch norm + residual + relu",
    big,
    [big, channel, channel, big],
    [max(add(add(mul(x[0], x[1]), x[2]), x[3]), 0)],
  ),
  elementwise("relu gradient", big, [big, big], [select(less(0, x[0]), x[1], 0)]),
  elementwise(
    "channels 16",
    [64, 16, 64, 64],
    [
      [64, 16, 64, 64],
      [1, 16, 1, 1],
    ],
    [add(x[0], x[1])],
  ),
  elementwise(
    "channels 6",
    [64, 6, 64, 64],
    [
      [64, 6, 64, 64],
      [1, 6, 1, 1],
    ],
    [add(x[0], x[1])],
  ),
  elementwise(
    "channels 3",
    [64, 3, 112, 112],
    [
      [64, 3, 112, 112],
      [1, 3, 1, 1],
    ],
    [mul(x[0], x[1])],
  ),
  elementwise("squeeze-excite scale", big, [big, [32, 64, 1, 1]], [mul(x[0], x[1])]),
  elementwise(
    "adam",
    flat,
    [flat, flat, flat, flat],
    [sub(x[0], div(mul(momentum, 0.001), add(sqrt(second), 1e-8))), momentum, second],
  ),
  elementwise("sigmoid", flat, [flat], [div(1, add(1, exp(scalar.neg(x[0]))))]),
  elementwise("exp", flat, [flat], [exp(x[0])]),
  elementwise("log", flat, [flat], [scalar.log(x[0])]),
  elementwise("tanh", flat, [flat], [tanh(x[0])]),
  elementwise("gelu", flat, [flat], [mul(mul(x[0], 0.5), add(1, erf(mul(x[0], Math.SQRT1_2))))]),
  elementwise("power", flat, [flat, flat], [pow(x[0], x[1])]),
  elementwise("power -0.75", flat, [flat], [pow(x[0], -0.75)]),
  elementwise("sine", flat, [flat], [scalar.sin(x[0])]),
  reduce("sum all", million, [million], [0], [x[0]]),
  reduce("sum channels 64", big, [big], [0, 2, 3], [x[0]]),
  reduce("sum channels 512", [32, 512, 28, 28], [[32, 512, 28, 28]], [0, 2, 3], [x[0]]),
  reduce("sum channels 16", [64, 16, 64, 64], [[64, 16, 64, 64]], [0, 2, 3], [x[0]]),
  reduce("sum channels 6", [64, 6, 112, 112], [[64, 6, 112, 112]], [0, 2, 3], [x[0]]),
  reduce(
    "batch norm gradient sums",
    big,
    [big, big, channel, channel],
    [0, 2, 3],
    [x[0], mul(x[0], mul(sub(x[1], x[2]), x[3]))],
  ),
  reduce("global pool", big, [big], [2, 3], [x[0]]),
  reduce("rows of 1000", [16384, 1000], [[16384, 1000]], [1], [x[0]]),
  reduce("rows of 96", [150000, 96], [[150000, 96]], [1], [x[0]]),
  reduce("rows of 10", [1000000, 10], [[1000000, 10]], [1], [x[0]]),
  reduce("batch 64 of 25088", [64, 25088], [[64, 25088]], [0], [x[0]]),
  moments("moments channels 64", big, [0, 2, 3]),
  moments("moments channels 512", [32, 512, 28, 28], [0, 2, 3]),
  moments("moments channels 16", [64, 16, 64, 64], [0, 2, 3]),
  moments("moments rows of 96", [150000, 96], [1]),
  moments("moments layer norm", [32, 196, 768], [2]),
  ...pools("2x2/2 c64", [16, 64, 112, 112], 2, 2, 0),
  ...pools("3x3/2 c64 pad 1", [16, 64, 112, 112], 3, 2, 1),
  ...pools("2x2/2 c6", [256, 6, 28, 28], 2, 2, 0),
  ...pools("3x3/1 c256 pad 1", [16, 256, 28, 28], 3, 1, 1),
  axisMap("average rows", [16, 64, 112, 112], 2, pairs(112), 0.5),
  axisMap("average columns", [16, 64, 112, 112], 3, pairs(112), 0.5),
  axisMap("channel window c96", [16, 96, 56, 56], 1, neighbours(96), 1),
  axisMap("channel window c64", [16, 64, 56, 56], 1, neighbours(64), 1),
  {
    name: "transpose matrix",
    plan: planTranspose([4096, 2048], [1, 0]),
    inputs: [[4096, 2048]],
    outputs: [[2048, 4096]],
  },
  {
    name: "flatten",
    plan: planReshape([64, 512, 14, 14], [64, 512 * 196]),
    inputs: [[64, 512, 14, 14]],
    outputs: [[64, 512 * 196]],
  },
  {
    name: "flatten 7x7",
    plan: planReshape([64, 512, 7, 7], [64, 512 * 49]),
    inputs: [[64, 512, 7, 7]],
    outputs: [[64, 512 * 49]],
  },
  {
    name: "pad 1",
    plan: planPad(big, [0, 0, 1, 1], [0, 0, 1, 1], 0),
    inputs: [big],
    outputs: [[32, 64, 58, 58]],
  },
  {
    name: "concat channels",
    plan: planConcat([big, big], 1),
    inputs: [big, big],
    outputs: [[32, 128, 56, 56]],
  },
  {
    name: "random",
    plan: planRandom(flat, { k0: 1, k1: 2 }),
    inputs: [[2]],
    integer: [0],
    outputs: [flat],
  },
  {
    name: "argMax rows of 1000",
    plan: planArgMax([4096, 1000], 1),
    inputs: [[4096, 1000]],
    outputs: [[4096]],
  },
];

function data(shape: Shape, integer: boolean): Float32Array | Int32Array {
  const values = new Float32Array(elementCount(shape)).map(
    (_, i) => ((i * 7919) % 1000) / 500 + 0.01,
  );
  return integer ? new Int32Array(values.length) : values;
}

interface Timed {
  readonly run: () => number;
}

function load({ plan, inputs, integer, outputs }: Case): Timed {
  const arrays = inputs.map((shape, i) => data(shape, integer?.includes(i) ?? false));
  const specs = outputs.map((shape) => ({ length: elementCount(shape) }));
  const loaded = loadPlan(plan, arrays, specs, { ...testFeatures, relaxedMadd: true });
  loaded.run(1);
  return {
    run: () => {
      const start = performance.now();
      loaded.run(1);
      return performance.now() - start;
    },
  };
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

const wanted = process.argv.slice(2).find((word) => !word.startsWith("--")) ?? "";
const bytesOf = ({ inputs, outputs }: Case) =>
  [...inputs, ...outputs].reduce((sum, shape) => sum + elementCount(shape) * 4, 0);
const reference = cases[0]!;
const copy = load(reference);
process.stdout.write("kernel,ms,GB/s,part of copy\n");
for (const entry of cases.filter(({ name }) => name.includes(wanted))) {
  const timed = load(entry);
  const own: number[] = [];
  const other: number[] = [];
  for (let i = 0; i < 9; i++) {
    own.push(timed.run());
    other.push(copy.run());
  }
  const rate = bytesOf(entry) / median(own) / 1e6;
  const copyRate = bytesOf(reference) / median(other) / 1e6;
  const cells = [entry.name, median(own).toFixed(2), rate.toFixed(2), (rate / copyRate).toFixed(2)];
  process.stdout.write(`${cells.join(",")}\n`);
}
