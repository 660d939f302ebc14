import type { DType } from "../core/dtype.ts";
import type { Shape } from "../core/shape.ts";

/** What is known of a value before anything runs: its sizes (NCHW for images) and element type. */
export interface TensorType {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Options of an operation, complete: defaults are filled in when the node is made. */
export type Attributes = Readonly<Record<string, unknown>>;

/** One operation: values in, values out, by their ids. */
export interface Node {
  /** A key of the table of operations (graph/ops/index.ts). */
  readonly op: string;
  /** Where it came from, for messages and prints: `layer2.0.conv1`. Not unique. */
  readonly name: string;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly attributes: Attributes;
}

/**
 * A computation as plain data. Nodes are in topological order; a value is an index into `values` and has
 * exactly one producer. Shapes are static and logical (NCHW activations, OIHW weights).
 */
export interface Graph {
  readonly nodes: readonly Node[];
  readonly values: readonly TensorType[];
  /** What a run returns, by name. */
  readonly outputs: readonly { readonly name: string; readonly value: number }[];
  /**
   * What a run leaves behind: after it, `state` (the output of a `state` node) holds what `value` was. All
   * updates take place together, after every read.
   */
  readonly updates: readonly { readonly state: number; readonly value: number }[];
}

/** For each value, the index of the node that makes it. */
export function producers(graph: Graph): Int32Array {
  const result = new Int32Array(graph.values.length).fill(-1);
  graph.nodes.forEach((node, index) => {
    for (const output of node.outputs) result[output] = index;
  });
  return result;
}

/** For each value, how many node inputs, graph outputs and updates use it. */
export function useCounts(graph: Graph): Int32Array {
  const result = new Int32Array(graph.values.length);
  for (const node of graph.nodes) for (const id of node.inputs) result[id]!++;
  for (const { value } of graph.outputs) result[value]!++;
  for (const { value } of graph.updates) result[value]!++;
  return result;
}
