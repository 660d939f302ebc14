import { rowMajorStrides } from "../../src/core/shape.ts";
import type { Comparison } from "../comparison.ts";
import { units } from "./weightFormula.ts";

/** What the vectors keep of a large tensor. */
export interface Digest {
  readonly shape: readonly number[];
  readonly mean: number;
  readonly rms: number;
  readonly min: number;
  readonly max: number;
  readonly projection: number;
  readonly first: readonly number[];
  readonly tolerance: number;
}

/** Which numbers a projection weighs with, and what the tolerances are multiplied by. */
export interface DigestOptions {
  readonly seed: number;
  readonly stream: number;
  readonly factor: number;
}

/** Compares a tensor with a digest; a projection adds up errors and so may be off by √n times as much. */
export function compareDigest(
  comparison: Comparison,
  what: string,
  data: ArrayLike<number>,
  expected: Digest,
  { seed, stream, factor }: DigestOptions,
): void {
  const tolerance = factor * expected.tolerance;
  const count = data.length;
  const unit = units(seed, stream);
  let [sum, squares, projection] = [0, 0, 0];
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < count; i++) {
    const value = data[i]!;
    sum += value;
    squares += value * value;
    projection += value * unit(i);
    // A comparison with NaN is false either way, so one NaN must spoil both.
    if (!(value >= min)) min = value;
    if (!(value <= max)) max = value;
  }
  comparison.equal(`${what} elements`, count, product(expected.shape));
  comparison.number(`${what} mean`, sum / count, expected.mean, tolerance);
  comparison.number(`${what} rms`, Math.sqrt(squares / count), expected.rms, tolerance);
  comparison.number(`${what} min`, min, expected.min, tolerance);
  comparison.number(`${what} max`, max, expected.max, tolerance);
  comparison.number(
    `${what} projection`,
    projection,
    expected.projection,
    tolerance * Math.sqrt(count),
  );
  expected.first.forEach((value, i) => {
    comparison.number(`${what}[${i}]`, data[i] ?? Number.NaN, value, tolerance);
  });
}

/** The numbers in another order of axes, axis `i` of the result being axis `view[i]`. */
export function inOrder(
  data: ArrayLike<number>,
  shape: readonly number[],
  view: readonly number[],
): Float32Array {
  const strides = rowMajorStrides(shape);
  const sizes = view.map((axis) => shape[axis]!);
  const steps = view.map((axis) => strides[axis]!);
  const result = new Float32Array(data.length);
  const index = new Array<number>(sizes.length).fill(0);
  let place = 0;
  for (let i = 0; i < result.length; i++) {
    result[i] = data[place]!;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      place += steps[axis]!;
      if (index[axis]! < sizes[axis]!) break;
      place -= steps[axis]! * sizes[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}

function product(shape: readonly number[]): number {
  return shape.reduce((total, size) => total * size, 1);
}
