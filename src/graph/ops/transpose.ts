import { ShapeError } from "../../core/errors.ts";
import { formatShape, normalizeAxis } from "../../core/shape.ts";
import type { Value } from "../builder.ts";
import type { PrimitiveOp } from "../op.ts";

export type TransposeAttributes = {
  /** Axis `i` of the result is axis `permutation[i]` of the input. */
  readonly permutation: readonly number[];
};

/** Axes in another order: `y[i₀, i₁, …] = x[…]` with `shape(y)[i] = shape(x)[permutation[i]]`. */
export const transposeOp: PrimitiveOp<TransposeAttributes> = {
  name: "transpose",
  kind: "primitive",
  integers: true,
  infer([x], { permutation }, where) {
    const sorted = [...permutation].sort((a, b) => a - b);
    if (permutation.length !== x!.shape.length || sorted.some((axis, i) => axis !== i)) {
      throw new ShapeError(
        `${where}: [${permutation.join(", ")}] is not an order of the ${x!.shape.length} axes of ${formatShape(x!.shape)}.`,
      );
    }
    return [{ shape: permutation.map((axis) => x!.shape[axis]!), dtype: x!.dtype }];
  },
  gradient({ gradients, attributes }) {
    const inverse = attributes.permutation.map((_, axis) => attributes.permutation.indexOf(axis));
    return [transpose(gradients[0]!, inverse)];
  },
};

/** Reorders the axes of `x`, −1 being the last; without a permutation their order is reversed. */
export function transpose(x: Value, permutation?: readonly number[]): Value {
  const rank = x.shape.length;
  const order =
    permutation?.map((axis) => normalizeAxis(axis, rank, "transpose")) ??
    x.shape.map((_, axis) => rank - 1 - axis);
  return x.builder.add(transposeOp, [x], { permutation: order }, "transpose")[0]!;
}
