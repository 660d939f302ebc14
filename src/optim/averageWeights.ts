import { OptionError } from "../core/errors.ts";
import type { GraphBuilder, Value } from "../graph/builder.ts";
import { scalar as s } from "../graph/expression.ts";
import { formula } from "./formula.ts";

/** Options of {@link averageWeights}. */
export interface AverageOptions {
  /** What is left of the average after a step, 0 to below 1. Default 0.999. */
  readonly decay?: number;
  /**
   * Whether the decay rises to its value, `min(decay, t/(t + 9))` after t steps, so that a short training is not
   * averaged with its beginning. Default true, as TensorFlow's `num_updates`.
   */
  readonly ramp?: boolean;
}

/** Name of the state that holds the average of a parameter. */
export function averageName(parameter: string): string {
  return `average.${parameter}`;
}

/**
 * Keeps an exponential moving average of each value in a state `average.<name>`: `a ← d·a + (1 − d)·x`. The first
 * step copies. Give it the parameters after the step, and what else the net needs to be evaluated (running means).
 *
 * Source: Polyak & Juditsky 1992 for averaging; the ramp as in TensorFlow's `ExponentialMovingAverage`.
 */
export function averageWeights(
  builder: GraphBuilder,
  values: readonly { readonly name: string; readonly value: Value }[],
  options: AverageOptions = {},
): void {
  const { decay = 0.999, ramp = true } = options;
  if (!(decay >= 0 && decay < 1)) {
    throw new OptionError(`averageWeights: decay ${decay}: expected at least 0 and below 1.`);
  }
  const steps = builder.state("average.steps", []);
  builder.update(
    steps,
    formula({ steps }, ({ steps }) => s.add(steps, 1)),
  );
  // 0 at the first step, so that it copies.
  const kept = formula({ steps, decay }, ({ steps, decay }) =>
    ramp ? s.min(decay, s.div(steps, s.add(steps, 9))) : s.select(s.less(0, steps), decay, 0),
  );
  for (const { name, value } of values) {
    const average = builder.state(averageName(name), value.shape);
    builder.update(
      average,
      formula({ average, value, kept }, ({ average, value, kept }) =>
        s.add(s.mul(kept, average), s.mul(s.sub(1, kept), value)),
      ),
    );
  }
}
