import { elementCount, normalizeAxis } from "../../../core/shape.ts";
import type { Value } from "../../../graph/builder.ts";
import { reshape } from "../../../graph/ops/reshape.ts";
import type { NodeContext } from "../nodeContext.ts";

/** An axis counted from the front. */
export function normalizedAxis(node: NodeContext, axis: number, rank: number): number {
  return normalizeAxis(axis, rank, node.where);
}

/** An axis that may also lie behind the last one, as Flatten cuts there. */
export function cuttingAxis(node: NodeContext, axis: number, rank: number): number {
  return axis === rank ? rank : normalizedAxis(node, axis, rank);
}

/** All axes before `axis` as one, and all from it on as another. */
export function flattenedAt(x: Value, axis: number): Value {
  return reshape(x, [elementCount(x.shape.slice(0, axis)), elementCount(x.shape.slice(axis))]);
}

/**
 * Applies a function along the axis of a Softmax-like node: one axis, the last by default, from operator set 13 on; all
 * axes from the attribute's on as one (1 by default) before.
 */
export function alongOne(node: NodeContext, f: (x: Value, axis: number) => Value): Value {
  const x = node.input(0);
  const rank = x.shape.length;
  if (node.opset >= 13) return f(x, normalizedAxis(node, node.int("axis", -1), rank));
  const start = cuttingAxis(node, node.int("axis", 1), rank);
  return reshape(f(flattenedAt(x, start), 1), x.shape);
}
