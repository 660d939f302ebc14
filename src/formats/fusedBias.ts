import type { Graph, Node } from "../graph/graph.ts";

/** A bias that an operator can add by itself. */
export interface FusedBias {
  /** The value `[K]`. */
  readonly value: number;
  /** The addition that it saves. */
  readonly sum: Node;
}

/**
 * The bias `[K]` that is added to the result of a convolution (as `[K, 1, 1]`) or of a matrix product, if that is all the result
 * is used for.
 *
 * @param isReady whether a value is there before the operator, which stands before the addition
 */
export function biasOf(
  node: Node,
  graph: Graph,
  makers: Int32Array,
  uses: Int32Array,
  isReady: (value: number) => boolean,
): FusedBias | undefined {
  const isConvolution = node.op === "conv2d" || node.op === "conv2dInputGradient";
  if (!isConvolution && node.op !== "matmul") return undefined;
  const [y] = node.outputs as [number];
  const type = graph.values[y]!;
  if (uses[y] !== 1 || (node.op === "matmul" && type.shape.length !== 2)) return undefined;
  const sum = graph.nodes.find(({ inputs }) => inputs.includes(y));
  if (sum?.op !== "binary" || sum.attributes.function !== "add") return undefined;
  const addend = sum.inputs.find((id) => id !== y);
  if (addend === undefined) return undefined;
  const channels = type.shape[1]!;
  let value = addend;
  if (isConvolution) {
    const maker = graph.nodes[makers[addend]!]!;
    if (maker.op !== "reshape" || graph.values[addend]!.shape.join() !== `${channels},1,1`) {
      return undefined;
    }
    value = maker.inputs[0]!;
  }
  const fits = graph.values[value]!.shape.join() === `${channels}`;
  return fits && isReady(value) ? { value, sum } : undefined;
}
