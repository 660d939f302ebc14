import { ShapeError } from "../../core/errors.ts";
import { formatShape, normalizeAxis } from "../../core/shape.ts";
import type { Value } from "../builder.ts";
import type { PrimitiveOp } from "../op.ts";

export type AxisMapAttributes = {
  readonly axis: number;
  /** For each position of the result, the positions of the input that it reads. */
  readonly indices: readonly (readonly number[])[];
  /** The weight of each of them, in the same form. */
  readonly weights: readonly (readonly number[])[];
};

/**
 * A sparse linear map along one axis: `y[…, j, …] = Σₜ weights[j][t] · x[…, indices[j][t], …]`.
 *
 * Averages over windows, interpolation, gathering, mirrored borders and sums over neighbouring channels
 * are all of this form. The derivative is the map with the transposed matrix, so the operation is
 * closed under differentiation.
 */
export const axisMapOp: PrimitiveOp<AxisMapAttributes> = {
  name: "axisMap",
  kind: "primitive",
  infer([x], { axis, indices }, where) {
    const size = x!.shape[axis]!;
    for (const row of indices) {
      for (const index of row) {
        if (!(index >= 0 && index < size)) {
          throw new ShapeError(
            `${where}: index ${index} is outside axis ${axis} of ${formatShape(x!.shape)}.`,
          );
        }
      }
    }
    const shape = x!.shape.map((s, a) => (a === axis ? indices.length : s));
    return [{ shape, dtype: "float32" }];
  },
  gradient({ inputs, attributes, gradients }) {
    const { axis, indices, weights } = attributes;
    const size = inputs[0]!.shape[axis]!;
    const transposedIndices: number[][] = Array.from({ length: size }, () => []);
    const transposedWeights: number[][] = Array.from({ length: size }, () => []);
    indices.forEach((row, j) => {
      row.forEach((index, t) => {
        transposedIndices[index]!.push(j);
        transposedWeights[index]!.push(weights[j]![t]!);
      });
    });
    return [
      axisMap(gradients[0]!, { axis, indices: transposedIndices, weights: transposedWeights }),
    ];
  },
};

/** Applies a sparse matrix along one axis; weights left out are 1. */
export function axisMap(
  x: Value,
  options: {
    axis: number;
    indices: readonly (readonly number[])[];
    weights?: readonly (readonly number[])[];
  },
): Value {
  const axis = normalizeAxis(options.axis, x.shape.length, "axisMap");
  const { indices } = options;
  const weights = options.weights ?? indices.map((row) => row.map(() => 1));
  return x.builder.add(axisMapOp, [x], { axis, indices, weights }, "axisMap")[0]!;
}

/** Picks positions along an axis: `y[…, j, …] = x[…, indices[j], …]`. */
export function take(x: Value, axis: number, indices: readonly number[]): Value {
  return axisMap(x, { axis, indices: indices.map((index) => [index]) });
}
