import { scalar as s } from "../graph/expression.ts";
import { correction } from "./adam.ts";
import { formula } from "./formula.ts";
import { choice, fraction, positive, resolveOptions } from "./hyperparameters.ts";
import { movingAverage } from "./movingAverage.ts";
import { basics, type Optimizer, type OptimizerOptions } from "./optimizer.ts";

/** Options of {@link adamax}. */
export interface AdamaxOptions extends OptimizerOptions {
  /** β₁, 0 to below 1. Default 0.9, as all. */
  readonly beta1?: number;
  /** β₂, 0 to below 1. Default 0.999, as all. */
  readonly beta2?: number;
  /** ε. Default 1e-8, as PyTorch; 1e-7 for `keras`. */
  readonly eps?: number;
  /** Default `torch`. */
  readonly form?: "torch" | "keras";
}

/**
 * AdaMax: Adam with the infinity norm. `m ← β₁·m + (1 − β₁)·g`, then
 *
 * - `torch`: `u ← max(β₂·u, |g| + ε)`, `x ← x − lr/(1 − β₁ᵗ)·m/u`;
 * - `keras`: `u ← max(β₂·u, |g|)`, `x ← x − lr/(1 − β₁ᵗ)·m/(u + ε)`.
 *
 * The paper has no ε, and divides 0 by 0 where a gradient was never anything else. `lr` 0.002, as the paper and PyTorch;
 * 0.001 for `keras`. Source: Kingma & Ba 2015, algorithm 2.
 */
export function adamax(options: AdamaxOptions = {}): Optimizer {
  const { form = "torch" } = options;
  const keras = form === "keras";
  const resolved = resolveOptions("adamax", options, {
    ...basics(keras ? 0.001 : 0.002),
    beta1: fraction(0.9),
    beta2: fraction(0.999),
    eps: positive(keras ? 1e-7 : 1e-8),
    form: choice("torch", ["torch", "keras"] as const),
  });
  const { beta1, beta2, eps } = resolved;
  return {
    name: "adamax",
    options: resolved,
    shared: (context) => ({
      correction1: correction(context, "correction1", context.momentum ?? beta1),
    }),
    update({ parameter, gradient, lr, slot, shared, momentum }) {
      const expAvg = movingAverage(slot("expAvg"), gradient, momentum ?? beta1);
      const expInf = formula({ u: slot("expInf"), g: gradient, beta2, eps }, (o) =>
        s.max(s.mul(o.beta2, o.u), keras ? s.abs(o.g) : s.add(s.abs(o.g), o.eps)),
      );
      const rate = formula({ lr, c1: shared.correction1! }, ({ lr, c1 }) => s.div(lr, c1));
      const next = formula({ x: parameter, m: expAvg, u: expInf, rate, eps }, (o) =>
        s.sub(o.x, s.mul(o.rate, s.div(o.m, keras ? s.add(o.u, o.eps) : o.u))),
      );
      return { parameter: next, slots: { expAvg, expInf } };
    },
  };
}
