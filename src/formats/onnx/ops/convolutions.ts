import { FormatError } from "../../../core/errors.ts";
import { formatShape, type Shape } from "../../../core/shape.ts";
import type { Value } from "../../../graph/builder.ts";
import { axisMap } from "../../../graph/ops/axisMap.ts";
import { add } from "../../../graph/ops/binary.ts";
import { conv2d, convTranspose2d } from "../../../graph/ops/conv2d.ts";
import { reshape } from "../../../graph/ops/reshape.ts";
import { transpose } from "../../../graph/ops/transpose.ts";
import { kernelExtent } from "../../../graph/window.ts";
import type { NodeContext } from "../nodeContext.ts";
import { framed } from "./frame.ts";
import type { Importers } from "./operator.ts";
import {
  type AxisWindow,
  autoPad,
  kernelSizes,
  perAxis,
  spatialSizes,
  windowsOver,
} from "./windows.ts";

const nothing: AxisWindow = { kernel: 1, stride: 1, dilation: 1, before: 0, after: 0 };

/** A convolution of any number of spatial axes. */
function convolve(
  node: NodeContext,
  x: Value,
  weight: Value,
  windows: readonly AxisWindow[],
): Value {
  const [first, second] = windows as [AxisWindow, AxisWindow];
  if (windows.length === 1) {
    return withoutRows(convolve(node, withRows(x), withRows(weight), [nothing, first]));
  }
  if (windows.length > 2) return deepConvolution(node, x, weight, windows);
  return conv2d(x, weight, {
    stride: [first.stride, second.stride],
    dilation: [first.dilation, second.dilation],
    padding: [first.before, second.before, first.after, second.after],
    groups: node.int("group", 1),
    fit: "floor",
  });
}

/** A row of pixels as an image of one row. */
function withRows(x: Value): Value {
  return reshape(x, [...x.shape.slice(0, 2), 1, ...x.shape.slice(2)]);
}

function withoutRows(x: Value): Value {
  return reshape(x, [...x.shape.slice(0, 2), ...x.shape.slice(3)]);
}

/**
 * A convolution of three axes or more as one of fewer: what the window's taps along the first axis see becomes channels,
 * and each of its places an image of its own.
 */
function deepConvolution(
  node: NodeContext,
  x: Value,
  weight: Value,
  windows: readonly AxisWindow[],
): Value {
  const [first, ...others] = windows as [AxisWindow, ...AxisWindow[]];
  const [n, c, depth, ...rest] = x.shape as [number, number, number, ...number[]];
  const [k, perGroup, taps, ...kernel] = weight.shape as [number, number, number, ...number[]];
  const { stride, dilation, before, after } = first;
  const room = depth + before + after - kernelExtent(taps, dilation);
  if (room < 0) {
    throw new FormatError(
      `${node.where}: a kernel of ${taps} over ${depth} elements with ${before + after} of padding.`,
    );
  }
  const places = Math.floor(room / stride) + 1;
  node.chargeTable(places * taps);
  const indices = Array.from({ length: places * taps }, (_, i) => {
    const at = Math.floor(i / taps) * stride + (i % taps) * dilation - before;
    return at >= 0 && at < depth ? [at] : [];
  });
  const seen = axisMap(x, { axis: 2, indices });
  const cut = reshape(seen, [n, c, places, taps, ...rest]);
  const images = reshape(swapped(cut, 1), [n * places, c * taps, ...rest]);
  const flat = reshape(weight, [k, perGroup * taps, ...kernel]);
  const y = convolve(node, images, flat, others);
  return swapped(reshape(y, [n, places, k, ...y.shape.slice(2)]), 1);
}

/** Exchanges axis `axis` and the one behind it. */
function swapped(x: Value, axis: number): Value {
  const order = [...x.shape.keys()];
  [order[axis], order[axis + 1]] = [axis + 1, axis];
  return transpose(x, order);
}

/** A window of a transposed convolution, and how large the result is along its axis. */
interface TransposedWindow extends AxisWindow {
  readonly size: number;
}

/** A transposed convolution of any number of spatial axes. */
function convolveTransposed(
  node: NodeContext,
  x: Value,
  weight: Value,
  windows: readonly TransposedWindow[],
): Value {
  const [first, second] = windows as [TransposedWindow, TransposedWindow];
  if (windows.length === 1) {
    const flat: TransposedWindow = { ...nothing, size: 1 };
    return withoutRows(convolveTransposed(node, withRows(x), withRows(weight), [flat, first]));
  }
  if (windows.length > 2) return deepTransposed(node, x, weight, windows);
  const pair = <T>(of: (window: TransposedWindow) => T) => [of(first), of(second)] as const;
  // What the result lacks against the whole, and what it has beyond it, at the end of each axis.
  const whole = [first, second].map((window, axis) => wholeSize(window, x.shape[axis + 2]!));
  const missing = [first, second].map(({ before, size }, axis) => whole[axis]! - before - size);
  const extra = missing.map((less) => Math.max(0, -less)) as [number, number];
  const options = {
    stride: pair(({ stride }) => stride),
    dilation: pair(({ dilation }) => dilation),
    groups: node.int("group", 1),
  };
  if (extra[0] < first.stride && extra[1] < second.stride) {
    const behind = missing.map((less) => Math.max(0, less)) as [number, number];
    return convTranspose2d(x, weight, {
      ...options,
      padding: [first.before, second.before, ...behind],
      outputPadding: extra,
    });
  }
  const y = convTranspose2d(x, weight, options);
  const sizes = [...y.shape.slice(0, 2), first.size, second.size];
  return framed(y, [0, 0, first.before, second.before], sizes);
}

/** The size of a transposed convolution without padding. */
function wholeSize({ kernel, stride, dilation }: AxisWindow, size: number): number {
  return (size - 1) * stride + kernelExtent(kernel, dilation);
}

/** See {@link deepConvolution}, whose steps this takes backwards. */
function deepTransposed(
  node: NodeContext,
  x: Value,
  weight: Value,
  windows: readonly TransposedWindow[],
): Value {
  const [first, ...others] = windows as [TransposedWindow, ...TransposedWindow[]];
  const [n, c, depth, ...rest] = x.shape as [number, number, number, ...number[]];
  const [, perGroup, taps, ...kernel] = weight.shape as [number, number, number, ...number[]];
  const { stride, dilation, before, size } = first;
  const images = reshape(swapped(x, 1), [n * depth, c, ...rest]);
  const y = convolveTransposed(
    node,
    images,
    reshape(weight, [c, perGroup * taps, ...kernel]),
    others,
  );
  const k = y.shape[1]! / taps;
  const behind = y.shape.slice(2);
  const cut = swapped(reshape(y, [n, depth, k, taps, ...behind]), 1);
  node.chargeTable(size, depth * taps);
  const indices = Array.from({ length: size }, (): number[] => []);
  for (let i = 0; i < depth * taps; i++) {
    indices[Math.floor(i / taps) * stride + (i % taps) * dilation - before]?.push(i);
  }
  return axisMap(reshape(cut, [n, k, depth * taps, ...behind]), { axis: 2, indices });
}

/**
 * Padding and size of a transposed convolution. `output_shape` wins over `pads`; what it takes away is shared between
 * both ends, the odd one in front unless `auto_pad` is SAME_UPPER.
 */
function transposedWindows(node: NodeContext, sizes: Shape, kernel: Shape): TransposedWindow[] {
  const count = sizes.length;
  const strides = perAxis(node, "strides", count, 1, 1);
  const dilations = perAxis(node, "dilations", count, 1, 1);
  const extra = perAxis(node, "output_padding", count, 0, 0);
  const pads = perAxis(node, "pads", 2 * count, 0, 0);
  const given = node.ints("output_shape")?.slice(-count);
  const mode = autoPad(node);
  return sizes.map((input, axis) => {
    const window = { kernel: kernel[axis]!, stride: strides[axis]!, dilation: dilations[axis]! };
    const whole = wholeSize({ ...window, before: 0, after: 0 }, input) + extra[axis]!;
    const isSame = mode === "SAME_UPPER" || mode === "SAME_LOWER";
    const size = given?.[axis] ?? (isSame ? input * window.stride : undefined);
    if (size === undefined) {
      const [before, after] = mode === "VALID" ? [0, 0] : [pads[axis]!, pads[axis + count]!];
      return checked(node, { ...window, before, after, size: whole - before - after });
    }
    const total = Math.max(0, whole - size);
    const small = Math.floor(total / 2);
    const before = mode === "SAME_UPPER" ? small : total - small;
    return checked(node, { ...window, before, after: total - before, size });
  });
}

function checked(node: NodeContext, window: TransposedWindow): TransposedWindow {
  if (Number.isInteger(window.size) && window.size >= 1 && window.size < 2 ** 31) return window;
  throw new FormatError(`${node.where}: the result would have a size of ${window.size}; pad less.`);
}

function withBias(node: NodeContext, y: Value): Value {
  if (!node.has(2)) return y;
  return add(y, reshape(node.input(2), [-1, ...y.shape.slice(2).map(() => 1)]));
}

/** The weight, which must have a rank of the input's. */
function weightOf(node: NodeContext): Value {
  const [x, weight] = [node.shape(0), node.input(1)];
  if (weight.shape.length === x.length) return weight;
  throw new FormatError(
    `${node.where}: weight ${formatShape(weight.shape)} for input ${formatShape(x)}; expected as many axes.`,
  );
}

/** Convolutions over any number of spatial axes; those of more than two are made of two-dimensional ones. */
export const convolutions: Importers = {
  Conv(node) {
    const sizes = spatialSizes(node);
    const weight = weightOf(node);
    const windows = windowsOver(node, sizes, kernelSizes(node, sizes.length, weight.shape));
    return withBias(node, convolve(node, node.input(0), weight, windows));
  },
  ConvTranspose(node) {
    const sizes = spatialSizes(node);
    const weight = weightOf(node);
    const windows = transposedWindows(node, sizes, kernelSizes(node, sizes.length, weight.shape));
    return withBias(node, convolveTransposed(node, node.input(0), weight, windows));
  },
};
