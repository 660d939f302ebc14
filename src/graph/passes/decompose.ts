import type { Graph } from "../graph.ts";
import { compositeOps } from "../ops/index.ts";
import { rewrite } from "./rewrite.ts";

/** Replaces composite operations by the primitive ones they are made of. */
export function decompose(graph: Graph): Graph {
  if (!graph.nodes.some((node) => Object.hasOwn(compositeOps, node.op))) return graph;
  return rewrite(graph, () => undefined, { keepComposites: false });
}
