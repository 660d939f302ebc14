import type { Graph } from "../graph.ts";
import { verify } from "../verify.ts";
import { removeDeadCode } from "./deadCode.ts";
import { decompose } from "./decompose.ts";

/** A step from graph to graph that keeps what it computes. */
export type Pass = (graph: Graph) => Graph;

/** Runs passes one after the other and checks the graph after each. */
export function runPasses(graph: Graph, passes: readonly Pass[]): Graph {
  let result = graph;
  verify(result);
  for (const pass of passes) {
    const next = pass(result);
    if (next !== result) verify(next);
    result = next;
  }
  return result;
}

/** The least that every backend needs: primitive operations only, nothing that is never used. */
export function lower(graph: Graph): Graph {
  return runPasses(graph, [decompose, removeDeadCode]);
}
