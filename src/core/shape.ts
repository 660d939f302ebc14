import { ShapeError } from "./errors.ts";

/** Sizes along each axis, outermost first. `[]` is a scalar. */
export type Shape = readonly number[];

/** Number of elements: the product of the sizes, 1 for a scalar. */
export function elementCount(shape: Shape): number {
  let count = 1;
  for (const size of shape) count *= size;
  return count;
}

/** `[8, 64, 56, 56]`, as messages print it. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** Steps, in elements, between neighbours along each axis of a dense row-major tensor. */
export function rowMajorStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis]!;
  }
  return strides;
}

/** Throws unless every size is an integer of at least `minimum` and the whole is below 2³¹ elements. */
export function checkShape(shape: Shape, where: string, minimum = 1): void {
  for (const size of shape) {
    if (!Number.isInteger(size) || size < minimum) {
      throw new ShapeError(
        `${where}: shape ${formatShape(shape)} has a size of ${size}; every size must be an integer of at least ${minimum}.`,
      );
    }
  }
  if (elementCount(shape) >= 2 ** 31) {
    throw new ShapeError(
      `${where}: shape ${formatShape(shape)} has ${elementCount(shape)} elements; at most ${2 ** 31 - 1} are supported.`,
    );
  }
}

/**
 * The common shape of element-wise operands, as NumPy and ONNX define it: aligned at the last axis,
 * sizes equal or 1.
 */
export function broadcastShapes(shapes: readonly Shape[], where: string): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const result = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    for (let i = 0; i < shape.length; i++) {
      const axis = rank - shape.length + i;
      const size = shape[i]!;
      if (size === 1 || size === result[axis]) continue;
      if (result[axis] !== 1) {
        throw new ShapeError(
          `${where}: shapes ${shapes.map(formatShape).join(" and ")} do not broadcast: axis ${axis} has sizes ${result[axis]} and ${size}.`,
        );
      }
      result[axis] = size;
    }
  }
  return result;
}

/** Turns an axis counted from the end (−1 is the last) into one from the start, or throws. */
export function normalizeAxis(axis: number, rank: number, where: string): number {
  const result = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || result < 0 || result >= rank) {
    throw new ShapeError(
      `${where}: axis ${axis} is outside a tensor of rank ${rank}; expected ${-rank} to ${rank - 1}.`,
    );
  }
  return result;
}
