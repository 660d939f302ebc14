import { GraphError } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import type { Graph } from "./graph.ts";
import { operation } from "./ops/index.ts";

/**
 * Throws a GraphError that names the node unless the graph is whole: every value is made once, before
 * it is used; every operation is known; and its shape rule still gives the recorded types.
 */
export function verify(graph: Graph): void {
  const made = new Set<number>();
  graph.nodes.forEach((node, index) => {
    const where = `node ${index} ${node.op} "${node.name}"`;
    const op = operation(node.op);
    if (op === undefined) throw new GraphError(`${where}: unknown operation.`);
    for (const id of node.inputs) {
      if (!made.has(id)) throw new GraphError(`${where}: reads value ${id} before it is made.`);
    }
    const types = op.infer(
      node.inputs.map((id) => graph.values[id]!),
      node.attributes,
      where,
    );
    if (types.length !== node.outputs.length) {
      throw new GraphError(
        `${where}: has ${node.outputs.length} outputs, the operation makes ${types.length}.`,
      );
    }
    node.outputs.forEach((id, i) => {
      if (made.has(id)) throw new GraphError(`${where}: value ${id} is made twice.`);
      made.add(id);
      const [recorded, inferred] = [graph.values[id], types[i]!];
      const same =
        recorded !== undefined &&
        recorded.dtype === inferred.dtype &&
        recorded.shape.join() === inferred.shape.join();
      if (!same) {
        throw new GraphError(
          `${where}: value ${id} is recorded as ${recorded?.dtype}${formatShape(recorded?.shape ?? [])}, the operation makes ${inferred.dtype}${formatShape(inferred.shape)}.`,
        );
      }
    });
  });
  for (const { name, value } of graph.outputs) {
    if (!made.has(value)) throw new GraphError(`output "${name}": value ${value} is never made.`);
  }
  for (const { state, value } of graph.updates) {
    if (!made.has(state) || !made.has(value)) {
      throw new GraphError(`update of value ${state} by ${value}: one of them is never made.`);
    }
  }
}
