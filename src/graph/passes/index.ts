import type { Graph } from "../graph.ts";
import { verify } from "../verify.ts";
import { removeDeadCode } from "./deadCode.ts";
import { decompose } from "./decompose.ts";
import { foldBatchNorm } from "./foldBatchNorm.ts";
import { inlineElementwise } from "./inlineElementwise.ts";
import { mergeSiblings } from "./mergeSiblings.ts";
import { shareCommon } from "./shareCommon.ts";

/** A step from graph to graph that keeps what it computes. */
export type Pass = (graph: Graph) => Graph;

/** Runs passes one after the other and checks the graph before the first and after each. */
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

/** What a fast backend wants: folded, shared and fused. The order matters, so it is one list. */
export function optimize(graph: Graph): Graph {
  return runPasses(graph, [
    foldBatchNorm,
    decompose,
    removeDeadCode,
    shareCommon,
    inlineElementwise,
    mergeSiblings,
    removeDeadCode,
  ]);
}
