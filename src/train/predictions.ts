import { DataError } from "../core/errors.ts";
import { topKAccuracy } from "../metrics/accuracy.ts";
import { type Calibration, calibration } from "../metrics/calibration.ts";
import { type ConfusionMatrix, classReport, confusionMatrix } from "../metrics/confusion.ts";
import { wilsonInterval } from "../metrics/wilsonInterval.ts";

/** What the net said about one image: a row of the table that every figure of a run comes from. */
export interface Prediction {
  /** The image's id in its data set. */
  readonly file: string;
  /** Index of the right class. */
  readonly label: number;
  /** Index of the likeliest class. */
  readonly predicted: number;
  /** For each class, in order. */
  readonly probabilities: readonly number[];
  /** `−ln p(label)`, from the scores: exact where the probability is almost 0. */
  readonly loss: number;
}

/** How well one class is recognised. */
export interface ClassFigures {
  readonly label: string;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** Images of this class. */
  readonly support: number;
}

/** All figures of one table of predictions. */
export interface Evaluation {
  readonly accuracy: number;
  /** Share of images whose class is among the five likeliest. */
  readonly top5: number;
  readonly correct: number;
  readonly total: number;
  /** Wilson's 95 % interval of the accuracy. */
  readonly ci95: readonly [number, number];
  /** Mean of `−ln p(label)`. */
  readonly loss: number;
  readonly classes: readonly ClassFigures[];
  /** Unweighted mean over the classes. */
  readonly macro: { readonly precision: number; readonly recall: number; readonly f1: number };
  /** `confusion[label][predicted]`. */
  readonly confusion: ConfusionMatrix;
  readonly calibration: Calibration;
  readonly threshold: Threshold;
}

/** A confidence below which "none of these" is the better answer. */
export interface Threshold {
  readonly confidence: number;
  /** Share of the right answers that are kept. */
  readonly keptCorrect: number;
  /** Share of the wrong answers that are refused. */
  readonly refusedWrong: number;
  /** Accuracy among the answers that are kept. */
  readonly accuracy: number;
}

/**
 * Computes every figure from the predictions.
 *
 * @throws DataError for an empty table.
 */
export function evaluatePredictions(
  predictions: readonly Prediction[],
  classes: readonly string[],
): Evaluation {
  const total = predictions.length;
  if (total === 0) throw new DataError("evaluation: there are no predictions to judge by.");
  const labels = predictions.map(({ label }) => label);
  const predicted = predictions.map((row) => row.predicted);
  const hits = predictions.map((row) => row.predicted === row.label);
  const confidences = predictions.map((row) => row.probabilities[row.predicted]!);
  const correct = hits.filter(Boolean).length;
  const confusion = confusionMatrix(predicted, labels, classes.length);
  const report = classReport(confusion);
  return {
    accuracy: correct / total,
    top5: topKAccuracy(
      predictions.flatMap((row) => row.probabilities),
      labels,
      5,
    ).accuracy,
    correct,
    total,
    ci95: wilsonInterval(correct, total),
    loss: predictions.reduce((sum, row) => sum + row.loss, 0) / total,
    classes: report.classes.map(({ precision, recall, f1, support }, index) => ({
      label: classes[index]!,
      precision,
      recall,
      f1,
      support,
    })),
    macro: report.macro,
    confusion,
    calibration: calibration(confidences, hits),
    threshold: chooseThreshold(confidences, hits),
  };
}

const keptShare = 0.95;

/**
 * The confidence that 95 % of the right answers reach: what lies below it is better answered with "none
 * of these". Chosen on known classes alone; how many foreign images it catches depends on what they show.
 */
export function chooseThreshold(
  confidences: readonly number[],
  hits: readonly boolean[],
): Threshold {
  const right = confidences.filter((_, i) => hits[i]).sort((a, b) => a - b);
  const confidence = right[Math.floor(right.length * (1 - keptShare))] ?? 1;
  const kept = hits.filter((_, i) => confidences[i]! >= confidence);
  const keptCorrect = kept.filter(Boolean).length;
  const wrong = hits.length - right.length;
  const refusedWrong = wrong - (kept.length - keptCorrect);
  return {
    confidence,
    keptCorrect: right.length === 0 ? 0 : keptCorrect / right.length,
    refusedWrong: wrong === 0 ? 1 : refusedWrong / wrong,
    accuracy: kept.length === 0 ? 0 : keptCorrect / kept.length,
  };
}

/** The table as lines of JSON: names instead of indices, probabilities in class order. */
export function formatPredictions(
  predictions: readonly Prediction[],
  classes: readonly string[],
): string {
  const lines = predictions.map(({ file, label, predicted, probabilities, loss }) =>
    JSON.stringify({
      file,
      label: classes[label],
      predicted: classes[predicted],
      probabilities: probabilities.map((p) => Number(p.toPrecision(7))),
      loss: Number(loss.toPrecision(9)),
    }),
  );
  return `${lines.join("\n")}\n`;
}
