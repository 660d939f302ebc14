import { DataError, OptionError } from "../core/errors.ts";

/** How many predictions were right. */
export interface Accuracy {
  /** `correct / total`. */
  readonly accuracy: number;
  readonly correct: number;
  readonly total: number;
}

/** Throws unless two lists describe the same examples, at least one. */
export function checkExamples(predicted: number, target: number, where: string): number {
  if (predicted !== target) {
    throw new DataError(`${where}: ${predicted} predictions for ${target} targets.`);
  }
  if (target === 0) throw new DataError(`${where}: there are no examples to judge by.`);
  return target;
}

/** Share of examples whose predicted class is the target. */
export function accuracy(predicted: ArrayLike<number>, target: ArrayLike<number>): Accuracy {
  const total = checkExamples(predicted.length, target.length, "accuracy");
  let correct = 0;
  for (let i = 0; i < total; i++) if (predicted[i] === target[i]) correct++;
  return { accuracy: correct / total, correct, total };
}

/**
 * Share of examples whose target is among the k best scores. Among equal scores the lower class is better, as for
 * `argMax`, so a net that says the same of every class gains nothing; NaN is the worst score.
 *
 * `scores` row-major `[N, classes]`.
 */
export function topKAccuracy(
  scores: ArrayLike<number>,
  target: ArrayLike<number>,
  k: number,
): Accuracy {
  const total = checkExamples(target.length, target.length, "topKAccuracy");
  const classes = scores.length / total;
  if (!Number.isInteger(classes)) {
    throw new DataError(
      `topKAccuracy: ${scores.length} scores do not divide among ${total} targets.`,
    );
  }
  if (!Number.isInteger(k) || k < 1) {
    throw new OptionError(`topKAccuracy: k ${k}: expected an integer of at least 1.`);
  }
  let correct = 0;
  for (let i = 0; i < total; i++) {
    const own = scores[i * classes + target[i]!];
    if (own === undefined || Number.isNaN(own)) continue;
    let better = 0;
    for (let c = 0; c < classes; c++) {
      const other = scores[i * classes + c]!;
      if (other > own || (other === own && c < target[i]!)) better++;
    }
    if (better < k) correct++;
  }
  return { accuracy: correct / total, correct, total };
}

/** The k best classes of one row of scores, best first; ties in class order, NaN last. */
export function topClasses(scores: ArrayLike<number>, k: number): number[] {
  const value = (c: number) => (Number.isNaN(scores[c]) ? Number.NEGATIVE_INFINITY : scores[c]!);
  const order = Array.from({ length: scores.length }, (_, c) => c);
  order.sort((a, b) => (value(a) === value(b) ? a - b : value(b) - value(a)));
  return order.slice(0, k);
}
