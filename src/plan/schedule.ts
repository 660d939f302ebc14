import type { Graph, Node } from "../graph/graph.ts";

/**
 * An order of the graph's nodes that frees memory early: nodes that serve nothing but updates of states (the
 * optimiser's) run as soon as what they read is there and every other reader of the states they
 * overwrite is done, so that a gradient dies right after it was made instead of waiting for all others.
 * Everything else keeps its order.
 */
export function scheduleNodes(graph: Graph): Graph {
  const updated = new Map(graph.updates.map(({ state, value }) => [value, state]));
  const fetched = new Set(graph.outputs.map(({ value }) => value));
  const users = new Map<number, Node[]>();
  for (const node of graph.nodes) {
    for (const id of node.inputs) {
      const list = users.get(id);
      if (list === undefined) users.set(id, [node]);
      else list.push(node);
    }
  }
  const sinks = new Set<Node>();
  for (const node of [...graph.nodes].reverse()) {
    const serves = node.outputs.some((id) => updated.has(id) || users.has(id) || fetched.has(id));
    const onlyUpdates = node.outputs.every(
      (id) => !fetched.has(id) && (users.get(id) ?? []).every((user) => sinks.has(user)),
    );
    if (serves && onlyUpdates && node.inputs.length > 0) sinks.add(node);
  }
  const position = new Map<Node, number>();
  graph.nodes.forEach((node, i) => {
    position.set(node, i);
  });
  const made = new Map<number, number>();
  const keys = new Map<Node, number>();
  graph.nodes.forEach((node, i) => {
    let key = i;
    if (sinks.has(node)) {
      key = Math.max(0, ...node.inputs.map((id) => made.get(id) ?? 0));
      for (const id of node.outputs) {
        const state = updated.get(id);
        if (state === undefined) continue;
        for (const reader of users.get(state) ?? []) {
          if (!sinks.has(reader)) key = Math.max(key, position.get(reader)!);
        }
      }
    }
    keys.set(node, key);
    for (const id of node.outputs) made.set(id, key);
  });
  const order = graph.nodes
    .map((node, i) => ({ node, key: keys.get(node)!, i }))
    .sort((a, b) => a.key - b.key || a.i - b.i);
  return { ...graph, nodes: order.map(({ node }) => node) };
}
