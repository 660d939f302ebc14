import { OptionError } from "../core/errors.ts";
import { elementCount } from "../core/shape.ts";
import { drawEach, type Initializer } from "./initializer.ts";

function checkDeviation(deviation: number, where: string): void {
  if (!(deviation >= 0))
    throw new OptionError(`${where}: deviation ${deviation}: expected 0 or more.`);
}

function checkRange(low: number, high: number, where: string): void {
  if (!(low < high)) throw new OptionError(`${where}: low ${low} must be below high ${high}.`);
}

/** Every element is `value`. */
export function constant(value: number): Initializer {
  return {
    kind: "constant",
    options: { value },
    fill: (shape) => drawEach(shape, () => value),
  };
}

/** Uniform in [low, high). */
export function uniform(options: { readonly low: number; readonly high: number }): Initializer {
  const { low, high } = options;
  checkRange(low, high, "uniform");
  return {
    kind: "uniform",
    options: { low, high },
    fill: (shape, stream) => drawEach(shape, () => low + (high - low) * stream.uniform()),
  };
}

/** Normal; mean 0 and deviation 1 unless told otherwise, as PyTorch. */
export function normal(
  options: { readonly mean?: number; readonly deviation?: number } = {},
): Initializer {
  const { mean = 0, deviation = 1 } = options;
  checkDeviation(deviation, "normal");
  return {
    kind: "normal",
    options: { mean, deviation },
    fill: (shape, stream) => stream.normals(elementCount(shape), mean, deviation),
  };
}

/** Options of {@link truncatedNormal}. */
export interface TruncatedNormalOptions {
  /** Default 0. */
  readonly mean?: number;
  /** Before cutting off. Default 1. */
  readonly deviation?: number;
  /** Default two deviations below the mean, as Keras; PyTorch and timm have −2, whatever the deviation. */
  readonly low?: number;
  /** Default two deviations above the mean, as Keras; PyTorch and timm have 2, whatever the deviation. */
  readonly high?: number;
}

/** Normal, drawn again until it lies in [low, high]. */
export function truncatedNormal(options: TruncatedNormalOptions = {}): Initializer {
  const { mean = 0, deviation = 1 } = options;
  const { low = mean - 2 * deviation, high = mean + 2 * deviation } = options;
  checkDeviation(deviation, "truncatedNormal");
  checkRange(low, high, "truncatedNormal");
  if (low > mean + 4 * deviation || high < mean - 4 * deviation) {
    throw new OptionError(
      `truncatedNormal: [${low}, ${high}] is more than four deviations of ${deviation} away from the mean ${mean}; draws would hardly ever fall into it.`,
    );
  }
  return {
    kind: "truncatedNormal",
    options: { mean, deviation, low, high },
    fill: (shape, stream) =>
      drawEach(shape, () => {
        for (;;) {
          const x = mean + deviation * stream.normal();
          if (x >= low && x <= high) return x;
        }
      }),
  };
}
