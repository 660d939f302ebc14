import type { TensorData } from "../core/dtype.ts";
import { elementCount, rowMajorStrides } from "../core/shape.ts";

/**
 * Copies the elements of a strided view, `width` bytes each, into row-major order. Strides count
 * elements, from the first byte of `bytes`; the caller has checked that they stay inside.
 */
export function gatherElements(
  bytes: Uint8Array,
  shape: readonly number[],
  strides: readonly number[],
  width: number,
): Uint8Array {
  const result = new Uint8Array(elementCount(shape) * width);
  const index = new Array<number>(shape.length).fill(0);
  let element = 0;
  for (let to = 0; to < result.length; to += width) {
    const from = element * width;
    for (let k = 0; k < width; k++) result[to + k] = bytes[from + k]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      element += strides[axis]!;
      index[axis]!++;
      if (index[axis]! < shape[axis]!) break;
      element -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}

/** Strides of a column-major tensor, in elements. */
export function columnMajorStrides(shape: readonly number[]): number[] {
  return rowMajorStrides([...shape].reverse()).reverse();
}

/**
 * A tensor with its axes in another order: axis `i` of the result is axis `order[i]` of `data`.
 *
 * @example
 * const oihw = transposed(kernel, [3, 3, 16, 32], [3, 2, 0, 1]); // from Keras's [R, S, C, K]
 */
export function transposed(
  data: TensorData,
  shape: readonly number[],
  order: readonly number[],
): TensorData {
  const strides = rowMajorStrides(shape);
  const bytes = gatherElements(
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    order.map((axis) => shape[axis]!),
    order.map((axis) => strides[axis]!),
    4,
  );
  return data instanceof Float32Array
    ? new Float32Array(bytes.buffer)
    : new Int32Array(bytes.buffer);
}
