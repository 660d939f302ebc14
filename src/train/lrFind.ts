import { OptionError } from "../core/errors.ts";
import type { Batches } from "../data/batches/batches.ts";
import type { Trainer } from "./trainer.ts";

export interface LrFindOptions {
  /** With accumulation 1. */
  readonly trainer: Trainer;
  readonly train: Batches;
  /** First and last rate. Default 1e-6 to 10. */
  readonly from?: number;
  readonly to?: number;
  /** Steps from one to the other. Default 120. */
  readonly steps?: number;
  onStep?(done: number, steps: number, loss: number): void;
  readonly signal?: AbortSignal;
}

export interface LrPoint {
  readonly lr: number;
  readonly loss: number;
  /** An average over the steps so far, the newest first. */
  readonly smoothed: number;
}

export interface LrFinding {
  readonly points: readonly LrPoint[];
  /** Rate where the smoothed loss falls fastest: a good top for a schedule. */
  readonly steepest: number;
  /** A tenth of the rate with the smallest smoothed loss: the most that is safe. */
  readonly minimumTenth: number;
  /** Whether the loss broke away before the last rate was tried. */
  readonly diverged: boolean;
}

const smoothing = 0.9;
/** The range test ends when the loss is this many times the smallest so far. */
const divergence = 4;

/**
 * Learning-rate range test: trains with a rate that grows exponentially from step to step, until the loss breaks away.
 * The trainer's weights are spent afterwards.
 *
 * Source: Smith 2017, "Cyclical Learning Rates", section 3.3; smoothing and suggestions as in fastai.
 */
export async function findLearningRate(options: LrFindOptions): Promise<LrFinding> {
  const { trainer, train, from = 1e-6, to = 10, steps = 120, signal } = options;
  if (!(from > 0 && to > from)) {
    throw new OptionError(`lr-find: from ${from} to ${to}; expected 0 < from < to.`);
  }
  if (!Number.isInteger(steps) || steps < 10) {
    throw new OptionError(`lr-find: ${steps} steps; expected an integer of at least 10.`);
  }
  const last = train.imageCount % train.batchSize;
  await trainer.prepare([train.batchSize, last].filter((size) => size > 0));
  await trainer.initialize();
  const points: LrPoint[] = [];
  let average = 0;
  let lowest = Number.POSITIVE_INFINITY;
  let diverged = false;
  for (let step = 0; step < steps && !diverged; step++) {
    signal?.throwIfAborted();
    const lr = from * (to / from) ** (step / (steps - 1));
    const epoch = Math.floor(step / train.stepsPerEpoch);
    const batch = await train.at(epoch, step % train.stepsPerEpoch);
    const { loss } = await trainer.step([batch], { lr, momentum: 0.9 }, step);
    options.onStep?.(step + 1, steps, loss);
    average = smoothing * average + (1 - smoothing) * loss;
    const smoothed = average / (1 - smoothing ** (step + 1));
    diverged = !Number.isFinite(loss) || smoothed > divergence * lowest;
    if (Number.isFinite(loss)) points.push({ lr, loss, smoothed });
    lowest = Math.min(lowest, Number.isFinite(smoothed) ? smoothed : lowest);
  }
  return { points, ...suggest(points), diverged };
}

function suggest(points: readonly LrPoint[]): { steepest: number; minimumTenth: number } {
  const lowest = points.reduce((best, point) => (point.smoothed < best.smoothed ? point : best));
  // The average of the first steps is one of few losses and jumps about, and so does the difference of neighbours:
  // slopes are taken over a stretch of the curve, once the average has its full length.
  const settled = Math.round(1 / (1 - smoothing));
  const reach = Math.max(1, Math.floor(points.length / 24));
  let steepest = lowest;
  let slope = 0;
  // Rates step by equal factors, so differences of the loss are slopes over log(rate).
  for (let i = settled + reach; i + reach < points.length && points[i]!.lr <= lowest.lr; i++) {
    const fall = points[i + reach]!.smoothed - points[i - reach]!.smoothed;
    if (fall < slope) {
      slope = fall;
      steepest = points[i]!;
    }
  }
  return { steepest: steepest.lr, minimumTenth: lowest.lr / 10 };
}
