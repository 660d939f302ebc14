import { GraphError } from "../../core/errors.ts";
import { broadcastShapes } from "../../core/shape.ts";
import type { Value } from "../builder.ts";
import { differentiate } from "../derivative.ts";
import { type Expression, formatExpression } from "../expression.ts";
import type { PrimitiveOp } from "../op.ts";
import { sumTo } from "./broadcast.ts";

export type ElementwiseAttributes = {
  /** One per output, over the inputs by index. */
  readonly expressions: readonly Expression[];
};

/**
 * Scalar expressions applied element by element: `yᵢ[…] = eᵢ(x₀[…], x₁[…], …)`.
 *
 * Inputs broadcast against each other as in NumPy; all outputs have the common shape and are float32.
 * `∂/∂xⱼ = Σᵢ dyᵢ · ∂eᵢ/∂xⱼ`, summed over the axes along which `xⱼ` was broadcast; the partial
 * derivatives are those of graph/derivative.ts. Fusion gathers chains of operations into one such node.
 */
export const elementwiseOp: PrimitiveOp<ElementwiseAttributes> = {
  name: "elementwise",
  kind: "primitive",
  integers: true,
  infer(inputs, { expressions }, where) {
    if (expressions.length === 0) throw new GraphError(`${where}: no expressions.`);
    const shape = broadcastShapes(
      inputs.map((input) => input.shape),
      where,
    );
    return expressions.map(() => ({ shape, dtype: "float32" as const }));
  },
  gradient({ inputs, attributes, gradients, needed }) {
    return inputs.map((input, j) => {
      if (!needed[j] || input.dtype !== "float32") return undefined;
      return gradientOf(input, j, inputs, attributes.expressions, gradients);
    });
  },
};

function gradientOf(
  target: Value,
  index: number,
  inputs: readonly Value[],
  expressions: readonly Expression[],
  gradients: readonly (Value | undefined)[],
): Value | undefined {
  const operands = [...inputs];
  let total: Expression | undefined;
  expressions.forEach((expression, i) => {
    const upstream = gradients[i];
    if (upstream === undefined) return;
    const partial = differentiate(expression, index);
    if (partial === undefined) return;
    const dy: Expression = { kind: "input", index: operands.push(upstream) - 1 };
    const term: Expression =
      partial.kind === "constant" && partial.value === 1
        ? dy
        : { kind: "call", function: "multiply", arguments: [dy, partial] };
    total =
      total === undefined ? term : { kind: "call", function: "add", arguments: [total, term] };
  });
  if (total === undefined) return undefined;
  return sumTo(elementwise(operands, total), target.shape);
}

/** Applies one expression to inputs, which are first reduced to those it reads. */
export function elementwise(
  inputs: readonly Value[],
  expression: Expression,
  name?: string,
): Value {
  const used: number[] = [];
  const renumber = (e: Expression): Expression => {
    if (e.kind === "constant") return e;
    if (e.kind === "call") return { ...e, arguments: e.arguments.map(renumber) };
    let position = used.findIndex((u) => inputs[u] === inputs[e.index]);
    if (position < 0) position = used.push(e.index) - 1;
    return { kind: "input", index: position };
  };
  const renumbered = renumber(expression);
  if (renumbered.kind === "input" && used.length === 1) {
    const only = inputs[used[0]!]!;
    if (only.dtype === "float32") return only;
  }
  const builder = inputs[0]?.builder;
  if (builder === undefined) {
    throw new GraphError(
      `elementwise: the expression ${formatExpression(expression)} has no inputs; use a constant.`,
    );
  }
  const operands = used.map((u) => inputs[u]!);
  if (operands.length === 0) {
    return builder.constant(constantValue(renumbered));
  }
  return builder.add(elementwiseOp, operands, { expressions: [renumbered] }, name)[0]!;
}

function constantValue(expression: Expression): number {
  if (expression.kind === "constant") return expression.value;
  throw new GraphError(
    `elementwise: ${formatExpression(expression)} reads no input; fold it into a number.`,
  );
}
