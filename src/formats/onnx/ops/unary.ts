import { type Expression, input, scalar as s } from "../../../graph/expression.ts";
import type { ElementType } from "../../elementType.ts";
import type { NodeContext } from "../nodeContext.ts";
import { isIntegerType, typed } from "../onnxTensor.ts";
import { elementTypeOf } from "../proto/dataTypes.ts";
import { built, named, type Pointwise } from "./pointwise.ts";

const x = input(0);

/** A function of one number written out. */
const formula = (expression: (node: NodeContext) => Expression): Pointwise => ({ expression });

/** A function of one number that is true or false. */
const test = (expression: (node: NodeContext) => Expression): Pointwise => ({
  expression,
  type: () => "bool",
});

const alpha = (otherwise: number) => (node: NodeContext) => ({
  alpha: node.float("alpha", otherwise),
});

/** What is before the point of a number. */
export function truncated(e: Expression): Expression {
  return s.select(s.less(e, 0), s.neg(s.floor(s.neg(e))), s.floor(e));
}

/** Numbers as another type has them: integers lose what is behind the point, truth values become 0 and 1. */
function cast(type: (node: NodeContext) => ElementType): Pointwise {
  const expression = (node: NodeContext): Expression => {
    const [from, to] = [node.type(0), type(node)];
    if (to === "bool" && from !== "bool") return s.sub(1, s.equal(x, 0));
    const isWhole = isIntegerType(from) || from === "bool";
    return isIntegerType(to) && !isWhole ? truncated(x) : x;
  };
  const row = { expression, type };
  return {
    ...row,
    build(node) {
      const keeps = isIntegerType(type(node)) && isIntegerType(node.type(0));
      return keeps ? typed(node.raw(0), type(node)) : built(node, row);
    },
  };
}

/** Functions of single numbers. */
export const unaryRows: Readonly<Record<string, Pointwise>> = {
  Abs: named("absolute"),
  Cast: cast((node) => elementTypeOf(node.int("to", 1), node.where)),
  CastLike: cast((node) => node.type(1)),
  Ceil: named("ceil"),
  Celu: named("celu", alpha(1)),
  Cos: named("cosine"),
  Cosh: formula(() => s.mul(0.5, s.add(s.exp(x), s.exp(s.neg(x))))),
  Elu: named("elu", alpha(1)),
  Erf: named("erf"),
  Exp: named("exponential"),
  Floor: named("floor"),
  HardSigmoid: named("hardSigmoid", (node) => ({
    alpha: node.float("alpha", 0.2),
    beta: node.float("beta", 0.5),
  })),
  HardSwish: named("hardSwish"),
  IsInf: test((node) => {
    const never = s.less(x, x);
    const infinite = Number.POSITIVE_INFINITY;
    const above = node.int("detect_positive", 1) === 0 ? never : s.equal(x, infinite);
    const below = node.int("detect_negative", 1) === 0 ? never : s.equal(x, -infinite);
    return s.max(above, below);
  }),
  IsNaN: test(() => s.sub(1, s.equal(x, x))),
  LeakyRelu: named("leakyRelu", (node) => ({ negativeSlope: node.float("alpha", 0.01) })),
  Log: named("logarithm"),
  Mish: named("mish"),
  Neg: named("negate"),
  Not: test(() => s.equal(x, 0)),
  Reciprocal: named("reciprocal"),
  Relu: named("relu"),
  Round: named("round"),
  Selu: named("selu", (node) => ({
    alpha: node.float("alpha", node.opset < 6 ? 1.6732 : 1.6732631921768188),
    scale: node.float("gamma", node.opset < 6 ? 1.0507 : 1.0507010221481323),
  })),
  Shrink: formula((node) => {
    const bias = node.float("bias", 0);
    const lambda = node.float("lambd", 0.5);
    const above = s.select(s.less(lambda, x), s.sub(x, bias), 0);
    return s.select(s.less(x, -lambda), s.add(x, bias), above);
  }),
  Sigmoid: named("sigmoid"),
  Sign: named("sign"),
  Sin: named("sine"),
  Sinh: formula(() => s.mul(0.5, s.sub(s.exp(x), s.exp(s.neg(x))))),
  Softplus: named("softplus"),
  Softsign: named("softsign"),
  Sqrt: named("squareRoot"),
  Swish: formula((node) => s.div(x, s.add(1, s.exp(s.mul(-node.float("alpha", 1), x))))),
  Tan: formula(() => s.div(s.sin(x), s.cos(x))),
  Tanh: named("tanh"),
  ThresholdedRelu: named("thresholdedRelu", alpha(1)),
};
