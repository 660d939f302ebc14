import { ShapeError } from "../../core/errors.ts";

/** An image whose label is probably wrong. */
export interface LabelIssue {
  /** Item of the data set. */
  readonly index: number;
  readonly given: number;
  readonly likely: number;
  readonly givenProbability: number;
  readonly likelyProbability: number;
}

/**
 * Ranks likely label errors, the most certain first, by confident learning: class `j` is believed of an
 * image when its out-of-fold probability reaches `t_j`, the mean probability of `j` over the images
 * labelled `j`. An image is suspect when the likeliest class that is believed of it is not its label;
 * suspects are ranked by `p(likely) − p(given)`.
 *
 * The probabilities must come from models that have not seen the image (cross-validation), or the
 * models have learned the errors.
 *
 * Source: Northcutt, Jiang and Chuang, "Confident Learning", 2021, sections 3.1 and 3.2 (the confident
 * joint; ranking by margin).
 *
 * @param indices Item of the data set that each row of probabilities belongs to.
 * @param labels Given label of each row.
 * @param probabilities Rows × classes.
 */
export function rankLabelErrors(
  indices: ArrayLike<number>,
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  classes: number,
): LabelIssue[] {
  const count = labels.length;
  if (indices.length !== count || probabilities.length !== count * classes) {
    throw new ShapeError(
      `rankLabelErrors: ${indices.length} indices, ${count} labels and ${probabilities.length} probabilities; expected ${count}, ${count} and ${count} x ${classes} = ${count * classes}.`,
    );
  }
  const thresholds = selfConfidence(labels, probabilities, classes);
  const issues: LabelIssue[] = [];
  for (let row = 0; row < count; row++) {
    const given = labels[row]!;
    let likely = -1;
    let best = -1;
    for (let label = 0; label < classes; label++) {
      const probability = probabilities[row * classes + label]!;
      if (probability >= thresholds[label]! && probability > best) {
        best = probability;
        likely = label;
      }
    }
    if (likely < 0 || likely === given) continue;
    issues.push({
      index: indices[row]!,
      given,
      likely,
      givenProbability: probabilities[row * classes + given]!,
      likelyProbability: best,
    });
  }
  const margin = (issue: LabelIssue): number => issue.likelyProbability - issue.givenProbability;
  return issues.sort((a, b) => margin(b) - margin(a) || a.index - b.index);
}

// Mean probability that images of a label get for it; a label without images is never believed.
function selfConfidence(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  classes: number,
): Float64Array {
  const sums = new Float64Array(classes);
  const counts = new Float64Array(classes);
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row]!;
    sums[label]! += probabilities[row * classes + label]!;
    counts[label]!++;
  }
  return sums.map((sum, label) =>
    counts[label] === 0 ? Number.POSITIVE_INFINITY : sum / counts[label]!,
  );
}
