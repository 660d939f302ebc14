import { nonNegative, resolveOptions } from "../hyperparameters.ts";
import type { Schedule } from "./schedule.ts";

/** Options of {@link inverseTimeDecay}. */
export interface InverseTimeDecayOptions {
  /** k. Default 0.1; nobody has one. */
  readonly decay?: number;
}

/** Falls as 1/t: `lr/(1 + k·step)`. Keras's `InverseTimeDecay`; Robbins & Monro 1951 for why. */
export function inverseTimeDecay(options: InverseTimeDecayOptions = {}): Schedule {
  const resolved = resolveOptions("inverseTimeDecay", options, { decay: nonNegative(0.1) });
  return {
    name: "inverseTime",
    options: resolved,
    rate: ({ step, lr }) => lr / (1 + resolved.decay * step),
  };
}
