import { GraphError } from "../../core/errors.ts";
import { broadcastShapes } from "../../core/shape.ts";
import { Value } from "../builder.ts";
import { call, type Expression, type ScalarFunction } from "../expression.ts";
import type { PrimitiveOp } from "../op.ts";
import { elementwise, elementwiseOp } from "./elementwise.ts";

/** Functions of two numbers; each is the scalar function of the same name. */
export const binaryFunctions = [
  "add",
  "subtract",
  "multiply",
  "divide",
  "minimum",
  "maximum",
  "power",
  "less",
  "lessEqual",
  "equal",
] as const satisfies readonly ScalarFunction[];

export type BinaryName = (typeof binaryFunctions)[number];

export type BinaryAttributes = { readonly function: BinaryName };

/**
 * A function of two tensors, element by element: `z = f(x, y)`, broadcast as in NumPy.
 * Gradients are those of the expression, summed over broadcast axes; at a tie of minimum or maximum all of
 * it goes to `x`.
 */
export const binaryOp: PrimitiveOp<BinaryAttributes> = {
  name: "binary",
  kind: "primitive",
  integers: true,
  infer([x, y], _, where) {
    return [{ shape: broadcastShapes([x!.shape, y!.shape], where), dtype: "float32" }];
  },
  gradient: (context) =>
    gradientOfExpression({
      ...context,
      attributes: { expressions: [binaryExpression(context.attributes)] },
    }),
};

function gradientOfExpression(
  context: Parameters<Exclude<(typeof elementwiseOp)["gradient"], "none">>[0],
): readonly (Value | undefined)[] {
  if (elementwiseOp.gradient === "none") throw new GraphError("elementwise has a gradient.");
  return elementwiseOp.gradient(context);
}

/** The expression of a binary node over its inputs 0 and 1. */
export function binaryExpression(attributes: BinaryAttributes): Expression {
  return call(attributes.function, { kind: "input", index: 0 }, { kind: "input", index: 1 });
}

/** A tensor, or a number that becomes a constant of the graph. */
export type Tensorlike = Value | number;

function binary(name: BinaryName, x: Tensorlike, y: Tensorlike): Value {
  const builder = x instanceof Value ? x.builder : y instanceof Value ? y.builder : undefined;
  if (builder === undefined)
    throw new GraphError(`${name}: at least one operand must be a tensor.`);
  const a = x instanceof Value ? x : builder.constant(x);
  const b = y instanceof Value ? y : builder.constant(y);
  return builder.add(binaryOp, [a, b], { function: name }, name)[0]!;
}

export const add = (x: Tensorlike, y: Tensorlike): Value => binary("add", x, y);
export const subtract = (x: Tensorlike, y: Tensorlike): Value => binary("subtract", x, y);
export const multiply = (x: Tensorlike, y: Tensorlike): Value => binary("multiply", x, y);
export const divide = (x: Tensorlike, y: Tensorlike): Value => binary("divide", x, y);
export const minimum = (x: Tensorlike, y: Tensorlike): Value => binary("minimum", x, y);
export const maximum = (x: Tensorlike, y: Tensorlike): Value => binary("maximum", x, y);
export const power = (x: Tensorlike, y: Tensorlike): Value => binary("power", x, y);
/** 1 where x < y, else 0. */
export const less = (x: Tensorlike, y: Tensorlike): Value => binary("less", x, y);
/** 1 where x ≤ y, else 0. */
export const lessEqual = (x: Tensorlike, y: Tensorlike): Value => binary("lessEqual", x, y);
/** 1 where x = y, else 0. */
export const equal = (x: Tensorlike, y: Tensorlike): Value => binary("equal", x, y);

/** `condition ≠ 0 ? x : y`, element by element; no gradient flows into the condition. */
export function select(condition: Value, x: Tensorlike, y: Tensorlike): Value {
  const { builder } = condition;
  const a = x instanceof Value ? x : builder.constant(x);
  const b = y instanceof Value ? y : builder.constant(y);
  const inputs = [0, 1, 2].map((index): Expression => ({ kind: "input", index }));
  return elementwise([condition, a, b], call("select", ...inputs), "select");
}
