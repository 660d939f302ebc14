import { FormatError } from "../../../core/errors.ts";
import { formatShape } from "../../../core/shape.ts";
import type { Value } from "../../../graph/builder.ts";
import { input, scalar as s } from "../../../graph/expression.ts";
import { divide } from "../../../graph/ops/binary.ts";
import { elementwise } from "../../../graph/ops/elementwise.ts";
import { reduceMean, reduceSum } from "../../../graph/ops/reduce.ts";
import { reshape } from "../../../graph/ops/reshape.ts";
import { logSoftmax } from "../../../graph/ops/softmax.ts";
import type { NodeContext } from "../nodeContext.ts";
import type { Importers } from "./operator.ts";

/**
 * `−w[t] · logp[t]` for the class `t` of each place, 0 where it is `ignore_index`; the mean is weighted.
 * `logp [N, C, …] · t [N, …] → [N, …]`, or one number.
 */
function likelihood(node: NodeContext, logp: Value): Value {
  const [n = 1, classes = 1, ...rest] = logp.shape;
  const target = node.input(1);
  if (logp.shape.length < 2 || target.shape.join() !== [n, ...rest].join()) {
    throw new FormatError(
      `${node.where}: scores ${formatShape(logp.shape)} and labels ${formatShape(target.shape)}; expected [N, C, …] and [N, …].`,
    );
  }
  node.charge(classes);
  const along = (value: Value) => reshape(value, [classes, ...rest.map(() => 1)]);
  const counted = node.builder.constant(
    Float32Array.from({ length: classes }, (_, i) => i),
    [classes],
  );
  const labels = reshape(target, [n, 1, ...rest]);
  const hit = s.equal(input(0), input(1));
  const own = (value: Value) =>
    reduceSum(elementwise([labels, along(counted), value], s.select(hit, input(2), 0)), {
      axes: [1],
    });
  const isCounted = node.hasAttribute("ignore_index")
    ? s.sub(1, s.equal(input(0), node.int("ignore_index", 0)))
    : undefined;
  const weights = node.has(2) ? own(along(node.input(2))) : undefined;
  const factors = isCounted === undefined ? [] : [elementwise([target], isCounted)];
  if (weights !== undefined) factors.push(weights);
  const factor = factors.reduce<Value | undefined>(
    (a, b) => (a === undefined ? b : elementwise([a, b], s.mul(input(0), input(1)))),
    undefined,
  );
  const losses =
    factor === undefined
      ? elementwise([own(logp)], s.neg(input(0)))
      : elementwise([own(logp), factor], s.neg(s.mul(input(0), input(1))));
  switch (node.choice("reduction", ["mean", "sum", "none"], "mean")) {
    case "none":
      return losses;
    case "sum":
      return reduceSum(losses);
    case "mean":
      return factor === undefined
        ? reduceMean(losses)
        : divide(reduceSum(losses), reduceSum(factor));
  }
}

/** Losses of class scores. */
export const losses: Importers = {
  NegativeLogLikelihoodLoss: (node) => likelihood(node, node.input(0)),
  SoftmaxCrossEntropyLoss(node) {
    const logp = logSoftmax(node.input(0), 1);
    return [likelihood(node, logp), logp];
  },
};
