import type { Shape } from "../../../core/shape.ts";
import type { Value } from "../../../graph/builder.ts";
import { padConstant } from "../../../graph/ops/pad.ts";
import { sliceOp } from "../../../graph/ops/slice.ts";

/**
 * The part of `x` that begins at `starts` and has `sizes`: cut where it lies inside, filled with `value` where it lies
 * outside. `y[i] = x[i + start]`.
 */
export function framed(x: Value, starts: readonly number[], sizes: Shape, value = 0): Value {
  const from = x.shape.map((size, axis) => Math.min(Math.max(0, starts[axis]!), size));
  const to = x.shape.map((size, axis) => Math.min(size, starts[axis]! + sizes[axis]!));
  const isWhole = x.shape.every((size, axis) => from[axis] === 0 && to[axis] === size);
  const inside = isWhole ? x : x.builder.add(sliceOp, [x], { starts: from, ends: to }, "slice")[0]!;
  const before = x.shape.map((_, axis) => Math.max(0, -starts[axis]!));
  const after = x.shape.map((_, axis) => sizes[axis]! - before[axis]! - inside.shape[axis]!);
  return padConstant(inside, before, after, value);
}
