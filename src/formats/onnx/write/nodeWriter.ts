import { UnsupportedError } from "../../../core/errors.ts";
import type { Shape } from "../../../core/shape.ts";
import type { Attributes, TensorType } from "../../../graph/graph.ts";
import type { NodeList } from "./nodeList.ts";

/** A size that is the batch, or so many times the batch. */
export interface BatchSize {
  readonly perImage: number;
}

/** Sizes of a tensor of which some may depend on the batch. */
export type OpenShape = readonly (number | BatchSize)[];

/** What a row of the table of operations is given to write one node of a graph. */
export interface WritingContext<A extends Attributes> {
  readonly attributes: A;
  /** Names of the tensors that the node reads. */
  readonly inputs: readonly string[];
  /** Their types, at the batch size that the graph was built for. */
  readonly types: readonly TensorType[];
  readonly outputs: readonly OpenShape[];
  /** Where the operation stands in the net. */
  readonly path: string;
  /** Names node and operation in messages. */
  readonly where: string;
  readonly list: NodeList;
  /** A `[K]` that is added to the result in the same operator (convolutions and products). */
  readonly bias: string | undefined;
}

/** Writes a node as ONNX nodes and returns the names of its outputs; `undefined` for one that ONNX does not have. */
export type NodeWriter<A extends Attributes> = (
  context: WritingContext<A>,
) => readonly (string | undefined)[];

/** The row of an operation that no trained net uses when it answers. */
export function notWritten(reason: string): NodeWriter<Attributes> {
  return ({ where }) => {
    throw new UnsupportedError(`${where}: it is not written to ONNX: ${reason}.`);
  };
}

/** The sizes as a list for `Reshape`, which works out one size, −1, by itself. */
export function reshapeTarget(shape: OpenShape, where: string): number[] {
  if (shape.filter((size) => typeof size !== "number").length > 1) {
    throw new UnsupportedError(`${where}: more than one axis of the result depends on the batch.`);
  }
  return shape.map((size) => (typeof size === "number" ? size : -1));
}

/** Swaps two axes of a tensor. */
export function swapAxes(
  x: string,
  shape: Shape,
  axes: readonly [number, number],
  list: NodeList,
  path: string,
): string {
  const [a, b] = axes;
  if (a === b) return x;
  const order = shape.map((_, axis) => (axis === a ? b : axis === b ? a : axis));
  return list.add("Transpose", [x], path, { perm: { ints: order } });
}
