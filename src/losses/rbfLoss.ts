import { OptionError } from "../core/errors.ts";
import type { Value } from "../graph/builder.ts";
import { input, scalar as s } from "../graph/expression.ts";
import { multiply } from "../graph/ops/binary.ts";
import { elementwise } from "../graph/ops/elementwise.ts";
import { reduceSum } from "../graph/ops/reduce.ts";
import { classTarget, scoreOfTarget } from "./classTarget.ts";
import { type LossOptions, reduceLoss } from "./reduction.ts";

/** Options of {@link rbfLoss}. */
export interface RbfLossOptions extends LossOptions {
  /**
   * `discriminative` is equation 9, maximum a posteriori, which also pushes wrong classes away;
   * `penalty` is equation 8, the penalty of the right class alone, for fixed code vectors only: with
   * trainable ones it has the trivial minimum that all are equal. Default `discriminative`.
   */
  readonly form?: "penalty" | "discriminative";
  /**
   * The penalty j of a further, "rubbish" class, positive: wrong classes whose penalty is far above it are not
   * pushed further. The paper prints no number; 0.1 is ours.
   */
  readonly rubbishPenalty?: number;
}

/**
 * The loss of LeNet-5's output layer, whose units give penalties `y_i = Σ_j (x_j − w_ij)²`, small for the right
 * class: `y_t` (equation 8), or `y_t + ln(e^(−j) + Σ_i e^(−y_i))` (equation 9).
 *
 * `penalties [N, K, …]`, 0 or more · `target int32 [N, …] → []`. The prediction is the smallest penalty, so feed
 * the negative to whatever expects scores. Source: LeCun et al. 1998, section II.C.
 */
export function rbfLoss(penalties: Value, target: Value, options: RbfLossOptions = {}): Value {
  const where = "rbfLoss";
  const { form = "discriminative", rubbishPenalty = 0.1, reduction = "mean" } = options;
  if (!(rubbishPenalty > 0) || !Number.isFinite(rubbishPenalty)) {
    throw new OptionError(
      `${where}: rubbishPenalty ${rubbishPenalty}: expected a positive number.`,
    );
  }
  if (form !== "penalty" && form !== "discriminative") {
    throw new OptionError(`${where}: form "${form}"; expected penalty or discriminative.`);
  }
  const prepared = classTarget(penalties, target, where);
  const { counts } = prepared;
  const own = scoreOfTarget(penalties, prepared);
  if (form === "penalty") return reduceLoss(multiply(own, counts), reduction, where, counts);
  const sum = reduceSum(elementwise([penalties], s.exp(s.neg(input(0)))), { axes: [1] });
  const losses = elementwise(
    [own, sum, counts],
    s.mul(input(2), s.add(input(0), s.log(s.add(Math.exp(-rubbishPenalty), input(1))))),
    where,
  );
  return reduceLoss(losses, reduction, where, counts);
}
