import { ShapeError } from "../../core/errors.ts";
import { formatShape, normalizeAxis } from "../../core/shape.ts";
import type { Value } from "../builder.ts";
import type { PrimitiveOp } from "../op.ts";
import { padConstant } from "./pad.ts";

export type SliceAttributes = {
  /** First index along each axis. */
  readonly starts: readonly number[];
  /** One past the last index along each axis. */
  readonly ends: readonly number[];
};

/** A block of a tensor: `y[i] = x[i + start]`. Derivative: `dy` in a field of zeros. */
export const sliceOp: PrimitiveOp<SliceAttributes> = {
  name: "slice",
  kind: "primitive",
  integers: true,
  infer([x], { starts, ends }, where) {
    const shape = x!.shape.map((size, axis) => {
      const [start, end] = [starts[axis]!, ends[axis]!];
      if (!(start >= 0 && start < end && end <= size)) {
        throw new ShapeError(
          `${where}: range ${start}…${end} of axis ${axis} is not inside ${formatShape(x!.shape)}.`,
        );
      }
      return end - start;
    });
    return [{ shape, dtype: x!.dtype }];
  },
  gradient({ inputs, gradients, attributes }) {
    const after = inputs[0]!.shape.map((size, axis) => size - attributes.ends[axis]!);
    return [padConstant(gradients[0]!, attributes.starts, after)];
  },
};

/** The elements `start` … `end` − 1 along one axis. */
export function slice(x: Value, axis: number, start: number, end: number): Value {
  const a = normalizeAxis(axis, x.shape.length, "slice");
  const starts = x.shape.map((_, i) => (i === a ? start : 0));
  const ends = x.shape.map((size, i) => (i === a ? end : size));
  return x.builder.add(sliceOp, [x], { starts, ends }, "slice")[0]!;
}

/** Cuts `x` along an axis into parts of the given sizes, which must add up to its length. */
export function split(x: Value, axis: number, sizes: readonly number[]): Value[] {
  const a = normalizeAxis(axis, x.shape.length, "split");
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total !== x.shape[a]) {
    throw new ShapeError(
      `split: sizes ${sizes.join(" + ")} = ${total} do not add up to axis ${a} of ${formatShape(x.shape)}, which has ${x.shape[a]}.`,
    );
  }
  let start = 0;
  return sizes.map((size) => {
    const part = slice(x, a, start, start + size);
    start += size;
    return part;
  });
}
