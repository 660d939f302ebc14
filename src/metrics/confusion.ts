import { DataError } from "../core/errors.ts";
import { checkExamples } from "./accuracy.ts";

/** `confusion[target][predicted]`: how many examples of a class were taken for which. */
export type ConfusionMatrix = readonly (readonly number[])[];

/** Counts every pair of target (row) and prediction (column), as scikit-learn lays it out. */
export function confusionMatrix(
  predicted: ArrayLike<number>,
  target: ArrayLike<number>,
  classes: number,
): ConfusionMatrix {
  const total = checkExamples(predicted.length, target.length, "confusionMatrix");
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < total; i++) {
    const row = matrix[target[i]!];
    const column = predicted[i]!;
    if (row?.[column] === undefined) {
      throw new DataError(
        `confusionMatrix: example ${i} has target ${target[i]} and prediction ${column}; there are ${classes} classes.`,
      );
    }
    row[column]!++;
  }
  return matrix;
}

/** How well one class is recognised. */
export interface ClassScores {
  /** Of the examples taken for this class, the share that is: `TP/(TP + FP)`; 0 where none was taken for it. */
  readonly precision: number;
  /** Of the examples of this class, the share that was recognised: `TP/(TP + FN)`; 0 where there are none. */
  readonly recall: number;
  /** `2·TP/(2·TP + FP + FN)`, the harmonic mean of both; 0 where all three are 0. */
  readonly f1: number;
  /** Number of examples of this class. */
  readonly support: number;
  /** Number of examples taken for this class; where it is 0, the precision says nothing. */
  readonly predicted: number;
}

/** Averages over classes. */
export interface AverageScores {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/** What a confusion matrix says about each class, and on average. */
export interface ClassReport {
  readonly classes: readonly ClassScores[];
  /** Every class counts the same; classes without examples and predictions do not count. */
  readonly macro: AverageScores;
  /** Every class counts by its examples. */
  readonly weighted: AverageScores;
}

/** Precision, recall and F1 of each class. A quotient 0/0 is 0, as scikit-learn's default. */
export function classReport(confusion: ConfusionMatrix): ClassReport {
  const classes = confusion.map((row, c): ClassScores => {
    const hits = row[c]!;
    const support = row.reduce((sum, n) => sum + n, 0);
    const predicted = confusion.reduce((sum, other) => sum + other[c]!, 0);
    return {
      precision: quotient(hits, predicted),
      recall: quotient(hits, support),
      f1: quotient(2 * hits, support + predicted),
      support,
      predicted,
    };
  });
  const present = classes.filter(({ support, predicted }) => support + predicted > 0);
  return {
    classes,
    macro: average(present, () => 1),
    weighted: average(present, ({ support }) => support),
  };
}

function quotient(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function average(
  classes: readonly ClassScores[],
  weight: (scores: ClassScores) => number,
): AverageScores {
  const total = classes.reduce((sum, scores) => sum + weight(scores), 0);
  const mean = (key: keyof AverageScores) =>
    quotient(
      classes.reduce((sum, scores) => sum + weight(scores) * scores[key], 0),
      total,
    );
  return { precision: mean("precision"), recall: mean("recall"), f1: mean("f1") };
}
