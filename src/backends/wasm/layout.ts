/**
 * Where the elements of a value lie in this backend: rank-4 values are dense channels-last (logical
 * N, C, H, W lie as N, H, W, C), because SIMD lanes then hold neighbouring channels in convolutions,
 * pooling and normalisation alike; values of every other rank are row-major.
 */
import { elementCount, rowMajorStrides, type Shape } from "../../core/shape.ts";

/** A part of a buffer seen as a tensor: sizes and steps per logical axis, both in elements. */
export interface View {
  readonly shape: Shape;
  readonly strides: readonly number[];
  /** First element. */
  readonly offset: number;
}

/** Logical axes from the outermost to the innermost in memory. */
export function physicalOrder(rank: number): number[] {
  return rank === 4 ? [0, 2, 3, 1] : Array.from({ length: rank }, (_, axis) => axis);
}

/** Steps in memory, in elements, along each logical axis of a dense value. */
export function physicalStrides(shape: Shape): number[] {
  const order = physicalOrder(shape.length);
  const packed = rowMajorStrides(order.map((axis) => shape[axis]!));
  const strides = new Array<number>(shape.length);
  for (const [position, axis] of order.entries()) strides[axis] = packed[position]!;
  return strides;
}

/** The whole of a dense value. */
export function denseView(shape: Shape): View {
  return { shape, strides: physicalStrides(shape), offset: 0 };
}

/** The view read as if it had `shape`: missing and single-sized axes repeat (step 0). */
export function broadcastView(view: View, shape: Shape): View {
  const missing = shape.length - view.shape.length;
  const strides = shape.map((_, axis) =>
    axis < missing || view.shape[axis - missing] === 1 ? 0 : view.strides[axis - missing]!,
  );
  return { shape, strides, offset: view.offset };
}

/** Axes of a view sorted so that the innermost in memory comes last; repeated axes (step 0) come first. */
export function memoryOrder(view: View): number[] {
  const weight = (axis: number): number =>
    view.strides[axis] === 0 ? Infinity : Math.abs(view.strides[axis]!);
  return view.shape.map((_, axis) => axis).sort((a, b) => weight(b) - weight(a) || a - b);
}

/**
 * Copies a value from the host's row-major logical order into the order of this backend. For ranks
 * other than 4, and where channels or pixels are single, both orders are the same.
 */
export function toPhysical<T extends Float32Array | Int32Array>(
  logical: T,
  shape: Shape,
  physical: T,
): void {
  permute(logical, shape, physical, true);
}

/** Copies a value from the order of this backend into the host's row-major logical order. */
export function toLogical<T extends Float32Array | Int32Array>(
  physical: T,
  shape: Shape,
  logical: T,
): void {
  permute(physical, shape, logical, false);
}

function permute<T extends Float32Array | Int32Array>(
  from: T,
  shape: Shape,
  to: T,
  toChannelsLast: boolean,
): void {
  const count = elementCount(shape);
  const [, channels = 1, height = 1, width = 1] = shape;
  const pixels = height * width;
  if (shape.length !== 4 || channels === 1 || pixels === 1) {
    to.set(from.subarray(0, count));
    return;
  }
  // An image is a matrix of channels and pixels, which is transposed.
  const [rows, columns] = toChannelsLast ? [channels, pixels] : [pixels, channels];
  for (let base = 0; base < count; base += rows * columns) transpose(from, to, base, rows, columns);
}

/**
 * Transposes the matrix of `rows` × `columns` numbers at `base`. A function of its own, called for each image: V8 optimises
 * it after a few calls, where one call over all of them would stay in its interpreter for long.
 */
function transpose<T extends Float32Array | Int32Array>(
  from: T,
  to: T,
  base: number,
  rows: number,
  columns: number,
): void {
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      to[base + column * rows + row] = from[base + row * columns + column]!;
    }
  }
}

/**
 * Writes images of bytes that lie as N, H, W, C (as decoders give them) into a channels-last value:
 * `physical = (bytes/255 − mean[c]) / std[c]`.
 */
export function bytesToPhysical(
  bytes: Uint8Array | Uint8ClampedArray,
  channels: number,
  physical: Float32Array,
  mean: readonly number[],
  std: readonly number[],
): void {
  const table = new Float32Array(256 * channels);
  for (let channel = 0; channel < channels; channel++) {
    for (let value = 0; value < 256; value++) {
      table[channel * 256 + value] = (value / 255 - (mean[channel] ?? 0)) / (std[channel] ?? 1);
    }
  }
  let channel = 0;
  for (let i = 0; i < bytes.length; i++) {
    physical[i] = table[channel * 256 + bytes[i]!]!;
    if (++channel === channels) channel = 0;
  }
}
