import { lookUp, OptionError } from "../core/errors.ts";
import { elementCount, type Shape } from "../core/shape.ts";
import { drawEach, fans, type Initializer } from "./initializer.ts";

/** What the activation behind a layer does to the size of its signal, as PyTorch's `calculate_gain`. */
const gains = {
  linear: () => 1,
  sigmoid: () => 1,
  tanh: () => 5 / 3,
  relu: () => Math.SQRT2,
  leakyRelu: (slope: number) => Math.sqrt(2 / (1 + slope * slope)),
  selu: () => 3 / 4,
} as const;

/** An activation with a gain in the table. */
export type Nonlinearity = keyof typeof gains;

/** Options of {@link kaimingUniform} and {@link kaimingNormal}. */
export interface KaimingOptions {
  /** Keep the variance of activations (`in`) or of gradients (`out`). Default `in`, as PyTorch. */
  readonly fan?: "in" | "out";
  /** The activation that follows. Default `leakyRelu`, as PyTorch. */
  readonly nonlinearity?: Nonlinearity;
  /** Slope of the leaky relu; 0 is relu's. Default 0, as PyTorch. */
  readonly slope?: number;
}

function kaiming(options: KaimingOptions, where: string) {
  const { fan = "in", nonlinearity = "leakyRelu", slope = 0 } = options;
  if (fan !== "in" && fan !== "out")
    throw new OptionError(`${where}: fan "${fan}": expected in or out.`);
  const gain = lookUp<(slope: number) => number>(gains, nonlinearity, "nonlinearity")(slope);
  return {
    options: { fan, nonlinearity, slope },
    deviation(shape: Shape): number {
      const { fanIn, fanOut } = fans(shape);
      return gain / Math.sqrt(fan === "in" ? fanIn : fanOut);
    },
  };
}

/**
 * Uniform with standard deviation `gain/√fan`, for leaky relu `√(2/((1 + a²) · fan))`. PyTorch's convolutions and linear
 * layers take `a = √5`, which is the bound `1/√fanIn`. Source: He et al. 2015, section 2.2.
 */
export function kaimingUniform(options: KaimingOptions = {}): Initializer {
  const rule = kaiming(options, "kaimingUniform");
  return {
    kind: "kaimingUniform",
    options: rule.options,
    fill(shape, stream) {
      const bound = Math.sqrt(3) * rule.deviation(shape);
      return drawEach(shape, () => bound * (2 * stream.uniform() - 1));
    },
  };
}

/** Normal with standard deviation `gain/√fan`, for relu `√(2/fan)`. Source: He et al. 2015, equation 10. */
export function kaimingNormal(options: KaimingOptions = {}): Initializer {
  const rule = kaiming(options, "kaimingNormal");
  return {
    kind: "kaimingNormal",
    options: rule.options,
    fill(shape, stream) {
      const deviation = rule.deviation(shape);
      return stream.normals(elementCount(shape), 0, deviation);
    },
  };
}

/** Uniform with the bound `gain · √(6/(fanIn + fanOut))`; gain 1, as PyTorch. Source: Glorot & Bengio 2010, equation 16. */
export function xavierUniform(options: { readonly gain?: number } = {}): Initializer {
  const { gain = 1 } = options;
  return {
    kind: "xavierUniform",
    options: { gain },
    fill(shape, stream) {
      const { fanIn, fanOut } = fans(shape);
      const bound = gain * Math.sqrt(6 / (fanIn + fanOut));
      return drawEach(shape, () => bound * (2 * stream.uniform() - 1));
    },
  };
}

/** Normal with deviation `gain · √(2/(fanIn + fanOut))`; gain 1, as PyTorch. Source: Glorot & Bengio 2010, section 4.2.1. */
export function xavierNormal(options: { readonly gain?: number } = {}): Initializer {
  const { gain = 1 } = options;
  return {
    kind: "xavierNormal",
    options: { gain },
    fill(shape, stream) {
      const { fanIn, fanOut } = fans(shape);
      const deviation = gain * Math.sqrt(2 / (fanIn + fanOut));
      return stream.normals(elementCount(shape), 0, deviation);
    },
  };
}

/**
 * Uniform within `±limit/fanIn`, LeNet-5's rule with limit 2.4: the sums stay where tanh bends but does not saturate. Its
 * fan-in counts a unit's inputs without the bias. Source: LeCun et al. 1998, appendix A.
 */
export function fanInUniform(options: { readonly limit?: number } = {}): Initializer {
  const { limit = 2.4 } = options;
  return {
    kind: "fanInUniform",
    options: { limit },
    fill(shape, stream) {
      const bound = limit / fans(shape).fanIn;
      return drawEach(shape, () => bound * (2 * stream.uniform() - 1));
    },
  };
}
