import { OptionError } from "../core/errors.ts";
import type { Value } from "../graph/builder.ts";
import { type Expression, input, scalar as s } from "../graph/expression.ts";
import { multiply } from "../graph/ops/binary.ts";
import { elementwise } from "../graph/ops/elementwise.ts";
import { reduceMax, reduceSum } from "../graph/ops/reduce.ts";
import { reshape } from "../graph/ops/reshape.ts";
import { classTarget, scoreOfTarget } from "./classTarget.ts";
import { type LossOptions, reduceLoss } from "./reduction.ts";

/**
 * Which hinge: `westonWatkins` adds up over all wrong classes (Weston & Watkins 1999; the usual "SVM
 * loss" of lectures); `torch` is that divided by the number of classes; `crammerSinger` takes the worst wrong
 * class alone (Crammer & Singer 2001).
 */
export type HingeForm = "westonWatkins" | "torch" | "crammerSinger";

/** Options of {@link multiclassHinge}. */
export interface MulticlassHingeOptions extends LossOptions {
  /** Default `westonWatkins`. */
  readonly form?: HingeForm;
  /** Δ, by how much the right score should lead. Default 1. */
  readonly margin?: number;
  /** 1, or 2 for the squared hinge. Default 1. */
  readonly power?: 1 | 2;
  /** The target of examples that do not count. Default −100. */
  readonly ignoreIndex?: number;
}

/**
 * The support vector machine's loss for K classes. With `h_j = max(0, Δ + s_j − s_t)^p` for `j ≠ t`:
 * `Σ_j h_j` (Weston–Watkins), `Σ_j h_j / K` (PyTorch's `multi_margin_loss`), `max_j h_j` (Crammer–Singer).
 *
 * `scores [N, K, …] · target int32 [N, …] → []`, or `[N, …]` without reduction. Where several wrong classes tie
 * for the worst, Crammer–Singer shares the gradient among them.
 *
 * @example
 * const loss = multiclassHinge(scores, target, { form: "crammerSinger" });
 */
export function multiclassHinge(
  scores: Value,
  target: Value,
  options: MulticlassHingeOptions = {},
): Value {
  const where = "multiclassHinge";
  const { form = "westonWatkins", margin = 1, power = 1, reduction = "mean" } = options;
  if (!(margin > 0) || !Number.isFinite(margin)) {
    throw new OptionError(`${where}: margin ${margin}: expected a positive number.`);
  }
  if (power !== 1 && power !== 2) {
    throw new OptionError(`${where}: power ${power}: expected 1 or 2.`);
  }
  if (!["westonWatkins", "torch", "crammerSinger"].includes(form)) {
    throw new OptionError(
      `${where}: form "${form}"; expected westonWatkins, torch or crammerSinger.`,
    );
  }
  const prepared = classTarget(scores, target, where, options.ignoreIndex);
  const { hot, counts, classes } = prepared;
  const [n, , ...rest] = scores.shape;
  const own = reshape(scoreOfTarget(scores, prepared), [n!, 1, ...rest]);
  const excess = s.max(s.add(margin, s.sub(input(0), input(1))), 0);
  const raised: Expression = power === 1 ? excess : s.mul(excess, excess);
  const hinges = elementwise([scores, own, hot], s.mul(raised, s.sub(1, input(2))), "hinge");
  const collected =
    form === "crammerSinger" ? reduceMax(hinges, { axes: [1] }) : reduceSum(hinges, { axes: [1] });
  const scale = form === "torch" ? 1 / classes : 1;
  const losses = multiply(collected, scale === 1 ? counts : multiply(counts, scale));
  return reduceLoss(losses, reduction, where, counts);
}
