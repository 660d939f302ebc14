import { ShapeError } from "../core/errors.ts";
import { formatShape, sameShape } from "../core/shape.ts";
import type { Value } from "../graph/builder.ts";
import { input, scalar as s } from "../graph/expression.ts";
import { elementwise } from "../graph/ops/elementwise.ts";
import { type LossOptions, reduceLoss } from "./reduction.ts";

/** Options of {@link bceWithLogits}. */
export interface BceWithLogitsOptions extends LossOptions {
  /** A factor p for the positive part, broadcast to the input: above 1 favours recall. Default: 1. */
  readonly positiveWeights?: Value;
}

/**
 * Cross-entropy of independent yes-or-no answers, from their logits:
 * `−p·t·ln σ(x) − (1 − t)·ln(1 − σ(x))`, slope `σ(x) − t` for p = 1.
 *
 * Computed as `(1 − t)·x + (1 + (p − 1)·t)·(max(−x, 0) + ln(1 + e^(−|x|)))`, which does not overflow.
 * `x`, `target` of one shape, targets from 0 to 1. Source: the semantics of PyTorch's
 * `binary_cross_entropy_with_logits`.
 */
export function bceWithLogits(x: Value, target: Value, options: BceWithLogitsOptions = {}): Value {
  const where = "bceWithLogits";
  if (!sameShape(x.shape, target.shape)) {
    throw new ShapeError(
      `${where}: logits ${formatShape(x.shape)} and targets ${formatShape(target.shape)} must have one shape.`,
    );
  }
  const { positiveWeights, reduction = "mean" } = options;
  const [logit, t] = [input(0), input(1)];
  const softplus = s.add(s.max(s.neg(logit), 0), s.log(s.add(1, s.exp(s.neg(s.abs(logit))))));
  const losses =
    positiveWeights === undefined
      ? elementwise([x, target], s.add(s.mul(s.sub(1, t), logit), softplus), where)
      : elementwise(
          [x, target, positiveWeights],
          s.add(s.mul(s.sub(1, t), logit), s.mul(s.add(1, s.mul(s.sub(input(2), 1), t)), softplus)),
          where,
        );
  return reduceLoss(losses, reduction, where);
}
