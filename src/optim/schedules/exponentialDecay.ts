import { positive, resolveOptions } from "../hyperparameters.ts";
import type { Schedule } from "./schedule.ts";

/** Options of {@link exponentialDecay}. */
export interface ExponentialDecayOptions {
  /** γ: factor of each step. Default 0.95; PyTorch has none. */
  readonly gamma?: number;
}

/** Falls by the same factor at each step: `lr·γ^step`. PyTorch's `ExponentialLR`. */
export function exponentialDecay(options: ExponentialDecayOptions = {}): Schedule {
  const resolved = resolveOptions("exponentialDecay", options, { gamma: positive(0.95) });
  return {
    name: "exponential",
    options: resolved,
    rate: ({ step, lr }) => lr * resolved.gamma ** step,
  };
}
