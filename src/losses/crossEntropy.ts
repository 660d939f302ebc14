import { OptionError, ShapeError } from "../core/errors.ts";
import { formatShape, sameShape } from "../core/shape.ts";
import type { Value } from "../graph/builder.ts";
import { input, scalar as s } from "../graph/expression.ts";
import { add, multiply } from "../graph/ops/binary.ts";
import { elementwise } from "../graph/ops/elementwise.ts";
import { reduceSum } from "../graph/ops/reduce.ts";
import { logSoftmax } from "../graph/ops/softmax.ts";
import { classTarget, scoreOfTarget } from "./classTarget.ts";
import { type ClassWeights, weightsAlongClasses } from "./classWeights.ts";
import { type LossOptions, reduceLoss } from "./reduction.ts";

/** Options of {@link nll}. */
export interface NllOptions extends LossOptions {
  /** A factor for each class, `[K]`. Default: 1 for all. */
  readonly classWeights?: ClassWeights;
  /** The target of examples that do not count. Default −100, as PyTorch. */
  readonly ignoreIndex?: number;
}

/** Options of {@link crossEntropy}. */
export interface CrossEntropyOptions extends NllOptions {
  /** The share s of the target that is spread over all classes, 0 to 1. Default 0. */
  readonly labelSmoothing?: number;
}

/**
 * Negative log-likelihood of integer targets: `−w[t] · logp[t]`.
 *
 * `logProbabilities [N, K, …] · target int32 [N, …] → []`, or `[N, …]` without reduction. The mean is weighted:
 * `Σ −w[t]·logp[t] / Σ w[t]` over the examples that are not ignored; NaN where all are. A target that is
 * neither a class nor `ignoreIndex` makes the loss NaN.
 *
 * Source: the semantics of PyTorch's `nll_loss`.
 */
export function nll(logProbabilities: Value, target: Value, options: NllOptions = {}): Value {
  return smoothedLikelihood(logProbabilities, target, 0, options, "nll");
}

/**
 * Cross-entropy of the softmax of `logits` along axis 1 with the target distribution.
 *
 * With `logp = logSoftmax(logits)`, K classes, smoothing s and class weights w:
 * integer targets t: `(1 − s)·w[t]·(−logp[t]) + s/K · Σ_k w[k]·(−logp[k])`, averaged as
 * {@link nll} does;
 * probabilities q: `−Σ_k w[k]·((1 − s)·q[k] + s/K)·logp[k]`, averaged over the examples.
 * Its derivative with respect to a logit, plain, is `softmax(logits) − q`.
 *
 * `logits [N, K, …]`; `target` int32 `[N, …]`, or float32 of the logits' shape for probabilities.
 *
 * Source: Bridle 1990; label smoothing: Szegedy et al. 2016, section 7; semantics of PyTorch's `cross_entropy`.
 *
 * @throws OptionError where `ignoreIndex` is given with probabilities, as PyTorch.
 * @example
 * const loss = crossEntropy(logits, target, { labelSmoothing: 0.1 });
 */
export function crossEntropy(
  logits: Value,
  target: Value,
  options: CrossEntropyOptions = {},
): Value {
  const where = "crossEntropy";
  const { labelSmoothing = 0, classWeights, ignoreIndex, reduction = "mean" } = options;
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    throw new OptionError(`${where}: labelSmoothing ${labelSmoothing}: expected 0 to 1.`);
  }
  if (logits.shape.length < 2) {
    throw new ShapeError(`${where}: logits ${formatShape(logits.shape)}; expected [N, K, …].`);
  }
  const logp = logSoftmax(logits, 1);
  if (target.dtype === "int32") {
    return smoothedLikelihood(logp, target, labelSmoothing, options, where);
  }
  if (!sameShape(target.shape, logits.shape)) {
    throw new ShapeError(
      `${where}: target probabilities ${formatShape(target.shape)} must have the shape of the logits, ${formatShape(logits.shape)}.`,
    );
  }
  if (ignoreIndex !== undefined) {
    throw new OptionError(
      `${where}: ignoreIndex ${ignoreIndex} is for integer targets; give an example a row of zeros to leave it out.`,
    );
  }
  const classes = logits.shape[1]!;
  const spread =
    labelSmoothing === 0
      ? target
      : elementwise([target], s.add(s.mul(1 - labelSmoothing, input(0)), labelSmoothing / classes));
  const weighted =
    classWeights === undefined
      ? spread
      : multiply(spread, weightsAlongClasses(classWeights, logits, where));
  const losses = reduceSum(elementwise([weighted, logp], s.neg(s.mul(input(0), input(1)))), {
    axes: [1],
  });
  return reduceLoss(losses, reduction, where);
}

function smoothedLikelihood(
  logp: Value,
  target: Value,
  smoothing: number,
  options: NllOptions,
  where: string,
): Value {
  const { classWeights, ignoreIndex, reduction = "mean" } = options;
  const prepared = classTarget(logp, target, where, ignoreIndex);
  const { hot, counts, classes } = prepared;
  const weights =
    classWeights === undefined ? undefined : weightsAlongClasses(classWeights, logp, where);
  const counted =
    weights === undefined
      ? counts
      : multiply(counts, reduceSum(multiply(hot, weights), { axes: [1] }));
  const own = elementwise(
    [scoreOfTarget(logp, prepared), counted],
    s.mul(-(1 - smoothing), s.mul(input(0), input(1))),
  );
  if (smoothing === 0) return reduceLoss(own, reduction, where, counted);
  const all = reduceSum(weights === undefined ? logp : multiply(logp, weights), { axes: [1] });
  const others = elementwise([all, counts], s.mul(-smoothing / classes, s.mul(input(0), input(1))));
  return reduceLoss(add(own, others), reduction, where, counted);
}
