import type { Value } from "../builder.ts";
import type { Graph, Node } from "../graph.ts";
import { copyNode, rewrite } from "./rewrite.ts";

/** Operations whose results differ though their descriptions are equal, or that are the graph's interface. */
const never = new Set(["input", "state", "constant"]);

/** Computes once what the graph asks for twice: equal operations on equal inputs. */
export function shareCommon(graph: Graph): Graph {
  const known = new Map<string, readonly Value[]>();
  return rewrite(graph, (node, { builder, newValue }) => {
    if (never.has(node.op)) return undefined;
    const inputs = node.inputs.map(newValue);
    const key = `${node.op}(${inputs.map((value) => value.id)}) ${attributeKey(node)}`;
    const before = known.get(key);
    if (before !== undefined) return before;

    const results = copyNode(builder, node, inputs);
    known.set(key, results);
    return results;
  });
}

function attributeKey(node: Node): string {
  return JSON.stringify(node.attributes, (_, value) =>
    typeof value === "number" && !Number.isFinite(value) ? String(value) : value,
  );
}
