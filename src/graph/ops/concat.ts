import { ShapeError } from "../../core/errors.ts";
import { formatShape, normalizeAxis } from "../../core/shape.ts";
import type { Value } from "../builder.ts";
import type { PrimitiveOp } from "../op.ts";
import { slice } from "./slice.ts";

export type ConcatAttributes = { readonly axis: number };

/** Tensors one after another along an axis; all other sizes must agree. Derivative: slices of `dy`. */
export const concatOp: PrimitiveOp<ConcatAttributes> = {
  name: "concat",
  kind: "primitive",
  integers: true,
  infer(inputs, { axis }, where) {
    const first = inputs[0]!;
    let total = 0;
    for (const x of inputs) {
      const fits =
        x.shape.length === first.shape.length &&
        x.dtype === first.dtype &&
        x.shape.every((size, a) => a === axis || size === first.shape[a]);
      if (!fits) {
        throw new ShapeError(
          `${where}: ${inputs.map((i) => `${i.dtype}${formatShape(i.shape)}`).join(", ")} must agree in dtype and in every size but axis ${axis}.`,
        );
      }
      total += x.shape[axis]!;
    }
    return [
      { shape: first.shape.map((size, a) => (a === axis ? total : size)), dtype: first.dtype },
    ];
  },
  gradient({ inputs, attributes, gradients, needed }) {
    let start = 0;
    return inputs.map((x, i) => {
      const size = x.shape[attributes.axis]!;
      start += size;
      return needed[i] ? slice(gradients[0]!, attributes.axis, start - size, start) : undefined;
    });
  },
};

/** Joins tensors along an axis (1, the channels, if left out). */
export function concat(inputs: readonly Value[], axis = 1): Value {
  const [first] = inputs;
  if (first === undefined) throw new ShapeError("concat: there is nothing to join.");
  if (inputs.length === 1) return first;
  const a = normalizeAxis(axis, first.shape.length, "concat");
  return first.builder.add(concatOp, inputs, { axis: a }, "concat")[0]!;
}
