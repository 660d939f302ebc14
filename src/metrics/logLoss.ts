import { DataError } from "../core/errors.ts";
import { checkExamples } from "./accuracy.ts";

/** Least probability that is taken at its word, so that one certain mistake does not make the mean infinite. */
const leastProbability = 2 ** -23;

/**
 * Mean of `−ln p(target)` over row-major `probabilities [N, classes]`, with p at least 2⁻²³, the machine epsilon of float32, as
 * scikit-learn has it for float32.
 */
export function logLoss(probabilities: ArrayLike<number>, target: ArrayLike<number>): number {
  const total = checkExamples(target.length, target.length, "logLoss");
  const classes = probabilities.length / total;
  let sum = 0;
  for (let i = 0; i < total; i++) {
    const p = target[i]! < classes ? probabilities[i * classes + target[i]!] : undefined;
    if (p === undefined || !Number.isInteger(classes)) {
      throw new DataError(
        `logLoss: ${probabilities.length} probabilities for ${total} examples have none for class ${target[i]} of example ${i}.`,
      );
    }
    sum -= Math.log(Math.max(p, leastProbability));
  }
  return sum / total;
}
