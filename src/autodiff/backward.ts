import { GraphError } from "../core/errors.ts";
import { elementCount } from "../core/shape.ts";
import type { Value } from "../graph/builder.ts";
import { add } from "../graph/ops/binary.ts";
import { broadcastTo } from "../graph/ops/broadcast.ts";
import { operation } from "../graph/ops/index.ts";

/**
 * Reverse mode: appends to the graph the nodes that compute `∂target/∂w` for each `w`, and returns their
 * values. A value that `target` does not depend on has a gradient of zeros.
 *
 * One walk from the target back to the sources; a node's rule is applied once, with the sum of what
 * its users sent back. Only nodes on a path from some `w` are visited.
 *
 * @throws GraphError where `target` is no scalar.
 * Source: Linnainmaa 1970; Baydin et al. 2018, section 3.2.
 */
export function gradients(target: Value, wrt: readonly Value[]): Value[] {
  const { builder } = target;
  if (elementCount(target.shape) !== 1) {
    throw new GraphError(
      `gradients: the target ${target} must be one number; sum or average it first.`,
    );
  }
  const nodes = [...builder.nodes];
  const relevant = new Set(wrt.map((value) => value.id));
  for (const node of nodes) {
    if (node.inputs.some((id) => relevant.has(id))) {
      for (const id of node.outputs) relevant.add(id);
    }
  }
  const collected = new Map<number, Value>();
  collected.set(target.id, broadcastTo(builder.constant(1), target.shape));
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i]!;
    const upstream = node.outputs.map((id) => collected.get(id));
    if (upstream.every((g) => g === undefined)) continue;
    if (!node.inputs.some((id) => relevant.has(id))) continue;
    const op = operation(node.op);
    if (op === undefined) throw new GraphError(`gradients: unknown operation "${node.op}".`);
    if (op.kind === "composite") {
      throw new GraphError(
        `gradients: ${node.op} "${node.name}" is composite; build the graph without keepComposites.`,
      );
    }
    if (op.gradient === "none") continue;
    const inputs = node.inputs.map((id) => builder.value(id));
    const rule = op.gradient;
    const results = builder.within(node.name === "" ? "gradient" : `gradient.${node.name}`, () =>
      rule({
        inputs,
        outputs: node.outputs.map((id) => builder.value(id)),
        attributes: node.attributes,
        gradients: upstream,
        needed: inputs.map((value) => relevant.has(value.id)),
      }),
    );
    results.forEach((gradient, j) => {
      const id = node.inputs[j]!;
      if (gradient === undefined || !relevant.has(id)) return;
      const known = collected.get(id);
      collected.set(id, known === undefined ? gradient : add(known, gradient));
    });
  }
  return wrt.map(
    (value) => collected.get(value.id) ?? broadcastTo(builder.constant(0), value.shape),
  );
}
