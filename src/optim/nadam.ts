import { scalar as s } from "../graph/expression.ts";
import { correction } from "./adam.ts";
import { formula } from "./formula.ts";
import { fraction, nonNegative, positive, resolveOptions } from "./hyperparameters.ts";
import { movingAverage, movingAverageOfSquares } from "./movingAverage.ts";
import { basics, type Optimizer, type OptimizerOptions } from "./optimizer.ts";

/** Options of {@link nadam}. */
export interface NadamOptions extends OptimizerOptions {
  /** β₁, 0 to below 1. Default 0.9, as all. */
  readonly beta1?: number;
  /** β₂, 0 to below 1. Default 0.999, as all. */
  readonly beta2?: number;
  /** ε. Default 1e-8, as PyTorch; Keras has 1e-7. */
  readonly eps?: number;
  /** ψ: how fast the momentum warms up. Default 0.004, as the paper and PyTorch; Keras has 1. */
  readonly momentumDecay?: number;
}

/**
 * NAdam: Adam whose momentum looks ahead as Nesterov's. With `μₜ = β₁·(1 − 0.96^(t·ψ)/2)`, `pₜ = μ₁·…·μₜ`, m and v as
 * in Adam and `d = √(v/(1 − β₂ᵗ)) + ε`:
 * `x ← x − lr·((1 − μₜ)/(1 − pₜ)·g + μₜ₊₁/(1 − pₜ₊₁)·m)/d`.
 *
 * `1 − pₜ` and `0.96^(t·ψ)` are states. `lr` 0.002, as PyTorch; Keras has 0.001. Source: Dozat 2016.
 */
export function nadam(options: NadamOptions = {}): Optimizer {
  const resolved = resolveOptions("nadam", options, {
    ...basics(0.002),
    beta1: fraction(0.9),
    beta2: fraction(0.999),
    eps: positive(1e-8),
    momentumDecay: nonNegative(0.004),
  });
  const { beta1, beta2, eps, momentumDecay } = resolved;
  const factor = 0.96 ** momentumDecay;
  return {
    name: "nadam",
    options: resolved,
    shared(context) {
      const beta = context.momentum ?? beta1;
      const warmth = formula({ before: context.scalar("warmth", 1), factor }, (o) =>
        s.mul(o.before, o.factor),
      );
      const mu = formula({ warmth, beta }, (o) => s.mul(o.beta, s.sub(1, s.mul(0.5, o.warmth))));
      const nextMu = formula({ warmth, beta, factor }, (o) =>
        s.mul(o.beta, s.sub(1, s.mul(0.5, s.mul(o.factor, o.warmth)))),
      );
      // 1 − p: the moving average of 1 with the decay μ.
      const muCorrection = movingAverage(context.scalar("muCorrection"), 1, mu);
      const nextMuCorrection = movingAverage(muCorrection, 1, nextMu);
      const gradientShare = formula({ mu, muCorrection }, (o) =>
        s.div(s.sub(1, o.mu), o.muCorrection),
      );
      const momentShare = formula({ nextMu, nextMuCorrection }, (o) =>
        s.div(o.nextMu, o.nextMuCorrection),
      );
      const correction2 = correction(context, "correction2", beta2);
      return { warmth, muCorrection, gradientShare, momentShare, correction2 };
    },
    update({ parameter, gradient, lr, slot, shared, momentum }) {
      const expAvg = movingAverage(slot("expAvg"), gradient, momentum ?? beta1);
      const expAvgSq = movingAverageOfSquares(slot("expAvgSq"), gradient, beta2);
      const root2 = formula({ c2: shared.correction2! }, ({ c2 }) => s.sqrt(c2));
      const next = formula(
        {
          x: parameter,
          g: gradient,
          m: expAvg,
          v: expAvgSq,
          lr,
          a: shared.gradientShare!,
          b: shared.momentShare!,
          root2,
          eps,
        },
        ({ x, g, m, v, lr, a, b, root2, eps }) => {
          const direction = s.add(s.mul(a, g), s.mul(b, m));
          return s.sub(x, s.div(s.mul(lr, direction), s.add(s.div(s.sqrt(v), root2), eps)));
        },
      );
      return { parameter: next, slots: { expAvg, expAvgSq } };
    },
  };
}
