import { lookUp, OptionError } from "../../core/errors.ts";
import type { Value } from "../builder.ts";
import { constant, type Expression, scalar as s } from "../expression.ts";
import type { PrimitiveOp } from "../op.ts";
import { elementwise } from "./elementwise.ts";

/** Constants of a unary function, by name. */
export type UnaryParameters = Readonly<Record<string, number>>;

/** A function of one number: value and derivative side by side, as expressions. */
export interface UnaryFunction {
  /** The parameters it takes, with their defaults. */
  readonly parameters: UnaryParameters;
  value(x: Expression, p: UnaryParameters): Expression;
  /** `x` is the argument, `y` the value there. `undefined`: zero almost everywhere. */
  derivative(x: Expression, y: Expression, p: UnaryParameters): Expression | undefined;
  /** Where the derivative jumps; finite differences keep away from there. */
  kinks?(p: UnaryParameters): readonly number[];
}

const none = {} as const;
const logistic = (x: Expression) => s.div(1, s.add(1, s.exp(s.neg(x))));
const inverseSqrt2 = Math.SQRT1_2;
const geluTanhScale = Math.sqrt(2 / Math.PI);
const softplusOf = (x: Expression) => s.add(s.max(x, 0), s.log(s.add(1, s.exp(s.neg(s.abs(x))))));
const geluTanhInner = (x: Expression) =>
  s.mul(geluTanhScale, s.mul(x, s.add(1, s.mul(0.044715, s.mul(x, x)))));

/**
 * Every function of one number that the engine knows. Slopes at corners follow PyTorch: `relu′(0) = 0`,
 * `relu6′(0) = relu6′(6) = 0`, leaky relu and ELU take the left slope at 0, hard sigmoid has slope 0 at both
 * corners, hard swish −1/2 at −3 and 1 at 3.
 */
export const unaryFunctions = {
  /** max(x, 0). Nair & Hinton 2010. */
  relu: {
    parameters: none,
    value: (x) => s.max(x, 0),
    derivative: (_x, y) => s.less(0, y),
    kinks: () => [0],
  },
  /** min(max(x, 0), 6). Krizhevsky 2010; MobileNet. */
  relu6: {
    parameters: none,
    value: (x) => s.min(s.max(x, 0), 6),
    derivative: (_x, y) => s.mul(s.less(0, y), s.less(y, 6)),
    kinks: () => [0, 6],
  },
  /** x for x > 0, else negativeSlope · x. Maas et al. 2013. Slope 0.01, as PyTorch. */
  leakyRelu: {
    parameters: { negativeSlope: 0.01 },
    value: (x, p) => s.select(s.less(0, x), x, s.mul(p.negativeSlope!, x)),
    derivative: (x, _y, p) => s.select(s.less(0, x), 1, p.negativeSlope!),
    kinks: () => [0],
  },
  /** x for x > 0, else α(eˣ − 1). Clevert et al. 2016. */
  elu: {
    parameters: { alpha: 1 },
    value: (x, p) => s.select(s.less(0, x), x, s.mul(p.alpha!, s.sub(s.exp(s.min(x, 0)), 1))),
    derivative: (x, _y, p) => s.select(s.less(0, x), 1, s.mul(p.alpha!, s.exp(s.min(x, 0)))),
    kinks: (p) => (p.alpha === 1 ? [] : [0]),
  },
  /** λ · ELU with the fixed point's constants. Klambauer et al. 2017. */
  selu: {
    parameters: { alpha: 1.6732632423543772, scale: 1.0507009873554805 },
    value: (x, p) =>
      s.mul(p.scale!, s.select(s.less(0, x), x, s.mul(p.alpha!, s.sub(s.exp(s.min(x, 0)), 1)))),
    derivative: (x, _y, p) =>
      s.mul(p.scale!, s.select(s.less(0, x), 1, s.mul(p.alpha!, s.exp(s.min(x, 0))))),
    kinks: () => [0],
  },
  /** x · Φ(x) with the normal distribution's Φ. Hendrycks & Gimpel 2016, exact form. */
  gelu: {
    parameters: none,
    value: (x) => s.mul(s.mul(0.5, x), s.add(1, s.erf(s.mul(inverseSqrt2, x)))),
    derivative: (x) =>
      s.add(
        s.mul(0.5, s.add(1, s.erf(s.mul(inverseSqrt2, x)))),
        s.mul(x, s.mul(1 / Math.sqrt(2 * Math.PI), s.exp(s.mul(-0.5, s.mul(x, x))))),
      ),
  },
  /** GELU with Φ approximated by tanh. Hendrycks & Gimpel 2016, section 2. */
  geluTanh: {
    parameters: none,
    value: (x) => s.mul(s.mul(0.5, x), s.add(1, s.tanh(geluTanhInner(x)))),
    derivative: (x) => {
      const t = s.tanh(geluTanhInner(x));
      const slope = s.mul(geluTanhScale, s.add(1, s.mul(3 * 0.044715, s.mul(x, x))));
      return s.add(
        s.mul(0.5, s.add(1, t)),
        s.mul(s.mul(s.mul(0.5, x), s.sub(1, s.mul(t, t))), slope),
      );
    },
  },
  /** x · σ(x), also called swish. Elfwing et al. 2018. */
  silu: {
    parameters: none,
    value: (x) => s.mul(x, logistic(x)),
    derivative: (x) => {
      const y = logistic(x);
      return s.mul(y, s.add(1, s.mul(x, s.sub(1, y))));
    },
  },
  /** x · tanh(softplus(x)). Misra 2019. */
  mish: {
    parameters: none,
    value: (x) => s.mul(x, s.tanh(softplusOf(x))),
    derivative: (x) => {
      const t = s.tanh(softplusOf(x));
      return s.add(t, s.mul(s.mul(x, logistic(x)), s.sub(1, s.mul(t, t))));
    },
  },
  /** x · relu6(x + 3)/6. MobileNetV3, Howard et al. 2019. */
  hardSwish: {
    parameters: none,
    value: (x) => s.mul(x, s.div(s.min(s.max(s.add(x, 3), 0), 6), 6)),
    derivative: (x) =>
      s.select(s.less(x, -3), 0, s.select(s.less(x, 3), s.add(s.div(x, 3), 0.5), 1)),
    kinks: () => [-3, 3],
  },
  /** min(max(αx + β, 0), 1). α = 1/6 and β = 1/2, as PyTorch; ONNX has α = 0.2, as Keras 2 had. */
  hardSigmoid: {
    parameters: { alpha: 1 / 6, beta: 0.5 },
    value: (x, p) => s.min(s.max(s.add(s.mul(p.alpha!, x), p.beta!), 0), 1),
    derivative: (x, _y, p) => {
      const inner = s.add(s.mul(p.alpha!, x), p.beta!);
      return s.mul(p.alpha!, s.mul(s.less(0, inner), s.less(inner, 1)));
    },
    kinks: (p) => [-p.beta! / p.alpha!, (1 - p.beta!) / p.alpha!],
  },
  /** 1/(1 + e⁻ˣ). */
  sigmoid: {
    parameters: none,
    value: (x) => logistic(x),
    derivative: (_x, y) => s.mul(y, s.sub(1, y)),
  },
  /** tanh x. */
  tanh: {
    parameters: none,
    value: (x) => s.tanh(x),
    derivative: (_x, y) => s.sub(1, s.mul(y, y)),
  },
  /** A · tanh(Sx), LeNet-5's squashing function with A = 1.7159 and S = 2/3. LeCun et al. 1998, appendix A. */
  scaledTanh: {
    parameters: { amplitude: 1.7159, slope: 2 / 3 },
    value: (x, p) => s.mul(p.amplitude!, s.tanh(s.mul(p.slope!, x))),
    derivative: (_x, y, p) => {
      const t = s.div(y, p.amplitude!);
      return s.mul(p.amplitude! * p.slope!, s.sub(1, s.mul(t, t)));
    },
  },
  /** ln(1 + e^(βx))/β; the identity where βx > threshold. β = 1 and threshold 20, as PyTorch. */
  softplus: {
    parameters: { beta: 1, threshold: 20 },
    value: (x, p) => {
      const scaled = s.mul(p.beta!, x);
      return s.select(s.less(p.threshold!, scaled), x, s.div(softplusOf(scaled), p.beta!));
    },
    derivative: (x, _y, p) => {
      const scaled = s.mul(p.beta!, x);
      return s.select(s.less(p.threshold!, scaled), 1, logistic(scaled));
    },
  },
  /** x/(1 + |x|). */
  softsign: {
    parameters: none,
    value: (x) => s.div(x, s.add(1, s.abs(x))),
    derivative: (x) => {
      const d = s.add(1, s.abs(x));
      return s.div(1, s.mul(d, d));
    },
  },
  /** x where it is above the threshold, else 0. ONNX ThresholdedRelu, α = 1. */
  thresholdedRelu: {
    parameters: { alpha: 1 },
    value: (x, p) => s.select(s.less(p.alpha!, x), x, 0),
    derivative: (x, _y, p) => s.less(p.alpha!, x),
    kinks: (p) => [p.alpha!],
  },
  /** max(x, 0) + min(α(e^(x/α) − 1), 0). Barron 2017. */
  celu: {
    parameters: { alpha: 1 },
    value: (x, p) =>
      s.select(s.less(0, x), x, s.mul(p.alpha!, s.sub(s.exp(s.div(s.min(x, 0), p.alpha!)), 1))),
    derivative: (x, _y, p) => s.select(s.less(0, x), 1, s.exp(s.div(s.min(x, 0), p.alpha!))),
  },
  /** min(max(x, minimum), maximum). */
  clip: {
    parameters: { minimum: Number.NEGATIVE_INFINITY, maximum: Number.POSITIVE_INFINITY },
    value: (x, p) => s.min(s.max(x, p.minimum!), p.maximum!),
    derivative: (x, _y, p) => s.mul(s.lessEqual(p.minimum!, x), s.lessEqual(x, p.maximum!)),
    kinks: (p) => [p.minimum!, p.maximum!].filter(Number.isFinite),
  },
  negate: { parameters: none, value: (x) => s.neg(x), derivative: () => constant(-1) },
  absolute: {
    parameters: none,
    value: (x) => s.abs(x),
    derivative: (x) => s.sub(s.less(0, x), s.less(x, 0)),
    kinks: () => [0],
  },
  square: { parameters: none, value: (x) => s.mul(x, x), derivative: (x) => s.mul(2, x) },
  squareRoot: { parameters: none, value: (x) => s.sqrt(x), derivative: (_x, y) => s.div(0.5, y) },
  reciprocal: {
    parameters: none,
    value: (x) => s.div(1, x),
    derivative: (_x, y) => s.neg(s.mul(y, y)),
  },
  exponential: { parameters: none, value: (x) => s.exp(x), derivative: (_x, y) => y },
  logarithm: { parameters: none, value: (x) => s.log(x), derivative: (x) => s.div(1, x) },
  erf: {
    parameters: none,
    value: (x) => s.erf(x),
    derivative: (x) => s.mul(2 / Math.sqrt(Math.PI), s.exp(s.neg(s.mul(x, x)))),
  },
  sine: { parameters: none, value: (x) => s.sin(x), derivative: (x) => s.cos(x) },
  cosine: { parameters: none, value: (x) => s.cos(x), derivative: (x) => s.neg(s.sin(x)) },
  floor: {
    parameters: none,
    value: (x) => s.floor(x),
    derivative: () => undefined,
    kinks: () => [-2, -1, 0, 1, 2],
  },
  ceil: {
    parameters: none,
    value: (x) => s.neg(s.floor(s.neg(x))),
    derivative: () => undefined,
    kinks: () => [-2, -1, 0, 1, 2],
  },
  round: {
    parameters: none,
    value: (x) => s.round(x),
    derivative: () => undefined,
    kinks: () => [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5],
  },
  sign: {
    parameters: none,
    value: (x) => s.sub(s.less(0, x), s.less(x, 0)),
    derivative: () => undefined,
    kinks: () => [0],
  },
  /** x, through which no gradient passes. */
  stopGradient: { parameters: none, value: (x) => x, derivative: () => undefined },
} as const satisfies Record<string, UnaryFunction>;

export type UnaryName = keyof typeof unaryFunctions;

export type UnaryAttributes = {
  readonly function: UnaryName;
  readonly parameters: UnaryParameters;
};

/**
 * A row of {@link unaryFunctions} applied to each element: `y = f(x)`, `dx = dy · f′(x)`. Shape and
 * order of the elements stay as they are.
 */
export const unaryOp: PrimitiveOp<UnaryAttributes> = {
  name: "unary",
  kind: "primitive",
  integers: true,
  infer: ([x]) => [{ shape: x!.shape, dtype: "float32" }],
  gradient({ inputs, outputs, attributes, gradients }) {
    const row: UnaryFunction = unaryFunctions[attributes.function];
    const slope = row.derivative(
      { kind: "input", index: 0 },
      { kind: "input", index: 1 },
      attributes.parameters,
    );
    if (slope === undefined) return [undefined];
    const dy: Expression = { kind: "input", index: 2 };
    return [elementwise([inputs[0]!, outputs[0]!, gradients[0]!], s.mul(dy, slope))];
  },
};

/** The expression of a unary node over its input 0. */
export function unaryExpression(attributes: UnaryAttributes): Expression {
  const row: UnaryFunction = unaryFunctions[attributes.function];
  return row.value({ kind: "input", index: 0 }, attributes.parameters);
}

/** Applies a unary function by name; parameters left out have the table's defaults. */
export function unary(x: Value, name: UnaryName, parameters: UnaryParameters = {}): Value {
  const row: UnaryFunction = lookUp(unaryFunctions, name, "unary function");
  for (const key of Object.keys(parameters)) {
    if (!Object.hasOwn(row.parameters, key)) {
      const known = Object.keys(row.parameters);
      throw new OptionError(
        `${name}: unknown parameter "${key}"; it takes ${known.length === 0 ? "none" : known.join(", ")}.`,
      );
    }
  }
  const complete = { ...row.parameters, ...parameters };
  return x.builder.add(unaryOp, [x], { function: name, parameters: complete }, name)[0]!;
}

export const relu = (x: Value): Value => unary(x, "relu");
export const tanh = (x: Value): Value => unary(x, "tanh");
export const sigmoid = (x: Value): Value => unary(x, "sigmoid");
export const exp = (x: Value): Value => unary(x, "exponential");
export const log = (x: Value): Value => unary(x, "logarithm");
export const sqrt = (x: Value): Value => unary(x, "squareRoot");
export const square = (x: Value): Value => unary(x, "square");
export const abs = (x: Value): Value => unary(x, "absolute");
export const stopGradient = (x: Value): Value => unary(x, "stopGradient");
