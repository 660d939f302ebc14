import { OptionError } from "../../core/errors.ts";
import { flag, nonNegative, resolveOptions } from "../hyperparameters.ts";
import type { Schedule, ScheduleContext } from "./schedule.ts";

/** Options of {@link warmup}. */
export interface WarmupOptions {
  /** Steps w of the warm-up. Default 5, as Goyal et al. 2017 in epochs. */
  readonly steps?: number;
  /**
   * Share f of the rate at step 0, above 0: `f + (1 − f)·step/w`, PyTorch's `LinearLR`. 0, the default, stands for the form of
   * Goyal et al., `(step + 1)/w`, in which the last step of the warm-up has the full rate already.
   */
  readonly startFactor?: number;
  /**
   * Whether the schedule behind begins when the warm-up is over (true, the default) or counts from the very first
   * step, as milestones that are given in epochs of the whole training.
   */
  readonly restart?: boolean;
}

/**
 * A linear warm-up in front of any schedule.
 *
 * @example
 * const schedule = warmup(cosineDecay(), { steps: 5 });
 */
export function warmup(schedule: Schedule, options: WarmupOptions = {}): Schedule {
  const resolved = resolveOptions("warmup", options, {
    steps: nonNegative(5),
    startFactor: nonNegative(0),
    restart: flag(true),
  });
  const { steps, startFactor, restart } = resolved;
  if (startFactor > 1) {
    throw new OptionError(`warmup: startFactor ${startFactor}: expected at most 1.`);
  }
  const behind = (context: ScheduleContext): ScheduleContext =>
    restart
      ? {
          ...context,
          step: Math.max(0, context.step - steps),
          total: Math.max(1, context.total - steps),
        }
      : context;
  return {
    name: "warmup",
    options: { ...resolved, schedule: { name: schedule.name, ...schedule.options } },
    rate(context) {
      const { step, lr } = context;
      if (step >= steps) return schedule.rate(behind(context));
      const factor =
        startFactor === 0
          ? Math.min(1, (step + 1) / steps)
          : startFactor + ((1 - startFactor) * step) / steps;
      return lr * factor;
    },
    ...(schedule.momentum === undefined
      ? {}
      : { momentum: (context: ScheduleContext) => schedule.momentum!(behind(context)) }),
  };
}
