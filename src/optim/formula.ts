import type { Value } from "../graph/builder.ts";
import { constant, type Expression, input } from "../graph/expression.ts";
import { elementwise } from "../graph/ops/elementwise.ts";

/** A tensor, or a number known when the graph is built. */
export type Quantity = Value | number;

/**
 * One equation of an optimiser as one element-wise node: `build` gets an expression for each operand, and
 * numbers become constants. At least one operand is a tensor; scalars `[]` broadcast.
 *
 * @example
 * const next = formula({ x, g, lr }, ({ x, g, lr }) => s.sub(x, s.mul(lr, g)));
 */
export function formula<K extends string>(
  operands: Readonly<Record<K, Quantity>>,
  build: (operands: Readonly<Record<K, Expression>>) => Expression,
): Value {
  const tensors: Value[] = [];
  const expressions = {} as Record<K, Expression>;
  for (const name of Object.keys(operands) as K[]) {
    const operand = operands[name];
    expressions[name] =
      typeof operand === "number" ? constant(operand) : input(tensors.push(operand) - 1);
  }
  return elementwise(tensors, build(expressions));
}
