import { OptionError } from "../../core/errors.ts";
import { count, positive, resolveOptions } from "../hyperparameters.ts";
import type { Schedule } from "./schedule.ts";

/** Options of {@link stepDecay}. */
export interface StepDecayOptions {
  /** Steps between two drops. Default 30, as ResNet's recipe in epochs. */
  readonly every?: number;
  /** γ: factor of each drop. Default 0.1, as PyTorch. */
  readonly gamma?: number;
}

/** Drops at regular intervals: `lr·γ^⌊step/every⌋`. PyTorch's `StepLR`. */
export function stepDecay(options: StepDecayOptions = {}): Schedule {
  const resolved = resolveOptions("stepDecay", options, { every: count(30), gamma: positive(0.1) });
  const { every, gamma } = resolved;
  return {
    name: "step",
    options: resolved,
    rate: ({ step, lr }) => lr * gamma ** Math.floor(step / every),
  };
}

/** Options of {@link multiStepDecay}. */
export interface MultiStepDecayOptions {
  /** Steps at which the rate drops, ascending. */
  readonly milestones: readonly number[];
  /** γ: factor of each drop. Default 0.1, as PyTorch. */
  readonly gamma?: number;
}

/** Drops at given steps: `lr·γ^(milestones up to step)`. PyTorch's `MultiStepLR`. */
export function multiStepDecay(options: MultiStepDecayOptions): Schedule {
  const { milestones, ...rest } = options;
  const { gamma } = resolveOptions("multiStepDecay", rest, { gamma: positive(0.1) });
  if (!milestones.every((m, i) => m >= 0 && (i === 0 || m >= milestones[i - 1]!))) {
    throw new OptionError(
      `multiStepDecay: milestones [${milestones.join(", ")}]: expected ascending steps of at least 0.`,
    );
  }
  return {
    name: "multiStep",
    options: { milestones, gamma },
    rate: ({ step, lr }) => lr * gamma ** milestones.filter((m) => m <= step).length,
  };
}
