import { GraphError, OptionError } from "../../core/errors.ts";
import type { Value } from "../builder.ts";
import type { PrimitiveOp } from "../op.ts";

export type OneHotAttributes = { readonly classes: number; readonly axis: number };

/**
 * 1 at each index, 0 elsewhere, along a new axis: `y[…, k, …] = (x[…] = k)`. An index outside
 * 0 … classes − 1 gives zeros only. No gradient flows into indices.
 */
export const oneHotOp: PrimitiveOp<OneHotAttributes> = {
  name: "oneHot",
  kind: "primitive",
  integers: true,
  infer([x], { classes, axis }, where) {
    if (x!.dtype !== "int32") {
      throw new GraphError(`${where}: indices must be int32, not ${x!.dtype}.`);
    }
    const shape = [...x!.shape];
    shape.splice(axis, 0, classes);
    return [{ shape, dtype: "float32" }];
  },
  gradient: "none",
};

/** One-hot rows of int32 `indices` with the classes along a new axis (1 if left out). */
export function oneHot(indices: Value, classes: number, axis = 1): Value {
  if (!Number.isInteger(classes) || classes < 1) {
    throw new OptionError(`oneHot: ${classes} classes; at least 1 is needed.`);
  }
  return indices.builder.add(oneHotOp, [indices], { classes, axis }, "oneHot")[0]!;
}
