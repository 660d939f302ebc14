import { OptionError } from "../core/errors.ts";
import { elementCount, formatShape } from "../core/shape.ts";
import type { Initializer } from "./initializer.ts";

/**
 * Rows (or columns, where there are more rows) that are orthogonal with length `gain`: lengths of signals survive
 * the layer. Normal draws made orthogonal by Gram–Schmidt, twice, in float64; axes after the first count
 * as one. Gain 1, as PyTorch. Source: Saxe, McClelland & Ganguli 2014.
 */
export function orthogonal(options: { readonly gain?: number } = {}): Initializer {
  const { gain = 1 } = options;
  return {
    kind: "orthogonal",
    options: { gain },
    fill(shape, stream) {
      const [rows] = shape;
      if (rows === undefined || shape.length < 2) {
        throw new OptionError(
          `orthogonal: expected a weight of at least two axes, got ${formatShape(shape)}.`,
        );
      }
      const columns = elementCount(shape) / rows;
      const [count, length] = rows <= columns ? [rows, columns] : [columns, rows];
      const basis: Float64Array[] = [];
      while (basis.length < count) {
        const vector = Float64Array.from({ length }, () => stream.normal());
        if (orthonormalize(vector, basis)) basis.push(vector);
      }
      const numbers = new Float32Array(rows * columns);
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) {
          numbers[i * columns + j] = gain * (rows <= columns ? basis[i]![j]! : basis[j]![i]!);
        }
      }
      return numbers;
    },
  };
}

/** Takes out what lies along the basis and scales to length 1; false where almost nothing is left. */
function orthonormalize(vector: Float64Array, basis: readonly Float64Array[]): boolean {
  const before = norm(vector);
  for (let round = 0; round < 2; round++) {
    for (const other of basis) {
      let product = 0;
      for (let i = 0; i < vector.length; i++) product += vector[i]! * other[i]!;
      for (let i = 0; i < vector.length; i++) vector[i]! -= product * other[i]!;
    }
  }
  const after = norm(vector);
  if (after < 1e-6 * before) return false;
  for (let i = 0; i < vector.length; i++) vector[i]! /= after;
  return true;
}

function norm(vector: Float64Array): number {
  let sum = 0;
  for (const x of vector) sum += x * x;
  return Math.sqrt(sum);
}
