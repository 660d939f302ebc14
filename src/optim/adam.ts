import type { Value } from "../graph/builder.ts";
import { scalar as s } from "../graph/expression.ts";
import { formula, type Quantity } from "./formula.ts";
import {
  choice,
  flag,
  fraction,
  nonNegative,
  positive,
  resolveOptions,
} from "./hyperparameters.ts";
import { movingAverage, movingAverageOfSquares } from "./movingAverage.ts";
import { basics, type Optimizer, type OptimizerOptions, type SharedContext } from "./optimizer.ts";

/** Options of {@link adam} and {@link adamw}. */
export interface AdamOptions extends OptimizerOptions {
  /** β₁, 0 to below 1. Default 0.9, as all. */
  readonly beta1?: number;
  /** β₂, 0 to below 1. Default 0.999, as all. */
  readonly beta2?: number;
  /** ε. Default 1e-8, as the paper and PyTorch; 1e-7 for `keras`. */
  readonly eps?: number;
  /** Divide by the largest second moment so far (Reddi, Kale & Kumar 2018). Default false. */
  readonly amsgrad?: boolean;
  /** Default `torch`. */
  readonly form?: "paper" | "torch" | "keras";
}

/**
 * Adam: momentum, scaled by the recent size of the gradient, both corrected for having started at 0.
 * `m ← β₁·m + (1 − β₁)·g`, `v ← β₂·v + (1 − β₂)·g²`; with AMSGrad v′ is the largest v so far, else v. With the corrections
 * `c₁ = 1 − β₁ᵗ`, `c₂ = 1 − β₂ᵗ`:
 *
 * - `torch` and `paper` (algorithm 1): `x ← x − lr·(m/c₁)/(√(v′/c₂) + ε)`;
 * - `keras` (the end of the paper's section 2): `x ← x − lr·(√c₂/c₁)·m/(√v′ + ε)`.
 *
 * c is a state, `c ← β·c + (1 − β)` from 0: the recurrence of the moments themselves, so that rounding of β cancels,
 * and nothing but states has to be kept. `lr` 0.001, as all. Source: Kingma & Ba 2015.
 *
 * @example
 * const optimizer = adam({ lr: 3e-4, beta2: 0.99 });
 */
export function adam(options: AdamOptions = {}): Optimizer {
  return build("adam", options, 0, false);
}

/**
 * Adam with decoupled weight decay: `x ← x − lr·λ·x`, then {@link adam} with a gradient that λ has no part in.
 *
 * `weightDecay` 0.01, as PyTorch; Keras has 0.004. As there, λ is multiplied by the scheduled rate; the paper multiplies
 * it by the schedule alone. Source: Loshchilov & Hutter 2019, algorithm 2.
 */
export function adamw(options: AdamOptions = {}): Optimizer {
  return build("adamw", options, 0.01, true);
}

function build(
  name: string,
  options: AdamOptions,
  weightDecay: number,
  decoupled: boolean,
): Optimizer {
  const resolved = resolveOptions(name, options, {
    ...basics(0.001),
    weightDecay: nonNegative(weightDecay),
    decoupledWeightDecay: flag(decoupled),
    beta1: fraction(0.9),
    beta2: fraction(0.999),
    eps: positive(options.form === "keras" ? 1e-7 : 1e-8),
    amsgrad: flag(false),
    form: choice("torch", ["paper", "torch", "keras"] as const),
  });
  const { beta1, beta2, eps, amsgrad, form } = resolved;
  return {
    name,
    options: resolved,
    shared: (context) => ({
      correction1: correction(context, "correction1", context.momentum ?? beta1),
      correction2: correction(context, "correction2", beta2),
    }),
    update({ parameter, gradient, lr, slot, shared, momentum }) {
      const expAvg = movingAverage(slot("expAvg"), gradient, momentum ?? beta1);
      const expAvgSq = movingAverageOfSquares(slot("expAvgSq"), gradient, beta2);
      const largest = amsgrad
        ? formula({ before: slot("maxExpAvgSq"), expAvgSq }, (o) => s.max(o.before, o.expAvgSq))
        : undefined;
      const { correction1, correction2 } = shared as Record<string, Value>;
      const rate = formula({ lr, c1: correction1! }, ({ lr, c1 }) => s.div(lr, c1));
      const root2 = formula({ c2: correction2! }, ({ c2 }) => s.sqrt(c2));
      const next = formula(
        { x: parameter, m: expAvg, v: largest ?? expAvgSq, rate, root2, eps },
        ({ x, m, v, rate, root2, eps }) =>
          form === "keras"
            ? s.sub(x, s.div(s.mul(s.mul(rate, root2), m), s.add(s.sqrt(v), eps)))
            : s.sub(x, s.div(s.mul(rate, m), s.add(s.div(s.sqrt(v), root2), eps))),
      );
      return {
        parameter: next,
        slots: { expAvg, expAvgSq, ...(largest === undefined ? {} : { maxExpAvgSq: largest }) },
      };
    },
  };
}

/** `1 − βᵗ` as a state: `c ← β·c + (1 − β)` from 0. */
export function correction({ scalar }: SharedContext, name: string, beta: Quantity): Value {
  return movingAverage(scalar(name), 1, beta);
}
