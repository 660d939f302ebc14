import { count, nonNegative, resolveOptions } from "../hyperparameters.ts";
import type { Schedule } from "./schedule.ts";

/** Options of {@link cosineDecay}. */
export interface CosineDecayOptions {
  /** Rate at the bottom. Default 0, as PyTorch. */
  readonly minimum?: number;
  /** Steps T from top to bottom; 0 for all there are, the default. */
  readonly steps?: number;
}

/**
 * Half a cosine wave: `min + (lr − min)·(1 + cos(π·step/T))/2`. Beyond T the rate rises again along the same wave, as
 * PyTorch's `CosineAnnealingLR`. Source: Loshchilov & Hutter 2017, equation 5.
 */
export function cosineDecay(options: CosineDecayOptions = {}): Schedule {
  const resolved = resolveOptions("cosineDecay", options, {
    minimum: nonNegative(0),
    steps: nonNegative(0),
  });
  return {
    name: "cosine",
    options: resolved,
    rate: ({ step, total, lr }) =>
      cosine(lr, resolved.minimum, step / Math.max(1, resolved.steps || total)),
  };
}

/** Options of {@link cosineRestarts}. */
export interface CosineRestartsOptions {
  /** Steps T₀ of the first wave. Default 10; PyTorch has none. */
  readonly first?: number;
  /** How much longer each wave is than the one before, an integer. Default 1, as PyTorch. */
  readonly multiplier?: number;
  /** Rate at the bottom. Default 0, as PyTorch. */
  readonly minimum?: number;
}

/**
 * Cosine waves that jump back to the top, each `multiplier` times as long as the one before: PyTorch's
 * `CosineAnnealingWarmRestarts`. Source: Loshchilov & Hutter 2017 (SGDR).
 */
export function cosineRestarts(options: CosineRestartsOptions = {}): Schedule {
  const resolved = resolveOptions("cosineRestarts", options, {
    first: count(10),
    multiplier: count(1),
    minimum: nonNegative(0),
  });
  const { first, multiplier, minimum } = resolved;
  return {
    name: "cosineRestarts",
    options: resolved,
    rate({ step, lr }) {
      let start = 0;
      let length = first;
      while (step >= start + length) {
        start += length;
        length *= multiplier;
      }
      return cosine(lr, minimum, (step - start) / length);
    },
  };
}

/** From `top` at 0 to `bottom` at 1. */
function cosine(top: number, bottom: number, part: number): number {
  return bottom + ((top - bottom) * (1 + Math.cos(Math.PI * part))) / 2;
}
