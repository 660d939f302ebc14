import { normalizeAxis } from "../../core/shape.ts";
import type { Value } from "../builder.ts";
import type { PrimitiveOp } from "../op.ts";

export type ArgMaxAttributes = { readonly axis: number };

/** Index of the largest element along an axis, which disappears; the first of equals. int32. */
export const argMaxOp: PrimitiveOp<ArgMaxAttributes> = {
  name: "argMax",
  kind: "primitive",
  infer([x], { axis }, where) {
    const a = normalizeAxis(axis, x!.shape.length, where);
    return [{ shape: x!.shape.filter((_, i) => i !== a), dtype: "int32" }];
  },
  gradient: "none",
};

/** Index of the first maximum along `axis`. */
export function argMax(x: Value, axis = 1): Value {
  const a = normalizeAxis(axis, x.shape.length, "argMax");
  return x.builder.add(argMaxOp, [x], { axis: a }, "argMax")[0]!;
}
