import {
  type UnaryAttributes,
  type UnaryName,
  type UnaryParameters,
  unaryExpression,
} from "../../../graph/ops/unary.ts";
import { writeExpression } from "./expressions.ts";
import type { NodeList } from "./nodeList.ts";

/**
 * How a function of one number is written: an operator of the same meaning; nodes of one's own; or its `expression`, where
 * operator set 18 has no operator for it.
 */
type UnaryWriter =
  | { readonly operator: string }
  | "expression"
  | ((x: string, p: UnaryParameters, list: NodeList, path: string) => string);

const operator = (name: string): UnaryWriter => ({ operator: name });

function clip(x: string, low: number, high: number, list: NodeList, path: string): string {
  const bound = (value: number) => (Number.isFinite(value) ? list.number(value) : "");
  const inputs = [x, bound(low), bound(high)];
  while (inputs.at(-1) === "") inputs.pop();
  return inputs.length === 1 ? x : list.add("Clip", inputs, path);
}

/** Every row of the table of unary functions. */
const unaryWriters: { readonly [K in UnaryName]: UnaryWriter } = {
  relu: operator("Relu"),
  relu6: (x, _, list, path) => clip(x, 0, 6, list, path),
  leakyRelu: (x, p, list, path) =>
    list.add("LeakyRelu", [x], path, { alpha: { float: p.negativeSlope! } }),
  elu: (x, p, list, path) => list.add("Elu", [x], path, { alpha: { float: p.alpha! } }),
  selu: (x, p, list, path) =>
    list.add("Selu", [x], path, { alpha: { float: p.alpha! }, gamma: { float: p.scale! } }),
  gelu: "expression",
  geluTanh: "expression",
  silu: (x, _, list, path) => list.add("Mul", [x, list.add("Sigmoid", [x], path)], path),
  mish: operator("Mish"),
  hardSwish: operator("HardSwish"),
  hardSigmoid: (x, p, list, path) =>
    list.add("HardSigmoid", [x], path, { alpha: { float: p.alpha! }, beta: { float: p.beta! } }),
  sigmoid: operator("Sigmoid"),
  tanh: operator("Tanh"),
  scaledTanh: "expression",
  softplus: "expression",
  softsign: operator("Softsign"),
  thresholdedRelu: (x, p, list, path) =>
    list.add("ThresholdedRelu", [x], path, { alpha: { float: p.alpha! } }),
  celu: (x, p, list, path) => list.add("Celu", [x], path, { alpha: { float: p.alpha! } }),
  clip: (x, p, list, path) => clip(x, p.minimum!, p.maximum!, list, path),
  negate: operator("Neg"),
  absolute: operator("Abs"),
  square: (x, _, list, path) => list.add("Mul", [x, x], path),
  squareRoot: operator("Sqrt"),
  reciprocal: operator("Reciprocal"),
  exponential: operator("Exp"),
  logarithm: operator("Log"),
  erf: operator("Erf"),
  sine: operator("Sin"),
  cosine: operator("Cos"),
  floor: operator("Floor"),
  ceil: operator("Ceil"),
  round: operator("Round"),
  sign: operator("Sign"),
  stopGradient: (x) => x,
};

/** Writes a function of one number applied to each element. */
export function writeUnary(
  attributes: UnaryAttributes,
  x: string,
  list: NodeList,
  path: string,
): string {
  const writer = unaryWriters[attributes.function];
  if (writer === "expression") {
    return writeExpression(unaryExpression(attributes), [x], list, path);
  }
  if (typeof writer === "function") return writer(x, attributes.parameters, list, path);
  return list.add(writer.operator, [x], path);
}
