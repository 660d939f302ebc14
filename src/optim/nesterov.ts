import { scalar as s } from "../graph/expression.ts";
import { formula } from "./formula.ts";
import { choice, fraction, resolveOptions } from "./hyperparameters.ts";
import { momentumBuffer, velocity } from "./momentum.ts";
import { basics, type Optimizer, type OptimizerOptions } from "./optimizer.ts";

/** Options of {@link nesterov}. */
export interface NesterovOptions extends OptimizerOptions {
  /** μ, 0 to below 1. Default 0.9; PyTorch and Keras have 0. */
  readonly momentum?: number;
  /** Default `torch`. */
  readonly form?: "paper" | "classical" | "torch" | "keras";
}

/**
 * Nesterov's accelerated gradient.
 *
 * - `paper`: the gradient is taken where the velocity would carry the parameter,
 *   `v ← μ·v + lr·∇J(x − μ·v)`, `x ← x − v`. It needs the net to be evaluated at that point (`gradientPoint`).
 * - `classical` and `keras`: the same with the point itself as the variable,
 *   `v ← μ·v + lr·g`, `x ← x − (μ·v + lr·g)`.
 * - `torch`: `b ← μ·b + g`, `x ← x − lr·(g + μ·b)`: `classical` while the rate is constant.
 *
 * `lr` 0.01, as Keras. Source: Nesterov 1983; `paper` as in Sutskever et al. 2013, equations 3 and 4; `classical`
 * as in Bengio et al. 2012, equation 7.
 */
export function nesterov(options: NesterovOptions = {}): Optimizer {
  const resolved = resolveOptions("nesterov", options, {
    ...basics(0.01),
    momentum: fraction(0.9),
    form: choice("torch", ["paper", "classical", "torch", "keras"] as const),
  });
  const { momentum, form } = resolved;
  const own = { name: "nesterov", options: resolved };
  if (form === "paper") {
    return {
      ...own,
      lookahead: ({ parameter, slot, momentum: scheduled }) =>
        formula({ x: parameter, v: slot("velocity"), mu: scheduled ?? momentum }, ({ x, v, mu }) =>
          s.sub(x, s.mul(mu, v)),
        ),
      update({ parameter, gradient, lr, slot, momentum: scheduled }) {
        const v = velocity(slot("velocity"), gradient, lr, scheduled ?? momentum);
        return {
          parameter: formula({ x: parameter, v }, ({ x, v }) => s.sub(x, v)),
          slots: { velocity: v },
        };
      },
    };
  }
  if (form === "torch") {
    return {
      ...own,
      update({ parameter, gradient, lr, slot, momentum: scheduled }) {
        const mu = scheduled ?? momentum;
        const b = momentumBuffer(slot("momentumBuffer"), gradient, mu, 0, undefined);
        return {
          parameter: formula({ x: parameter, g: gradient, lr, b, mu }, ({ x, g, lr, b, mu }) =>
            s.sub(x, s.mul(lr, s.add(g, s.mul(mu, b)))),
          ),
          slots: { momentumBuffer: b },
        };
      },
    };
  }
  return {
    ...own,
    update({ parameter, gradient, lr, slot, momentum: scheduled }) {
      const mu = scheduled ?? momentum;
      const v = velocity(slot("velocity"), gradient, lr, mu);
      return {
        parameter: formula({ x: parameter, g: gradient, lr, v, mu }, ({ x, g, lr, v, mu }) =>
          s.sub(x, s.add(s.mul(mu, v), s.mul(lr, g))),
        ),
        slots: { velocity: v },
      };
    },
  };
}
