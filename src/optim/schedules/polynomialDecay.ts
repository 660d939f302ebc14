import { nonNegative, positive, resolveOptions } from "../hyperparameters.ts";
import type { Schedule } from "./schedule.ts";

/** Options of {@link polynomialDecay}. */
export interface PolynomialDecayOptions {
  /** Exponent. Default 1, a straight line, as PyTorch and Keras. */
  readonly power?: number;
  /** Rate at the end. Default 0; Keras has 0.0001. */
  readonly end?: number;
  /** Steps until the end; 0 for all there are, the default. PyTorch's default is 5. */
  readonly steps?: number;
}

/**
 * Falls along a power of what is left, and then stays: `end + (lr − end)·(1 − min(step, T)/T)^power`. PyTorch's
 * `PolynomialLR`; Caffe's `poly`.
 */
export function polynomialDecay(options: PolynomialDecayOptions = {}): Schedule {
  const resolved = resolveOptions("polynomialDecay", options, {
    power: positive(1),
    end: nonNegative(0),
    steps: nonNegative(0),
  });
  const { power, end } = resolved;
  return {
    name: "polynomial",
    options: resolved,
    rate({ step, total, lr }) {
      const steps = resolved.steps || total;
      return end + (lr - end) * (1 - Math.min(step, steps) / steps) ** power;
    },
  };
}
