import { formatShape } from "../core/shape.ts";
import { type Expression, formatExpression } from "./expression.ts";
import type { Graph, Node } from "./graph.ts";

/**
 * A graph as text, one node a line:
 * `%3 = conv2d(%0, %2) stride=[1, 1] padding=[1, 1, 1, 1] … : float32[2, 4, 8, 8]  # conv1`.
 * Values are renumbered in the order of the nodes, so that equal graphs print equally.
 */
export function print(graph: Graph): string {
  const names = new Map<number, string>();
  const lines = graph.nodes.map((node) => {
    const inputs = node.inputs.map((id) => names.get(id) ?? `?${id}`);
    const outputs = node.outputs.map((id) => {
      const name = `%${names.size}`;
      names.set(id, name);
      return name;
    });
    const types = node.outputs.map((id) => {
      const { dtype, shape } = graph.values[id]!;
      return `${dtype}${formatShape(shape)}`;
    });
    const attributes = formatAttributes(node);
    const comment = node.name === "" ? "" : `  # ${node.name}`;
    return `${outputs.join(", ")} = ${node.op}(${inputs.join(", ")})${attributes} : ${types.join(", ")}${comment}`;
  });
  for (const { name, value } of graph.outputs) lines.push(`output "${name}" = ${names.get(value)}`);
  for (const { state, value } of graph.updates) {
    lines.push(`update ${names.get(state)} ← ${names.get(value)}`);
  }
  return lines.join("\n");
}

function formatAttributes(node: Node): string {
  return Object.entries(node.attributes)
    .filter(
      ([key]) => !(key === "name" || key === "dtype" || (key === "shape" && node.op !== "reshape")),
    )
    .map(([key, value]) => ` ${key}=${formatAttribute(key, value)}`)
    .join("");
}

/** Long lists are cut: what matters of window tables and constants is their beginning. */
function formatAttribute(key: string, value: unknown): string {
  if (key === "expressions") return (value as Expression[]).map(formatExpression).join("; ");
  if (ArrayBuffer.isView(value)) {
    const numbers = [...(value as Float32Array)];
    return `[${numbers.slice(0, 4).join(", ")}${numbers.length > 4 ? `, … ${numbers.length}` : ""}]`;
  }
  if (Array.isArray(value)) {
    const items = value.slice(0, 4).map((item) => formatAttribute("", item));
    return `[${items.join(", ")}${value.length > 4 ? `, … ${value.length}` : ""}]`;
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([k, v]) => `${k}: ${formatAttribute(k, v)}`);
    return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
  }
  return String(value);
}
