/**
 * A standard normal number from two uniform ones by the Box–Muller transform, `√(−2 ln(1 − u)) · cos(2π v)`, with
 * `u = a/2²⁴` and `v = b/2²⁴` for integers `a`, `b` of 24 bits.
 *
 * Logarithm and cosine are sums of their own here, because an engine's `Math.log` and `Math.cos` differ from others' in
 * the last bit, and because weights are many: this takes half their time. Both are exact to two units in the last place.
 */
export function boxMuller(a: number, b: number): number {
  return Math.sqrt(-2 * logOf(0x1000000 - a)) * cosineOf(b);
}

/** `2^(−e)` for e from 0 to 25. */
const halves = Float64Array.from({ length: 26 }, (_, e) => 2 ** -e);

/** `ln(m/2²⁴)` of an integer 1 ≤ m ≤ 2²⁴: `ln f = 2 artanh((f − 1)/(f + 1))` for f = m/2^e from 2/3 to 4/3. */
function logOf(m: number): number {
  const exponent = 31 - Math.clz32((3 * m) >>> 1);
  const f = m * halves[exponent]!;
  const s = (f - 1) / (f + 1);
  const z = s * s;
  const z2 = z * z;
  const z4 = z2 * z2;
  const low = 1 / 3 + z * (1 / 5) + z2 * (1 / 7 + z * (1 / 9));
  const middle = 1 / 11 + z * (1 / 13) + z2 * (1 / 15 + z * (1 / 17));
  const high = 1 / 19 + z * (1 / 21) + z2 * (1 / 23 + z * (1 / 25));
  const sum = low + z4 * (middle + z4 * high);
  return (exponent - 24) * Math.LN2 + 2 * (s + s * z * sum);
}

const angle = (2 * Math.PI) / 2 ** 24;

/**
 * `cos(2π b/2²⁴)`, from the series of sine and cosine an eighth of a turn at most around the nearest quarter: both,
 * since a branch that goes either way costs more.
 */
function cosineOf(b: number): number {
  const quarter = (b + (1 << 21)) >> 22;
  const x = (b - (quarter << 22)) * angle;
  const z = x * x;
  const z2 = z * z;
  const z4 = z2 * z2;
  const cosine =
    1 -
    z * (1 / 2) +
    z2 * (1 / 24 - z * (1 / 720) + z2 * (1 / 40320 - z * (1 / 3628800))) +
    z4 * z2 * (1 / 479001600 - z * (1 / 87178291200) + z2 * (1 / 20922789888000));
  const sine =
    x -
    x *
      z *
      (1 / 6 -
        z * (1 / 120) +
        z2 * (1 / 5040 - z * (1 / 362880)) +
        z4 *
          (1 / 39916800 -
            z * (1 / 6227020800) +
            z2 * (1 / 1307674368000) -
            z2 * z * (1 / 355687428096000)));
  const choice = quarter & 3;
  return cosine * cosineShare[choice]! + sine * sineShare[choice]!;
}

/** cos(x + quarter) is cos x, −sin x, −cos x, sin x. */
const cosineShare = Float64Array.of(1, 0, -1, 0);
const sineShare = Float64Array.of(0, -1, 0, 1);
