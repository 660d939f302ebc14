import { type Expression, scalar as s } from "../graph/expression.ts";
import { formula } from "./formula.ts";
import { choice, flag, fraction, positive, resolveOptions } from "./hyperparameters.ts";
import { movingAverage, movingAverageOfSquares } from "./movingAverage.ts";
import { basics, type Optimizer, type OptimizerOptions } from "./optimizer.ts";

/** Options of {@link rmsprop}. */
export interface RmspropOptions extends OptimizerOptions {
  /** ρ, PyTorch's alpha, 0 to below 1. Default 0.99 for `torch`; 0.9 for `paper` and `keras`. */
  readonly rho?: number;
  /** ε. Default 1e-8, as PyTorch; 1e-7 for `keras`. */
  readonly eps?: number;
  /** μ, 0 to below 1. Default 0: no momentum. */
  readonly momentum?: number;
  /** Divide by the standard deviation of the gradient, not its root mean square (Graves 2013). Default false. */
  readonly centered?: boolean;
  /** Default `torch`. */
  readonly form?: "paper" | "torch" | "keras";
}

/**
 * RMSprop: steps scaled by the recent size of the gradient. `v ← ρ·v + (1 − ρ)·g²`; centred, also
 * `m ← ρ·m + (1 − ρ)·g` and `v′ = v − m²`, else `v′ = v`.
 *
 * - `torch`: `d = g/(√v′ + ε)`, with momentum `b ← μ·b + d`; `x ← x − lr·b`.
 * - `paper` and `keras`: `d = g/√(v′ + ε)`, with momentum `b ← μ·b + lr·d`; `x ← x − b`. The Inception and
 *   MobileNet recipes mean this one.
 *
 * `lr` 0.01, as PyTorch; 0.001 for `paper` and `keras`. Source: Hinton, Srivastava & Swersky 2012, lecture 6e.
 */
export function rmsprop(options: RmspropOptions = {}): Optimizer {
  const { form = "torch" } = options;
  const torch = form === "torch";
  const resolved = resolveOptions("rmsprop", options, {
    ...basics(torch ? 0.01 : 0.001),
    rho: fraction(torch ? 0.99 : 0.9),
    eps: positive(form === "keras" ? 1e-7 : 1e-8),
    momentum: fraction(0),
    centered: flag(false),
    form: choice("torch", ["paper", "torch", "keras"] as const),
  });
  const { rho, eps, momentum, centered } = resolved;
  return {
    name: "rmsprop",
    options: resolved,
    update({ parameter, gradient, lr, slot, momentum: scheduled }) {
      const squareAvg = movingAverageOfSquares(slot("squareAvg"), gradient, rho);
      const gradAvg = centered ? movingAverage(slot("gradAvg"), gradient, rho) : 0;
      const root = (squares: Expression, mean: Expression): Expression => {
        const spread = centered ? s.sub(squares, s.mul(mean, mean)) : squares;
        return torch ? s.add(s.sqrt(spread), eps) : s.sqrt(s.add(spread, eps));
      };
      const slots = { squareAvg, ...(typeof gradAvg === "number" ? {} : { gradAvg }) };
      const operands = { x: parameter, g: gradient, squareAvg, gradAvg, lr };
      if (momentum === 0 && scheduled === undefined) {
        const next = formula(operands, (o) =>
          s.sub(o.x, s.mul(o.lr, s.div(o.g, root(o.squareAvg, o.gradAvg)))),
        );
        return { parameter: next, slots };
      }
      const buffer = formula(
        { ...operands, b: slot("momentumBuffer"), mu: scheduled ?? momentum },
        (o) => {
          const step = s.div(o.g, root(o.squareAvg, o.gradAvg));
          return s.add(s.mul(o.mu, o.b), torch ? step : s.mul(o.lr, step));
        },
      );
      const next = formula({ x: parameter, buffer, lr }, ({ x, buffer, lr }) =>
        s.sub(x, torch ? s.mul(lr, buffer) : buffer),
      );
      return { parameter: next, slots: { ...slots, momentumBuffer: buffer } };
    },
  };
}
