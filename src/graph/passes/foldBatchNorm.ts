import type { Value } from "../builder.ts";
import { input, scalar as s } from "../expression.ts";
import { type Graph, type Node, producers, useCounts } from "../graph.ts";
import { multiply, subtract } from "../ops/binary.ts";
import { addChannelBias } from "../ops/conv2d.ts";
import { elementwise } from "../ops/elementwise.ts";
import type { BatchNormAttributes } from "../ops/normalization.ts";
import { reshape } from "../ops/reshape.ts";
import { copyNode, rewrite } from "./rewrite.ts";

/**
 * Inference: a batch norm behind a convolution that nothing else reads becomes part of it,
 * `w′ = w · γ/√(σ² + ε)`, `b′ = β − μ · γ/√(σ² + ε)`. The new weights depend on states alone, so a backend
 * computes them once. It works on the composite `batchNorm` node, so it must run before decomposition.
 */
export function foldBatchNorm(graph: Graph): Graph {
  const uses = useCounts(graph);
  const madeBy = producers(graph);
  const convolutionOf = (node: Node): Node | undefined => {
    if (node.op !== "batchNorm" || (node.attributes as BatchNormAttributes).training) {
      return undefined;
    }
    const convolution = graph.nodes[madeBy[node.inputs[0]!]!]!;
    if (convolution.op !== "conv2d" || uses[node.inputs[0]!] !== 1) return undefined;
    return convolution;
  };
  if (!graph.nodes.some((node) => convolutionOf(node) !== undefined)) return graph;
  const folded = new Set(graph.nodes.map(convolutionOf));
  return rewrite(graph, (node, { builder, newValue }) => {
    // A folded convolution is made again, with its new weight, where the batch norm stood.
    if (folded.has(node)) return [];
    const convolution = convolutionOf(node);
    if (convolution === undefined) return undefined;
    const { eps, affine } = node.attributes as BatchNormAttributes;
    const [scale, bias] = affine ? [1, 2].map((i) => newValue(node.inputs[i]!)) : [];
    const [mean, variance] = node.inputs.slice(affine ? 3 : 1).map(newValue) as [Value, Value];
    const [x, weight] = convolution.inputs.map(newValue) as [Value, Value];
    const inverse = elementwise([variance], s.div(1, s.sqrt(s.add(input(0), eps))));
    const factor = scale === undefined ? inverse : multiply(scale, inverse);
    const newWeight = multiply(weight, reshape(factor, [factor.shape[0]!, 1, 1, 1]));
    const shift = multiply(mean, factor);
    const newBias = bias === undefined ? multiply(shift, -1) : subtract(bias, shift);
    const [y] = copyNode(builder, convolution, [x, newWeight]);
    return [addChannelBias(y!, newBias)];
  });
}
