import {
  choice,
  flag,
  fraction,
  nonNegative,
  positive,
  resolveOptions,
  share,
} from "../hyperparameters.ts";
import type { Schedule, ScheduleContext } from "./schedule.ts";

/** Options of {@link oneCycle}. */
export interface OneCycleOptions {
  /** Share of the steps in which the rate rises. Default 0.3, as PyTorch. */
  readonly rise?: number;
  /** Default `cosine`, as PyTorch. */
  readonly shape?: "cosine" | "linear";
  /** The first rate is the base rate divided by this. Default 25, as PyTorch. */
  readonly divide?: number;
  /** The last rate is the first divided by this. Default 1e4, as PyTorch. */
  readonly finalDivide?: number;
  /** Fall to the first rate as slowly as it rose, then on to the last, as in the paper. Default false, as PyTorch. */
  readonly threePhase?: boolean;
  /** Move the momentum against the rate. Default true, as PyTorch. */
  readonly cycleMomentum?: boolean;
  /** Lowest momentum, at the highest rate. Default 0.85, as PyTorch. */
  readonly minimumMomentum?: number;
  /** Highest momentum, at the lowest rate. Default 0.95, as PyTorch. */
  readonly maximumMomentum?: number;
  /** Number of steps; 0 for all there are, the default. */
  readonly steps?: number;
}

interface Phase {
  /** Step at which it ends. */
  readonly end: number;
  readonly rates: readonly [number, number];
  readonly momenta: readonly [number, number];
}

/**
 * One cycle: up from a small rate to the base rate and down to almost nothing, with the momentum moving the other way.
 * The base rate is the highest. PyTorch's `OneCycleLR`, whose phases end one step early so that the last step has the
 * last rate. Source: Smith & Topin 2018.
 */
export function oneCycle(options: OneCycleOptions = {}): Schedule {
  const resolved = resolveOptions("oneCycle", options, {
    rise: share(0.3),
    shape: choice("cosine", ["cosine", "linear"] as const),
    divide: positive(25),
    finalDivide: positive(1e4),
    threePhase: flag(false),
    cycleMomentum: flag(true),
    minimumMomentum: fraction(0.85),
    maximumMomentum: fraction(0.95),
    steps: nonNegative(0),
  });
  const { rise, shape, divide, finalDivide, threePhase, cycleMomentum } = resolved;
  const [low, high] = [resolved.minimumMomentum, resolved.maximumMomentum];

  const phases = ({ lr, total }: ScheduleContext): readonly Phase[] => {
    const steps = resolved.steps || total;
    const first = lr / divide;
    const last = first / finalDivide;
    const up: Phase = { end: rise * steps - 1, rates: [first, lr], momenta: [high, low] };
    if (!threePhase) {
      return [up, { end: steps - 1, rates: [lr, last], momenta: [low, high] }];
    }
    return [
      up,
      { end: 2 * rise * steps - 2, rates: [lr, first], momenta: [low, high] },
      { end: steps - 1, rates: [first, last], momenta: [high, high] },
    ];
  };
  const along = (context: ScheduleContext, what: "rates" | "momenta"): number => {
    let start = 0;
    const all = phases(context);
    for (const phase of all) {
      if (context.step <= phase.end || phase === all.at(-1)) {
        const part = Math.min(
          1,
          (context.step - start) / Math.max(phase.end - start, Number.MIN_VALUE),
        );
        const [from, to] = phase[what];
        return shape === "linear"
          ? from + (to - from) * part
          : to + ((from - to) / 2) * (1 + Math.cos(Math.PI * part));
      }
      start = phase.end;
    }
    return context.lr;
  };
  return {
    name: "oneCycle",
    options: resolved,
    rate: (context) => along(context, "rates"),
    ...(cycleMomentum ? { momentum: (context: ScheduleContext) => along(context, "momenta") } : {}),
  };
}
