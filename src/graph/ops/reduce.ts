import { GraphError } from "../../core/errors.ts";
import { broadcastShapes, normalizeAxis, type Shape } from "../../core/shape.ts";
import type { Value } from "../builder.ts";
import { differentiate } from "../derivative.ts";
import { type Expression, input, scalar as s } from "../expression.ts";
import type { PrimitiveOp } from "../op.ts";
import { broadcastTo, sumTo } from "./broadcast.ts";
import { elementwise } from "./elementwise.ts";
import { reshape } from "./reshape.ts";

export type ReduceKind = "sum" | "product" | "maximum" | "minimum";

export type ReduceAttributes = {
  readonly kind: ReduceKind;
  /** Ascending, no axis twice, counted in the broadcast shape of the inputs. */
  readonly axes: readonly number[];
  readonly keepDims: boolean;
  /** One per output, computed from the inputs element by element before reducing. */
  readonly expressions: readonly Expression[];
};

/** The shape that is left when `axes` are reduced. */
export function reducedShape(shape: Shape, axes: readonly number[], keepDims: boolean): number[] {
  const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  return keepDims ? kept : kept.filter((_, axis) => !axes.includes(axis));
}

/**
 * Sums, products, maxima or minima over some axes: `yᵢ = Σ eᵢ(x₀, x₁, …)`, where the inputs broadcast.
 *
 * Derivatives: of a sum `dx = dy` repeated; of a maximum or minimum `dy` shared equally among the
 * elements that reach it (PyTorch's `amax`); of a product `dy · y / x`.
 */
export const reduceOp: PrimitiveOp<ReduceAttributes> = {
  name: "reduce",
  kind: "primitive",
  integers: true,
  infer(inputs, { axes, keepDims, expressions }, where) {
    if (expressions.length === 0) throw new GraphError(`${where}: no expressions.`);
    const full = broadcastShapes(
      inputs.map((value) => value.shape),
      where,
    );
    for (const axis of axes) normalizeAxis(axis, full.length, where);
    const shape = reducedShape(full, axes, keepDims);
    return expressions.map(() => ({ shape, dtype: "float32" as const }));
  },
  gradient({ inputs, outputs, attributes, gradients, needed }) {
    const { kind, axes, expressions } = attributes;
    const full = broadcastShapes(
      inputs.map((value) => value.shape),
      "reduce",
    );
    const kept = reducedShape(full, axes, true);
    return inputs.map((target, j) => {
      if (!needed[j] || target.dtype !== "float32") return undefined;
      let total: Value | undefined;
      expressions.forEach((expression, i) => {
        const upstream = gradients[i];
        const inner = differentiate(expression, j);
        if (upstream === undefined || inner === undefined) return;
        const operands = [...inputs];
        const dy = input(operands.push(reshape(upstream, kept)) - 1);
        let slope: Expression = dy;
        if (kind !== "sum") {
          const y = input(operands.push(reshape(outputs[i]!, kept)) - 1);
          if (kind === "product") slope = s.mul(dy, s.div(y, expression));
          else {
            const hit = elementwise(operands, s.equal(expression, y));
            const ties = input(operands.push(reduceSum(hit, { axes, keepDims: true })) - 1);
            slope = s.div(s.select(s.equal(expression, y), dy, 0), ties);
          }
        }
        const plain = inner.kind === "constant" && inner.value === 1;
        const term = elementwise(operands, plain ? slope : s.mul(slope, inner));
        const spread = broadcastTo(term, full);
        total =
          total === undefined ? spread : elementwise([total, spread], s.add(input(0), input(1)));
      });
      return total === undefined ? undefined : sumTo(total, target.shape);
    });
  },
};

/** Options of a reduction. */
export interface ReduceOptions {
  /** Axes to reduce, from the front or, negative, from the back. All if left out. */
  readonly axes?: readonly number[];
  /** Keep reduced axes with size 1. Default false, as PyTorch. */
  readonly keepDims?: boolean;
}

function reduce(x: Value, kind: ReduceKind, options: ReduceOptions): Value {
  const { keepDims = false } = options;
  const rank = x.shape.length;
  const axes = (options.axes ?? x.shape.map((_, axis) => axis)).map((axis) =>
    normalizeAxis(axis, rank, `reduce ${kind}`),
  );
  const sorted = [...new Set(axes)].sort((a, b) => a - b);
  if (sorted.length === 0) return x;
  return x.builder.add(
    reduceOp,
    [x],
    { kind, axes: sorted, keepDims, expressions: [input(0)] },
    kind,
  )[0]!;
}

export const reduceSum = (x: Value, options: ReduceOptions = {}): Value =>
  reduce(x, "sum", options);
export const reduceProduct = (x: Value, options: ReduceOptions = {}): Value =>
  reduce(x, "product", options);
export const reduceMax = (x: Value, options: ReduceOptions = {}): Value =>
  reduce(x, "maximum", options);
export const reduceMin = (x: Value, options: ReduceOptions = {}): Value =>
  reduce(x, "minimum", options);

/** The mean over some axes: the sum times one over the count. */
export function reduceMean(x: Value, options: ReduceOptions = {}): Value {
  const sum = reduceSum(x, options);
  const axes = options.axes?.map((axis) => normalizeAxis(axis, x.shape.length, "reduce mean"));
  const count = x.shape.reduce(
    (n, size, axis) => (axes === undefined || axes.includes(axis) ? n * size : n),
    1,
  );
  return elementwise([sum], s.mul(input(0), 1 / count), "mean");
}
