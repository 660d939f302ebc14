import type { Value } from "../../../graph/builder.ts";
import { argMax } from "../../../graph/ops/argMax.ts";
import { maximum, minimum } from "../../../graph/ops/binary.ts";
import { oneHot } from "../../../graph/ops/oneHot.ts";
import { reshape } from "../../../graph/ops/reshape.ts";
import { logSoftmax, softmax } from "../../../graph/ops/softmax.ts";
import { unary } from "../../../graph/ops/unary.ts";
import type { NodeContext } from "../nodeContext.ts";
import { alongOne } from "./axes.ts";
import type { Importers } from "./operator.ts";

/** Bounds are attributes until operator set 10 and inputs from 11 on; each may be left out. */
function clip(node: NodeContext): Value {
  const x = node.input(0);
  const bounded = (low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY) =>
    // Where the bounds cross, the upper one holds.
    unary(x, "clip", { minimum: low, maximum: high });
  if (node.opset < 11) {
    const infinite = Number.POSITIVE_INFINITY;
    return bounded(node.float("min", -infinite), node.float("max", infinite));
  }
  const isKnown = (index: number) => !node.has(index) || node.tensor(index).numbers !== undefined;
  if (isKnown(1) && isKnown(2)) {
    const [low, high] = [1, 2].map((i) => (node.has(i) ? node.known(i)[0] : undefined));
    return bounded(low, high);
  }
  const bound = (index: number) => reshape(node.input(index), []);
  const raised = node.has(1) ? maximum(x, bound(1)) : x;
  return node.has(2) ? minimum(raised, bound(2)) : raised;
}

/** Functions that are more than one expression of an element. */
export const activations: Importers = {
  Clip: clip,
  Gelu(node) {
    const form = node.choice("approximate", ["none", "tanh"], "none");
    return unary(node.input(0), form === "tanh" ? "geluTanh" : "gelu");
  },
  Hardmax: (node) => alongOne(node, (x, axis) => oneHot(argMax(x, axis), x.shape[axis]!, axis)),
  LogSoftmax: (node) => alongOne(node, logSoftmax),
  Softmax: (node) => alongOne(node, softmax),
};
