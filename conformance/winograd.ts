import { resultSize } from "../src/backends/wasm/kernels/conv2dGeometry.ts";
import { winogradForm, winogradGradientForm } from "../src/backends/wasm/kernels/winogradPlan.ts";
import { convolutionGeometry } from "../src/backends/wasm/lowering.ts";
import type { Graph, Node } from "../src/graph/graph.ts";
import type { Conv2dAttributes } from "../src/graph/ops/conv2d.ts";
import type { Backend } from "../src/plan/backend.ts";

/**
 * Factor of the tolerances of a case: 10 where the backend computes one of its convolutions by Winograd's method, as the
 * README of the vectors allows, else 1.
 */
export function toleranceFactor(backend: Backend, graph: Graph): 1 | 10 {
  return backend.winograd && graph.nodes.some((node) => isWinograd(node, graph)) ? 10 : 1;
}

function isWinograd(node: Node, graph: Graph): boolean {
  const attributes = node.attributes as Conv2dAttributes;
  const [first, second] = node.inputs.map((id) => graph.values[id]!);
  const output = graph.values[node.outputs[0]!]!;
  if (node.op === "conv2d") {
    const geometry = convolutionGeometry(first!, second!, attributes);
    return winogradForm(geometry, resultSize(geometry), {}) !== undefined;
  }
  if (node.op === "conv2dInputGradient") {
    const geometry = convolutionGeometry(output, second!, attributes);
    return winogradForm(geometry, geometry.size, {}) !== undefined;
  }
  if (node.op === "conv2dWeightGradient") {
    const geometry = convolutionGeometry(first!, output, attributes);
    return winogradGradientForm(geometry, {}) !== undefined;
  }
  return false;
}
