/** Mean loss and share of right answers over a part of the data. */
export interface Level {
  readonly loss: number;
  readonly accuracy: number;
}

/** A level with the counts behind it. */
export interface CountedLevel extends Level {
  readonly correct: number;
  readonly total: number;
}

/** What is remembered of an epoch: a line of `metrics.jsonl`. */
export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  /** Updates since the beginning of training. */
  readonly step: number;
  /** Learning rate of the last step. */
  readonly lr: number;
  /** Over the epoch's own batches, with augmentation and dropout, while the weights were changing. */
  readonly train: Level;
  /** On the validation images, after the epoch. */
  readonly val?: CountedLevel;
  /** Wall-clock time of the epoch with its validation. */
  readonly seconds: number;
  /** Training only. */
  readonly imagesPerSecond: number;
}

/** The epoch whose weights are best: highest accuracy, then smallest loss, then earliest. */
export function bestEpoch(history: readonly EpochRecord[]): EpochRecord | undefined {
  let best: EpochRecord | undefined;
  for (const record of history) {
    if (record.val === undefined) continue;
    if (best?.val === undefined || isBetter(record.val, best.val)) best = record;
  }
  return best;
}

function isBetter(a: Level, b: Level): boolean {
  if (a.accuracy !== b.accuracy) return a.accuracy > b.accuracy;
  return a.loss < b.loss;
}

/**
 * Whether training should end because nothing got better for `patience` epochs: neither the validation loss
 * nor the accuracy.
 */
export function isStalled(history: readonly EpochRecord[], patience: number): boolean {
  const measured = history.filter(({ val }) => val !== undefined);
  if (measured.length <= patience) return false;
  const earlier = measured.slice(0, -patience);
  const recent = measured.slice(-patience);
  const lowest = Math.min(...earlier.map(({ val }) => val!.loss));
  const highest = Math.max(...earlier.map(({ val }) => val!.accuracy));
  return recent.every(({ val }) => val!.loss >= lowest && val!.accuracy <= highest);
}
