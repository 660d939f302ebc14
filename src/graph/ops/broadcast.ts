import { ShapeError } from "../../core/errors.ts";
import { formatShape, type Shape, sameShape } from "../../core/shape.ts";
import type { Value } from "../builder.ts";
import type { PrimitiveOp } from "../op.ts";
import { reduceSum } from "./reduce.ts";
import { reshape } from "./reshape.ts";

export type BroadcastAttributes = { readonly shape: Shape };

/**
 * Repeats a tensor along axes of size 1 (and new leading axes): `y[…] = x[…]`, NumPy's `broadcast_to`.
 * Derivative: the sum over the repeated axes.
 */
export const broadcastOp: PrimitiveOp<BroadcastAttributes> = {
  name: "broadcast",
  kind: "primitive",
  integers: true,
  infer([x], { shape }, where) {
    const offset = shape.length - x!.shape.length;
    const fits =
      offset >= 0 && x!.shape.every((size, axis) => size === 1 || size === shape[axis + offset]);
    if (!fits) {
      throw new ShapeError(
        `${where}: ${formatShape(x!.shape)} does not broadcast to ${formatShape(shape)}.`,
      );
    }
    return [{ shape, dtype: x!.dtype }];
  },
  gradient: ({ inputs, gradients }) => [sumTo(gradients[0]!, inputs[0]!.shape)],
};

/** Repeats `x` to `shape`; `x` itself where it has that shape already. */
export function broadcastTo(x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x;
  return x.builder.add(broadcastOp, [x], { shape })[0]!;
}

/** Sums `x` over the axes along which a tensor of `shape` would be broadcast to `x.shape`. */
export function sumTo(x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x;
  const offset = x.shape.length - shape.length;
  const axes = x.shape
    .map((_, axis) => axis)
    .filter((axis) => axis < offset || (shape[axis - offset] === 1 && x.shape[axis] !== 1));
  const summed = axes.length === 0 ? x : reduceSum(x, { axes, keepDims: true });
  return reshape(summed, shape);
}
