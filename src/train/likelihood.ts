/**
 * Probabilities of one row of scores: `e^(xᵢ − m) / Σ e^(xⱼ − m)` in double precision, and the loss
 * `−ln p[label]` from the scores themselves, which does not run out of digits where p is almost 0.
 */
export function likelihood(
  scores: Float32Array,
  row: number,
  classes: number,
  label: number,
): { readonly probabilities: number[]; readonly loss: number; readonly predicted: number } {
  const start = row * classes;
  let predicted = 0;
  for (let k = 1; k < classes; k++) {
    if (scores[start + k]! > scores[start + predicted]!) predicted = k;
  }
  const largest = scores[start + predicted]!;
  const probabilities = new Array<number>(classes);
  let sum = 0;
  for (let k = 0; k < classes; k++) {
    const value = Math.exp(scores[start + k]! - largest);
    probabilities[k] = value;
    sum += value;
  }
  for (let k = 0; k < classes; k++) probabilities[k]! /= sum;
  const loss = Math.log(sum) - (scores[start + label]! - largest);
  return { probabilities, loss, predicted };
}
