import { ShapeError } from "../../core/errors.ts";
import { formatShape } from "../../core/shape.ts";
import type { Value } from "../builder.ts";
import type { PrimitiveOp } from "../op.ts";
import { axisMap } from "./axisMap.ts";
import { sliceOp } from "./slice.ts";

export type PadAttributes = {
  /** Elements put in front along each axis. */
  readonly before: readonly number[];
  /** Elements put behind along each axis. */
  readonly after: readonly number[];
  readonly value: number;
};

/** A tensor in a field of one value. Derivative: the block of `dy` where `x` lies. */
export const padOp: PrimitiveOp<PadAttributes> = {
  name: "pad",
  kind: "primitive",
  integers: true,
  infer([x], { before, after }, where) {
    const shape = x!.shape.map((size, axis) => {
      const [b, a] = [before[axis], after[axis]];
      if (!(b !== undefined && a !== undefined && b >= 0 && a >= 0)) {
        throw new ShapeError(
          `${where}: padding ${b} and ${a} of axis ${axis} of ${formatShape(x!.shape)} must be 0 or more; use slice to crop.`,
        );
      }
      return size + b + a;
    });
    return [{ shape, dtype: x!.dtype }];
  },
  gradient({ inputs, gradients, attributes }) {
    const { before } = attributes;
    const ends = inputs[0]!.shape.map((size, axis) => size + before[axis]!);
    const dy = gradients[0]!;
    return [dy.builder.add(sliceOp, [dy], { starts: before, ends })[0]];
  },
};

/** Surrounds `x` with `value`. */
export function padConstant(
  x: Value,
  before: readonly number[],
  after: readonly number[],
  value = 0,
): Value {
  if (before.every((b) => b === 0) && after.every((a) => a === 0)) return x;
  return x.builder.add(padOp, [x], { before, after, value }, "pad")[0]!;
}

/**
 * How the border is filled: `constant`; `reflect` mirrors without repeating the edge; `symmetric` mirrors
 * with it; `replicate` repeats the edge; `circular` goes round.
 */
export type PadMode = "constant" | "reflect" | "symmetric" | "replicate" | "circular";

/** The index inside 0 … size − 1 that position `i` (outside allowed) stands for. */
function borderIndex(i: number, size: number, mode: Exclude<PadMode, "constant">): number {
  if (mode === "replicate") return Math.min(Math.max(i, 0), size - 1);
  if (mode === "circular") return ((i % size) + size) % size;
  const period = mode === "reflect" ? Math.max(1, 2 * (size - 1)) : 2 * size;
  const folded = ((i % period) + period) % period;
  if (folded < size) return folded;
  return mode === "reflect" ? period - folded : period - 1 - folded;
}

/** Pads each axis by `before` and `after` elements in the given mode. */
export function pad(
  x: Value,
  options: {
    before: readonly number[];
    after: readonly number[];
    mode?: PadMode;
    value?: number;
  },
): Value {
  const { before, after, mode = "constant", value = 0 } = options;
  if (mode === "constant") return padConstant(x, before, after, value);
  let result = x;
  x.shape.forEach((size, axis) => {
    const [b, a] = [before[axis]!, after[axis]!];
    if (b === 0 && a === 0) return;
    if (mode === "reflect" && Math.max(a, b) >= size) {
      throw new ShapeError(
        `pad: reflecting ${Math.max(a, b)} elements needs more than that along axis ${axis}, which has ${size}.`,
      );
    }
    const rows = Array.from({ length: b + size + a }, (_, i) => [borderIndex(i - b, size, mode)]);
    result = axisMap(result, { axis, indices: rows });
  });
  return result;
}
