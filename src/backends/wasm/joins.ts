import { type Graph, useCounts } from "../../graph/graph.ts";
import type { ConcatAttributes } from "../../graph/ops/concat.ts";

/** A value that may lie where it ends up: a range of channels of the value that a concatenation makes. */
export interface Join {
  /** The joined value. */
  readonly whole: number;
  /** First channel there. */
  readonly first: number;
  /** Channels of the joined value: floats from pixel to pixel. */
  readonly pitch: number;
}

/**
 * Values that nothing reads but one concatenation of channels, so that what computes them may write them into its
 * result. Not those that are computed in advance (`lasting`), since the result has no memory of its own between runs.
 */
export function findJoins(graph: Graph, lasting: ReadonlySet<number>): Map<number, Join> {
  const uses = useCounts(graph);
  const joins = new Map<number, Join>();
  for (const { op, inputs, outputs, attributes } of graph.nodes) {
    if (op !== "concat" || (attributes as ConcatAttributes).axis !== 1) continue;
    const [whole] = outputs as [number];
    const { shape, dtype } = graph.values[whole]!;
    if (shape.length !== 4 || dtype !== "float32") continue;
    let first = 0;
    for (const id of inputs) {
      if (uses[id] === 1 && !lasting.has(id)) joins.set(id, { whole, first, pitch: shape[1]! });
      first += graph.values[id]!.shape[1]!;
    }
  }
  return joins;
}
