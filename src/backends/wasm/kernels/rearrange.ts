/** Plans of operations that move elements without computing: each is a list of copied regions. */
import type { DType } from "../../../core/dtype.ts";
import { rowMajorStrides, type Shape } from "../../../core/shape.ts";
import type { Kernel } from "../kernel.ts";
import { type KernelPlan, singleCall } from "../kernelPlan.ts";
import { broadcastView, denseView, physicalStrides, type View } from "../layout.ts";
import { copyKernel, type Region } from "./copy.ts";

function copyPlan(to: View, from: View): KernelPlan {
  return singleCall(copyKernel([{ target: 1, to, from: { buffer: 0, view: from } }], 2), 1, 1);
}

/** Output axis i is input axis `permutation[i]`. */
export function planTranspose(shape: Shape, permutation: readonly number[]): KernelPlan {
  const strides = physicalStrides(shape);
  const view = {
    shape: permutation.map((axis) => shape[axis]!),
    strides: permutation.map((axis) => strides[axis]!),
    offset: 0,
  };
  return copyPlan(denseView(view.shape), view);
}

/** Elements repeated along missing and single-sized axes. */
export function planBroadcast(from: Shape, to: Shape): KernelPlan {
  return copyPlan(denseView(to), broadcastView(denseView(from), to));
}

/** Whether the memory of a value in row-major logical order is also its order in this backend. */
function isRowMajor(shape: Shape): boolean {
  const strides = physicalStrides(shape);
  const packed = rowMajorStrides(shape);
  return shape.every((size, axis) => size === 1 || strides[axis] === packed[axis]);
}

/** Whether a reshape leaves every element where it is, so that the output can be the input. */
export function reshapeKeepsMemory(from: Shape, to: Shape): boolean {
  if (isRowMajor(from) && isRowMajor(to)) return true;
  const shape = commonFactors(from, to);
  if (shape === undefined) return false;
  const [a, b] = [from, to].map((side) => factoredView(side, shape).strides) as [
    number[],
    number[],
  ];
  return shape.every((size, axis) => size === 1 || a[axis] === b[axis]);
}

/** The same elements, counted row-major in the logical order, in another shape. */
export function planReshape(from: Shape, to: Shape): KernelPlan {
  const shape = commonFactors(from, to);
  if (shape !== undefined) return copyPlan(factoredView(to, shape), factoredView(from, shape));
  const flat = { shape: from, strides: rowMajorStrides(from), offset: 0 };
  const back = { shape: to, strides: rowMajorStrides(to), offset: 0 };
  const bytes = from.reduce((count, size) => count * size, 4);
  const kernel = (target: View, source: View): Kernel =>
    copyKernel([{ target: 1, to: target, from: { buffer: 0, view: source } }], 2);
  return {
    temporaries: [{ name: "rowMajor", bytes }],
    calls: [
      { kernel: kernel(flat, denseView(from)), buffers: ["input0", "rowMajor"], writes: [1] },
      { kernel: kernel(denseView(to), back), buffers: ["rowMajor", "output0"], writes: [1] },
    ],
  };
}

/** A shape that both can be cut into, each axis into whole parts; `undefined` if there is none. */
function commonFactors(a: Shape, b: Shape): number[] | undefined {
  const factors: number[] = [];
  const left = [...a].reverse();
  const right = [...b].reverse();
  let i = 0;
  let j = 0;
  let x = left[0] ?? 1;
  let y = right[0] ?? 1;
  while (i < left.length || j < right.length) {
    const step = Math.min(x, y);
    if (x % step !== 0 || y % step !== 0) return undefined;
    factors.unshift(step);
    x /= step;
    y /= step;
    if (x === 1) x = left[++i] ?? 1;
    if (y === 1) y = right[++j] ?? 1;
  }
  return factors;
}

/** A dense value seen in a shape that its axes are cut into. */
function factoredView(shape: Shape, factors: Shape): View {
  const dense = physicalStrides(shape);
  const strides = new Array<number>(factors.length).fill(0);
  let axis = shape.length - 1;
  let inner = 1;
  for (let i = factors.length - 1; i >= 0; i--) {
    if (factors[i] === 1) continue;
    while (inner === shape[axis]) {
      axis--;
      inner = 1;
    }
    strides[i] = dense[axis]! * inner;
    inner *= factors[i]!;
  }
  return { shape: factors, strides, offset: 0 };
}

/** A part of a dense value: `sizes` elements from `starts` on, `steps` apart. */
function partView(
  shape: Shape,
  starts: readonly number[],
  sizes: Shape,
  steps: readonly number[],
): View {
  const strides = physicalStrides(shape);
  return {
    shape: sizes,
    strides: strides.map((stride, axis) => stride * steps[axis]!),
    offset: strides.reduce((sum, stride, axis) => sum + stride * starts[axis]!, 0),
  };
}

/** `output[i] = input[starts + i·steps]`; steps may be negative. */
export function planSlice(
  shape: Shape,
  starts: readonly number[],
  sizes: Shape,
  steps: readonly number[] = shape.map(() => 1),
): KernelPlan {
  return copyPlan(denseView(sizes), partView(shape, starts, sizes, steps));
}

function onAxis(shape: Shape, axis: number, value: number, others: number): number[] {
  return shape.map((_, i) => (i === axis ? value : others));
}

/** Inputs of the given shapes one behind the other along `axis`, without those that are `inPlace` already. */
export function planConcat(
  shapes: readonly Shape[],
  axis: number,
  inPlace: readonly boolean[] = shapes.map(() => false),
): KernelPlan {
  const total = shapes.reduce((sum, shape) => sum + shape[axis]!, 0);
  const output = shapes[0]!.map((size, i) => (i === axis ? total : size));
  const ones = output.map(() => 1);
  const copied = [...shapes.keys()].filter((i) => inPlace[i] !== true);
  if (copied.length === 0) return { temporaries: [], calls: [] };
  const starts = shapes.map((_, i) =>
    shapes.slice(0, i).reduce((sum, shape) => sum + shape[axis]!, 0),
  );
  const regions = copied.map((i, buffer): Region => {
    const shape = shapes[i]!;
    const to = partView(output, onAxis(output, axis, starts[i]!, 0), shape, ones);
    return { target: copied.length, to, from: { buffer, view: denseView(shape) } };
  });
  const kernel = copyKernel(regions, copied.length + 1);
  const buffers = [...copied.map((i) => `input${i}`), "output0"];
  return { temporaries: [], calls: [{ kernel, buffers, writes: [copied.length] }] };
}

function bitsOf(value: number, dtype: DType): number {
  if (dtype === "int32") return value | 0;
  return new Int32Array(Float32Array.of(value).buffer)[0]!;
}

/** `before` and `after` elements of `value` added along each axis; negative counts cut off. */
export function planPad(
  shape: Shape,
  before: readonly number[],
  after: readonly number[],
  value: number,
  dtype: DType = "float32",
): KernelPlan {
  const output = shape.map((size, axis) => before[axis]! + size + after[axis]!);
  const ones = output.map(() => 1);
  // Where the input comes to lie in the output.
  const low = before.map((count) => Math.max(0, count));
  const high = output.map((size, axis) => Math.min(size, before[axis]! + shape[axis]!));
  const regions: Region[] = [];
  const inside = low.map((start, axis) => high[axis]! - start);
  if (inside.every((size) => size > 0)) {
    const starts = low.map((start, axis) => start - before[axis]!);
    regions.push({
      target: 1,
      to: partView(output, low, inside, ones),
      from: { buffer: 0, view: partView(shape, starts, inside, ones) },
    });
  }
  // The frame: along each axis what lies before and behind, within the bounds of the axes done.
  const from = output.map(() => 0);
  const to = [...output];
  const bits = bitsOf(value, dtype);
  const fill = (axis: number, start: number, end: number): void => {
    if (start >= end) return;
    const starts = from.map((s, i) => (i === axis ? start : s));
    const sizes = to.map((e, i) => (i === axis ? end - start : e - from[i]!));
    if (sizes.some((size) => size <= 0)) return;
    regions.push({ target: 1, to: partView(output, starts, sizes, ones), from: { bits } });
  };
  for (const axis of output.keys()) {
    const start = Math.min(low[axis]!, output[axis]!);
    const end = Math.max(start, high[axis]!);
    fill(axis, 0, start);
    fill(axis, end, output[axis]!);
    from[axis] = start;
    to[axis] = end;
  }
  return singleCall(copyKernel(regions, 2), 1, 1);
}
