import type { Graph } from "../graph.ts";

/** Drops nodes that no output and no update needs. Inputs and states stay, for they are the graph's interface. */
export function removeDeadCode(graph: Graph): Graph {
  const needed = new Set<number>();
  for (const { value } of graph.outputs) needed.add(value);
  for (const { state, value } of graph.updates) needed.add(state).add(value);
  const kept = [...graph.nodes]
    .reverse()
    .filter((node) => {
      const live =
        node.op === "input" || node.op === "state" || node.outputs.some((id) => needed.has(id));
      if (live) for (const id of node.inputs) needed.add(id);
      return live;
    })
    .reverse();
  return kept.length === graph.nodes.length ? graph : { ...graph, nodes: kept };
}
