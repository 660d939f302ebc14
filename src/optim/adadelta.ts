import { scalar as s } from "../graph/expression.ts";
import { formula } from "./formula.ts";
import { choice, fraction, positive, resolveOptions } from "./hyperparameters.ts";
import { movingAverageOfSquares } from "./movingAverage.ts";
import { basics, type Optimizer, type OptimizerOptions } from "./optimizer.ts";

/** Options of {@link adadelta}. */
export interface AdadeltaOptions extends OptimizerOptions {
  /** ρ, 0 to below 1. Default 0.9 for `torch`; 0.95 for `paper` and `keras`. */
  readonly rho?: number;
  /** ε, which also starts things moving. Default 1e-6, as the paper and PyTorch; 1e-7 for `keras`. */
  readonly eps?: number;
  /** Default `torch`. */
  readonly form?: "paper" | "torch" | "keras";
}

/**
 * Adadelta: steps in the units of the parameter. `E ← ρ·E + (1 − ρ)·g²`, `d = g·√(D + ε)/√(E + ε)`,
 * `D ← ρ·D + (1 − ρ)·d²`, and then
 *
 * - `torch` and `keras`: `x ← x − lr·d`, `lr` 1 (PyTorch) or 0.001 (Keras);
 * - `paper`: `x ← x − d`: there is no learning rate, and a schedule has no effect.
 *
 * Source: Zeiler 2012, algorithm 1.
 */
export function adadelta(options: AdadeltaOptions = {}): Optimizer {
  const { form = "torch" } = options;
  const resolved = resolveOptions("adadelta", options, {
    ...basics(form === "keras" ? 0.001 : 1),
    rho: fraction(form === "torch" ? 0.9 : 0.95),
    eps: positive(form === "keras" ? 1e-7 : 1e-6),
    form: choice("torch", ["paper", "torch", "keras"] as const),
  });
  const { rho, eps } = resolved;
  return {
    name: "adadelta",
    options: resolved,
    update({ parameter, gradient, lr, slot }) {
      const squareAvg = movingAverageOfSquares(slot("squareAvg"), gradient, rho);
      const delta = formula(
        { g: gradient, squareAvg, accDelta: slot("accDelta"), eps },
        ({ g, squareAvg, accDelta, eps }) =>
          s.mul(g, s.div(s.sqrt(s.add(accDelta, eps)), s.sqrt(s.add(squareAvg, eps)))),
      );
      const accDelta = movingAverageOfSquares(slot("accDelta"), delta, rho);
      const next =
        form === "paper"
          ? formula({ x: parameter, delta }, ({ x, delta }) => s.sub(x, delta))
          : formula({ x: parameter, delta, lr }, ({ x, delta, lr }) => s.sub(x, s.mul(lr, delta)));
      return { parameter: next, slots: { squareAvg, accDelta } };
    },
  };
}
