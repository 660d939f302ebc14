import { OptionError, ShapeError } from "../core/errors.ts";

/**
 * What to do where `(n + pad − (d(k − 1) + 1))/stride` is not whole: `strict` refuses with the arithmetic,
 * `floor` leaves out the last pixels (PyTorch's and Caffe's convolutions), `ceil` adds a last window that
 * hangs over (Caffe's pooling, PyTorch's `ceil_mode`).
 */
export type Fit = "strict" | "floor" | "ceil";

/**
 * Padding of both axes: one number all round; `[vertical, horizontal]`; `[top, left, bottom, right]`; `valid` is none;
 * `same` keeps the size at stride 1 as PyTorch does (it refuses other strides); `sameUpper` gives
 * `ceil(n/stride)` as TensorFlow does, the odd pixel at the bottom right; `sameLower` has it at the top left.
 */
export type Padding =
  | number
  | readonly [number, number]
  | readonly [number, number, number, number]
  | "valid"
  | "same"
  | "sameUpper"
  | "sameLower";

/** A number for both axes, or `[vertical, horizontal]`. */
export type Pair = number | readonly [number, number];

/** Top, left, bottom, right. */
export type Sides = readonly [number, number, number, number];

/** Sliding windows along one axis. */
export interface WindowAxis {
  readonly input: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** Padding in front and behind, added up. */
  readonly padding: number;
}

/** Sliding windows over both axes, complete. */
export interface Window2d {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly padding: Sides;
}

/** Repeats a single number; checks that both are integers of at least `minimum`. */
export function pair(value: Pair, what: string, minimum: number): readonly [number, number] {
  const [a, b] = typeof value === "number" ? [value, value] : value;
  for (const n of [a, b]) {
    if (!Number.isInteger(n) || n < minimum) {
      throw new OptionError(`${what} ${n}: expected an integer of at least ${minimum}.`);
    }
  }
  return [a, b];
}

/** `d(k − 1) + 1`: pixels from the first to the last that a dilated kernel touches. */
export function kernelExtent(kernel: number, dilation: number): number {
  return dilation * (kernel - 1) + 1;
}

/** `(n + p − (d(k − 1) + 1))/s + 1`, not rounded. */
export function exactOutputSize({ input, kernel, stride, dilation, padding }: WindowAxis): number {
  return (input + padding - kernelExtent(kernel, dilation)) / stride + 1;
}

/** Resolves a padding option to the four sides for an input of the given size. */
export function resolvePadding(
  padding: Padding,
  input: readonly [number, number],
  window: Omit<Window2d, "padding">,
  where: string,
): Sides {
  if (typeof padding === "number") {
    const [p] = pair(padding, `${where}: padding`, 0);
    return [p, p, p, p];
  }
  if (typeof padding !== "string") {
    for (const p of padding) pair(p, `${where}: padding`, 0);
    if (padding.length === 4) return padding;
    const [v, h] = padding;
    return [v, h, v, h];
  }
  if (padding === "valid") return [0, 0, 0, 0];
  if (!["same", "sameUpper", "sameLower"].includes(padding)) {
    throw new OptionError(
      `${where}: padding "${padding}": expected numbers, valid, same, sameUpper or sameLower.`,
    );
  }
  const { kernel, stride, dilation } = window;
  if (padding === "same" && (stride[0] !== 1 || stride[1] !== 1)) {
    throw new OptionError(
      `${where}: padding "same" keeps the size and so needs stride 1, but stride is ${stride.join("x")}; use "sameUpper" for ceil(n/stride), as TensorFlow.`,
    );
  }
  const [first, second] = [0, 1].map((axis) => {
    const extent = kernelExtent(kernel[axis]!, dilation[axis]!);
    const output = Math.ceil(input[axis]! / stride[axis]!);
    const total = Math.max(0, (output - 1) * stride[axis]! + extent - input[axis]!);
    const small = Math.floor(total / 2);
    return padding === "sameLower" ? [total - small, small] : [small, total - small];
  });
  return [first![0]!, second![0]!, first![1]!, second![1]!];
}

/**
 * The output size of windows over `[height, width]` under a fit rule.
 *
 * Under `ceil` a last window that would start in the bottom or right padding is dropped (PyTorch, Caffe), and one
 * window may hang over an input smaller than itself, by less than a stride.
 *
 * @throws ShapeError with the arithmetic where the windows do not fit, and with the paddings and strides
 * that would.
 */
export function outputSize(
  input: readonly [number, number],
  window: Window2d,
  fit: Fit,
  where: string,
): [number, number] {
  const { kernel, stride, dilation, padding } = window;
  if (!["strict", "floor", "ceil"].includes(fit)) {
    throw new OptionError(`${where}: fit "${fit}": expected strict, floor or ceil.`);
  }
  const axes = [0, 1].map(
    (axis): WindowAxis => ({
      input: input[axis]!,
      kernel: kernel[axis]!,
      stride: stride[axis]!,
      dilation: dilation[axis]!,
      padding: padding[axis]! + padding[axis + 2]!,
    }),
  );
  const sizes = axes.map((axis, index) => {
    const exact = exactOutputSize(axis);
    if (fit === "ceil" ? exact <= 0 : exact < 1) {
      throw new ShapeError(
        `${describe(input, window, where)}: the kernel spans ${kernelExtent(axis.kernel, axis.dilation)} pixels and the padded input has ${axis.input + axis.padding}; a larger input, a smaller kernel or ${smallestPadding(axis)} is needed.`,
      );
    }
    if (fit === "strict" && !Number.isInteger(exact)) {
      throw new ShapeError(
        `${describe(input, window, where)}: ${arithmetic(axis)} does not fit; ${suggestions(input, window)}; or choose fit "floor".`,
      );
    }
    if (fit !== "ceil") return Math.floor(exact);
    const size = Math.ceil(exact);
    const lastStart = (size - 1) * axis.stride;
    return lastStart >= axis.input + padding[index]! ? size - 1 : size;
  });
  return [sizes[0]!, sizes[1]!];
}

/** `(7 − 3)/3 + 1 = 2.33`, as the lecture writes it. */
export function arithmetic(axis: WindowAxis): string {
  const exact = exactOutputSize(axis);
  const padded = axis.padding === 0 ? `${axis.input}` : `${axis.input} + ${axis.padding}`;
  const extent = kernelExtent(axis.kernel, axis.dilation);
  const value = Number.isInteger(exact) ? `${exact}` : exact.toFixed(2);
  return `(${padded} − ${extent})/${axis.stride} + 1 = ${value}`;
}

/** A stride or padding with which windows along one axis come out whole. */
export interface WindowOption {
  readonly stride: number;
  /** On each side. */
  readonly pad: number;
  readonly output: number;
}

/** Paddings up to the kernel's size at this stride, and smaller strides at this padding, that come out whole. */
export function fittingOptions(axis: WindowAxis): WindowOption[] {
  const options: WindowOption[] = [];
  const consider = (stride: number, pad: number) => {
    const output = exactOutputSize({ ...axis, stride, padding: 2 * pad });
    if (Number.isInteger(output) && output >= 1) options.push({ stride, pad, output });
  };
  const extent = kernelExtent(axis.kernel, axis.dilation);
  for (let pad = 0; pad < extent; pad++) {
    if (2 * pad !== axis.padding) consider(axis.stride, pad);
  }
  for (let stride = axis.stride - 1; stride >= 1; stride--) consider(stride, axis.padding / 2);
  return options.filter((option) => Number.isInteger(option.pad));
}

function suggestions(input: readonly [number, number], window: Window2d): string {
  const texts: string[] = [];
  const consider = (stride: readonly [number, number], padding: Sides, label: string) => {
    const sizes = [0, 1].map((axis) =>
      exactOutputSize({
        input: input[axis]!,
        kernel: window.kernel[axis]!,
        stride: stride[axis]!,
        dilation: window.dilation[axis]!,
        padding: padding[axis]! + padding[axis + 2]!,
      }),
    );
    if (sizes.every((size) => Number.isInteger(size) && size >= 1)) {
      texts.push(`${label} gives ${sizes.join("x")}`);
      return true;
    }
    return false;
  };
  const limit = Math.max(kernelExtent(window.kernel[0], window.dilation[0]), 2);
  for (let p = 0; p < limit; p++) {
    if (window.padding.every((side) => side === p)) continue;
    if (consider(window.stride, [p, p, p, p], `pad ${p}`)) break;
  }
  for (let s = Math.max(...window.stride) - 1; s >= 1; s--) {
    if (consider([s, s], window.padding, `stride ${s}`)) break;
  }
  return texts.length === 0 ? "no symmetric padding or smaller stride does" : texts.join(", ");
}

function smallestPadding(axis: WindowAxis): string {
  const missing = kernelExtent(axis.kernel, axis.dilation) - axis.input;
  return `padding of at least ${Math.ceil(missing / 2)}`;
}

function describe(input: readonly [number, number], window: Window2d, where: string): string {
  const same = (values: readonly number[]) => values.every((value) => value === values[0]);
  const short = (values: readonly number[], by: string) =>
    same(values) ? `${values[0]}` : values.join(by);
  const dilated = window.dilation.some((d) => d !== 1)
    ? `, dilation ${short(window.dilation, "x")}`
    : "";
  return `${where}: input ${input.join("x")}, kernel ${window.kernel.join("x")}, stride ${short(window.stride, "x")}, pad ${short(window.padding, ",")}${dilated}`;
}
