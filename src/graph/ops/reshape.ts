import { ShapeError } from "../../core/errors.ts";
import {
  elementCount,
  formatShape,
  normalizeAxis,
  type Shape,
  sameShape,
} from "../../core/shape.ts";
import type { Value } from "../builder.ts";
import type { PrimitiveOp } from "../op.ts";

export type ReshapeAttributes = { readonly shape: Shape };

/**
 * The same elements, read in row-major logical order (N, C, H, W), under another shape.
 * Derivative: the reshape back. A backend that keeps images channels-last moves data here.
 */
export const reshapeOp: PrimitiveOp<ReshapeAttributes> = {
  name: "reshape",
  kind: "primitive",
  integers: true,
  infer([x], { shape }, where) {
    if (elementCount(shape) !== elementCount(x!.shape)) {
      throw new ShapeError(
        `${where}: ${formatShape(x!.shape)} has ${elementCount(x!.shape)} elements, ${formatShape(shape)} has ${elementCount(shape)}.`,
      );
    }
    return [{ shape, dtype: x!.dtype }];
  },
  gradient: ({ inputs, gradients }) => [reshape(gradients[0]!, inputs[0]!.shape)],
};

/** Gives `x` another shape; one size may be −1 and is worked out. `x` itself where nothing changes. */
export function reshape(x: Value, shape: Shape): Value {
  const unknown = shape.indexOf(-1);
  let complete = shape;
  if (unknown >= 0) {
    const known = shape.reduce((n, size, axis) => (axis === unknown ? n : n * size), 1);
    const size = elementCount(x.shape) / known;
    if (!Number.isInteger(size) || shape.indexOf(-1, unknown + 1) >= 0) {
      throw new ShapeError(
        `reshape: ${formatShape(x.shape)} (${elementCount(x.shape)} elements) does not fit ${formatShape(shape)}; at most one size may be −1, and the others must divide the count.`,
      );
    }
    complete = shape.map((s, axis) => (axis === unknown ? size : s));
  }
  if (sameShape(complete, x.shape)) return x;
  return x.builder.add(reshapeOp, [x], { shape: complete }, "reshape")[0]!;
}

/** Joins the axes from `start` to `end` (inclusive) into one. Default: all but the batch. */
export function flatten(x: Value, options: { start?: number; end?: number } = {}): Value {
  const rank = x.shape.length;
  const start = normalizeAxis(options.start ?? 1, rank, "flatten");
  const end = normalizeAxis(options.end ?? -1, rank, "flatten");
  const middle = elementCount(x.shape.slice(start, end + 1));
  return reshape(x, [...x.shape.slice(0, start), middle, ...x.shape.slice(end + 1)]);
}
