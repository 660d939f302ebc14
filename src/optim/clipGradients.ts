import { OptionError } from "../core/errors.ts";
import type { Value } from "../graph/builder.ts";
import { input, scalar as s } from "../graph/expression.ts";
import { add, multiply } from "../graph/ops/binary.ts";
import { elementwise } from "../graph/ops/elementwise.ts";
import { reduceSum } from "../graph/ops/reduce.ts";

/** Bounds of gradients; where both are given, elements are clipped first. */
export interface ClipOptions {
  /** Every element is moved into −value … value. */
  readonly value?: number;
  /** All gradients together are scaled down so that their norm is at most this. */
  readonly norm?: number;
}

/** The Euclidean norm of all gradients taken as one vector: `√(Σ g²)`, `[]`. */
export function globalNorm(gradients: readonly Value[]): Value {
  const sums = gradients.map((g) => reduceSum(multiply(g, g)));
  return elementwise([sums.reduce((a, b) => add(a, b))], s.sqrt(input(0)), "gradientNorm");
}

/**
 * Clips gradients by value, by global norm, or both: `g ← min(max(g, −c), c)`, `g ← g·min(1, c/(‖g‖ + 1e-6))`.
 *
 * Source: Pascanu, Mikolov & Bengio 2013, section 3.2; the 1e-6 is that of PyTorch's `clip_grad_norm_`.
 *
 * @throws OptionError where a bound is not positive.
 */
export function clipGradients(gradients: readonly Value[], options: ClipOptions): Value[] {
  const { value, norm } = options;
  for (const [name, bound] of Object.entries({ value, norm })) {
    if (bound !== undefined && !(bound > 0)) {
      throw new OptionError(`clip: ${name} ${bound}: expected a positive number.`);
    }
  }
  let clipped = [...gradients];
  if (value !== undefined) {
    clipped = clipped.map((g) => elementwise([g], s.min(s.max(input(0), -value), value), "clip"));
  }
  if (norm === undefined || clipped.length === 0) return clipped;
  const total = globalNorm(clipped);
  const factor = elementwise([total], s.min(1, s.div(norm, s.add(input(0), 1e-6))), "clipFactor");
  return clipped.map((g) => multiply(g, factor));
}
