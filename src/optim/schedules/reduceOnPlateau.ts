import { choice, count, nonNegative, positive, resolveOptions } from "../hyperparameters.ts";
import type { Schedule } from "./schedule.ts";

/** Options of {@link reduceOnPlateau}. */
export interface ReduceOnPlateauOptions {
  /** `min` if lower is better (a loss), `max` if higher is (an accuracy). Default `min`, as PyTorch. */
  readonly mode?: "min" | "max";
  /** Factor of each drop. Default 0.1, as PyTorch. */
  readonly factor?: number;
  /** Epochs without improvement that are let pass; the next one drops the rate. Default 10, as PyTorch. */
  readonly patience?: number;
  /** How much better counts as better. Default 1e-4, as PyTorch. */
  readonly threshold?: number;
  /** Whether the threshold is a share of the value or an amount. Default `relative`, as PyTorch. */
  readonly thresholdMode?: "relative" | "absolute";
  /**
   * What an epoch is compared with: the best so far (PyTorch), or the one before, so that the threshold is on the
   * change between epochs. Default `best`.
   */
  readonly against?: "best" | "previous";
  /** Epochs after a drop in which nothing is counted. Default 0, as PyTorch. */
  readonly cooldown?: number;
  /** The rate does not fall below. Default 0, as PyTorch. */
  readonly minimum?: number;
  /** A drop smaller than this is not made. Default 1e-8, as PyTorch. */
  readonly eps?: number;
}

/**
 * Drops the rate when a measurement has stopped improving: a pure function of the history, which it replays. The
 * numbers and their order are those of PyTorch's `ReduceLROnPlateau`; a measurement that is not a number is no
 * improvement.
 */
export function reduceOnPlateau(options: ReduceOnPlateauOptions = {}): Schedule {
  const resolved = resolveOptions("reduceOnPlateau", options, {
    mode: choice("min", ["min", "max"] as const),
    factor: positive(0.1),
    patience: count(10, 0),
    threshold: nonNegative(1e-4),
    thresholdMode: choice("relative", ["relative", "absolute"] as const),
    against: choice("best", ["best", "previous"] as const),
    cooldown: count(0, 0),
    minimum: nonNegative(0),
    eps: nonNegative(1e-8),
  });
  const { mode, factor, patience, threshold, thresholdMode, against, cooldown } = resolved;
  const isBetter = (value: number, mark: number): boolean => {
    const sign = mode === "min" ? -1 : 1;
    const needed =
      thresholdMode === "relative" ? mark * (1 + sign * threshold) : mark + sign * threshold;
    return mode === "min" ? value < needed : value > needed;
  };
  return {
    name: "reduceOnPlateau",
    options: resolved,
    rate({ lr, history }) {
      let rate = lr;
      let mark = mode === "min" ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
      let bad = 0;
      let resting = 0;
      for (const value of history) {
        const better = isBetter(value, mark);
        bad = better ? 0 : bad + 1;
        if (better || against === "previous") mark = value;
        if (resting > 0) {
          resting--;
          bad = 0;
        }
        if (bad > patience) {
          const next = Math.max(rate * factor, resolved.minimum);
          if (rate - next > resolved.eps) rate = next;
          resting = cooldown;
          bad = 0;
        }
      }
      return rate;
    },
  };
}
