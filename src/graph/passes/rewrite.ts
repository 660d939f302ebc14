import { GraphError } from "../../core/errors.ts";
import { GraphBuilder, type Value } from "../builder.ts";
import type { Graph, Node } from "../graph.ts";
import { operation } from "../ops/index.ts";

/** What a node becomes in the new graph: its outputs there, or `undefined` to copy it as it is. */
export type Rewrite = (node: Node, context: RewriteContext) => readonly Value[] | undefined;

export interface RewriteContext {
  readonly builder: GraphBuilder;
  readonly index: number;
  /** The new value of an old one that has been visited. */
  newValue(id: number): Value;
}

/** Rebuilds a graph node by node. A rule that returns no outputs for a node drops it. */
export function rewrite(
  graph: Graph,
  rule: Rewrite,
  options: { readonly keepComposites?: boolean } = {},
): Graph {
  const { keepComposites = true } = options;
  const builder = new GraphBuilder({ keepComposites });
  const values = new Map<number, Value>();
  const newValue = (id: number): Value => {
    const value = values.get(id);
    if (value === undefined) {
      throw new GraphError(`rewrite: value ${id} is used but was not made.`);
    }
    return value;
  };
  graph.nodes.forEach((node, index) => {
    const results =
      rule(node, { builder, index, newValue }) ??
      copyNode(builder, node, node.inputs.map(newValue));
    node.outputs.forEach((id, i) => {
      const value = results[i];
      if (value !== undefined) values.set(id, value);
    });
  });
  for (const { name, value } of graph.outputs) builder.output(name, newValue(value));
  for (const { state, value } of graph.updates) builder.update(newValue(state), newValue(value));
  return builder.finish();
}

/** Appends the same operation on new inputs. */
export function copyNode(
  builder: GraphBuilder,
  node: Node,
  inputs: readonly Value[],
): readonly Value[] {
  const op = operation(node.op);
  if (op === undefined) throw new GraphError(`unknown operation "${node.op}" ("${node.name}").`);
  return builder.add(op, inputs, node.attributes, node.name);
}
