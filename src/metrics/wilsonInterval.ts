import { DataError } from "../core/errors.ts";
import { normalQuantile } from "./normalQuantile.ts";

/**
 * Wilson's score interval of a share, here of an accuracy: with `p = correct/n` and z the normal quantile,
 * `(p + z²/2n ± z·√(p(1 − p)/n + z²/4n²))/(1 + z²/n)`.
 *
 * It stays inside 0 … 1 and keeps its promise for few examples and for shares near the ends, where `p ± z·√(p(1 − p)/n)`
 * does not. `confidence` 0.95 if left out. Source: Wilson 1927; Brown, Cai & DasGupta 2001 for the comparison.
 *
 * @example
 * wilsonInterval(93, 100); // [0.863, 0.966]
 */
export function wilsonInterval(
  correct: number,
  total: number,
  confidence = 0.95,
): readonly [number, number] {
  if (!(total >= 1 && correct >= 0 && correct <= total)) {
    throw new DataError(`wilsonInterval: ${correct} of ${total} is no share of anything.`);
  }
  const z = normalQuantile(0.5 + confidence / 2);
  const p = correct / total;
  const scale = 1 / (1 + (z * z) / total);
  const middle = scale * (p + (z * z) / (2 * total));
  const reach = scale * z * Math.sqrt((p * (1 - p)) / total + (z * z) / (4 * total * total));
  // At the ends the interval ends there too, which rounding would miss.
  return [correct === 0 ? 0 : middle - reach, correct === total ? 1 : middle + reach];
}
