import { fans, fill, type Initializer } from "./initializer.ts";

/** Options of {@link kaimingUniform} and {@link kaimingNormal}. */
export interface KaimingOptions {
  /** Keep the variance of activations (`in`) or of gradients (`out`). Default `in`, as PyTorch. */
  readonly fan?: "in" | "out";
  /** Slope of the leaky relu that follows, 0 for relu. Default 0. */
  readonly slope?: number;
}

function kaimingDeviation(
  shape: readonly number[],
  { fan = "in", slope = 0 }: KaimingOptions,
): number {
  const { fanIn, fanOut } = fans(shape);
  return Math.sqrt(2 / (1 + slope * slope) / (fan === "in" ? fanIn : fanOut));
}

/**
 * Uniform with the standard deviation `√(2/((1 + a²) · fan))`. PyTorch's convolutions and linear layers take
 * `a = √5`, which is the bound `1/√fanIn`. Source: He et al. 2015, section 2.2.
 */
export function kaimingUniform(options: KaimingOptions = {}): Initializer {
  return (shape, stream) => {
    const bound = Math.sqrt(3) * kaimingDeviation(shape, options);
    return fill(shape, () => bound * (2 * stream.uniform() - 1));
  };
}

/** Normal with the standard deviation `√(2/((1 + a²) · fan))`. Source: He et al. 2015, equation 10. */
export function kaimingNormal(options: KaimingOptions = {}): Initializer {
  return (shape, stream) => {
    const deviation = kaimingDeviation(shape, options);
    return fill(shape, () => deviation * stream.normal());
  };
}

/** Uniform with the bound `gain · √(6/(fanIn + fanOut))`. Source: Glorot & Bengio 2010, equation 16. */
export function xavierUniform(gain = 1): Initializer {
  return (shape, stream) => {
    const { fanIn, fanOut } = fans(shape);
    const bound = gain * Math.sqrt(6 / (fanIn + fanOut));
    return fill(shape, () => bound * (2 * stream.uniform() - 1));
  };
}

/** Normal with the deviation `gain · √(2/(fanIn + fanOut))`. Source: Glorot & Bengio 2010. */
export function xavierNormal(gain = 1): Initializer {
  return (shape, stream) => {
    const { fanIn, fanOut } = fans(shape);
    const deviation = gain * Math.sqrt(2 / (fanIn + fanOut));
    return fill(shape, () => deviation * stream.normal());
  };
}
