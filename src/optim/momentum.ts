import type { Value } from "../graph/builder.ts";
import { scalar as s } from "../graph/expression.ts";
import { formula, type Quantity } from "./formula.ts";
import { choice, fraction, resolveOptions, share } from "./hyperparameters.ts";
import { basics, type Optimizer, type OptimizerOptions, type SharedContext } from "./optimizer.ts";

/** Options of {@link momentum}. */
export interface MomentumOptions extends OptimizerOptions {
  /** μ: what is left of the velocity after a step, 0 to below 1. Default 0.9; PyTorch and Keras have 0. */
  readonly momentum?: number;
  /** τ, form `torch` only: the share of each gradient after the first that is left out. Default 0, as PyTorch. */
  readonly dampening?: number;
  /** Default `torch`. */
  readonly form?: "paper" | "torch" | "keras";
}

/**
 * Momentum, the heavy ball.
 *
 * - `torch`: `b ← μ·b + (1 − τ)·g`, at the first step `b = g`; `x ← x − lr·b`.
 * - `paper` and `keras`: `v ← μ·v + lr·g`, `x ← x − v`.
 *
 * With a constant rate and τ = 0 both give the same points (v = lr·b); after the rate drops, `torch` slows down
 * at once, `paper` carries the old velocity on. AlexNet's rule, `v ← 0.9·v − 0.0005·lr·x − lr·g`, `x ← x + v`
 * (Krizhevsky et al. 2012, section 5), is `paper` with `weightDecay` 0.0005, its v with the other sign. `lr` 0.01, as Keras.
 *
 * Source: Polyak 1964; Rumelhart, Hinton & Williams 1986.
 */
export function momentum(options: MomentumOptions = {}): Optimizer {
  const resolved = resolveOptions("momentum", options, {
    ...basics(0.01),
    momentum: fraction(0.9),
    dampening: share(0),
    form: choice("torch", ["paper", "torch", "keras"] as const),
  });
  const { momentum, dampening, form } = resolved;
  if (form !== "torch") {
    return {
      name: "momentum",
      options: resolved,
      update({ parameter, gradient, lr, slot, momentum: scheduled }) {
        const v = velocity(slot("velocity"), gradient, lr, scheduled ?? momentum);
        return {
          parameter: formula({ x: parameter, v }, ({ x, v }) => s.sub(x, v)),
          slots: { velocity: v },
        };
      },
    };
  }
  return {
    name: "momentum",
    options: resolved,
    ...(dampening === 0 ? {} : { shared: startFlag }),
    update({ parameter, gradient, lr, slot, shared, momentum: scheduled }) {
      const b = momentumBuffer(
        slot("momentumBuffer"),
        gradient,
        scheduled ?? momentum,
        dampening,
        shared.wasStarted,
      );
      return {
        parameter: formula({ x: parameter, lr, b }, ({ x, lr, b }) => s.sub(x, s.mul(lr, b))),
        slots: { momentumBuffer: b },
      };
    },
  };
}

/** `μ·v + lr·g`. */
export function velocity(v: Value, g: Value, lr: Value, mu: Quantity): Value {
  return formula({ v, g, lr, mu }, ({ v, g, lr, mu }) => s.add(s.mul(mu, v), s.mul(lr, g)));
}

/** PyTorch's buffer: `μ·b + (1 − τ)·g`, and `g` itself at the first step, when `wasStarted` is 0 and b is 0. */
export function momentumBuffer(
  b: Value,
  g: Value,
  mu: Quantity,
  dampening: number,
  wasStarted: Value | undefined,
): Value {
  if (wasStarted === undefined) {
    return formula({ b, g, mu }, ({ b, g, mu }) => s.add(s.mul(mu, b), g));
  }
  return formula({ b, g, mu, wasStarted, dampening }, (x) =>
    s.add(s.mul(x.mu, x.b), s.mul(s.sub(1, s.mul(x.dampening, x.wasStarted)), x.g)),
  );
}

/** `wasStarted` is 0 in the first step and 1 ever after. */
export function startFlag({ scalar, lr }: SharedContext): Readonly<Record<string, Value>> {
  return { wasStarted: scalar("started"), started: lr.builder.constant(1) };
}
