import { DataError, OptionError } from "../core/errors.ts";
import { checkExamples } from "./accuracy.ts";

/** Predictions of similar confidence: a point of the reliability curve. */
export interface ReliabilityBin {
  /** Confidences above this … */
  readonly from: number;
  /** … up to and with this. */
  readonly to: number;
  readonly count: number;
  /** Mean confidence; `null` where there are no examples. */
  readonly confidence: number | null;
  /** Share that was right; `null` where there are no examples. */
  readonly accuracy: number | null;
}

/** How far confidences can be taken at their word. */
export interface Calibration {
  /** Expected calibration error: `Σ_bins count/n · |accuracy − confidence|`. */
  readonly ece: number;
  /** The largest gap of any bin. */
  readonly mce: number;
  readonly bins: readonly ReliabilityBin[];
}

/**
 * Expected calibration error and reliability bins of equal width.
 *
 * `confidences` are the probabilities of the predicted classes, `correct` whether each prediction was right. 15 bins
 * if left out. Source: Guo et al. 2017, equations 2 and 3.
 */
export function calibration(
  confidences: ArrayLike<number>,
  correct: ArrayLike<boolean | number>,
  options: { readonly bins?: number } = {},
): Calibration {
  const { bins: binCount = 15 } = options;
  if (!Number.isInteger(binCount) || binCount < 1) {
    throw new OptionError(`calibration: bins ${binCount}: expected an integer of at least 1.`);
  }
  const total = checkExamples(confidences.length, correct.length, "calibration");
  const counts = new Array<number>(binCount).fill(0);
  const sums = new Array<number>(binCount).fill(0);
  const hits = new Array<number>(binCount).fill(0);
  for (let i = 0; i < total; i++) {
    const confidence = confidences[i]!;
    // A softmax in float32 may add up to a hair more than 1.
    if (!(confidence >= 0 && confidence <= 1 + 1e-6)) {
      throw new DataError(
        `calibration: confidence ${confidence} of example ${i} is no probability.`,
      );
    }
    const bin = Math.min(binCount - 1, Math.max(0, Math.ceil(confidence * binCount) - 1));
    counts[bin]!++;
    sums[bin]! += confidence;
    if (correct[i]) hits[bin]!++;
  }
  let ece = 0;
  let mce = 0;
  const bins = counts.map((count, bin): ReliabilityBin => {
    const gap = count === 0 ? 0 : Math.abs(hits[bin]! - sums[bin]!) / count;
    ece += (count / total) * gap;
    mce = Math.max(mce, gap);
    return {
      from: bin / binCount,
      to: (bin + 1) / binCount,
      count,
      confidence: count === 0 ? null : sums[bin]! / count,
      accuracy: count === 0 ? null : hits[bin]! / count,
    };
  });
  return { ece, mce, bins };
}
