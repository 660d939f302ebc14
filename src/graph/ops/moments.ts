import { normalizeAxis } from "../../core/shape.ts";
import type { Value } from "../builder.ts";
import { type Expression, input, scalar as s } from "../expression.ts";
import type { PrimitiveOp } from "../op.ts";
import { broadcastTo } from "./broadcast.ts";
import { elementwise } from "./elementwise.ts";
import { reducedShape } from "./reduce.ts";

export type MomentsAttributes = {
  /** Ascending, no axis twice. */
  readonly axes: readonly number[];
};

/**
 * Mean and biased variance over some axes, which stay with size 1:
 * `μ = Σ x / m`, `σ² = Σ (x − μ)² / m`; `dx = (dμ + 2(x − μ) dσ²) / m`.
 *
 * Backends compute the variance from differences to the mean (or by Chan's merging of such sums),
 * never as `E[x²] − μ²`, which loses all digits where |μ| ≫ σ.
 * Source: Chan, Golub & LeVeque 1983.
 */
export const momentsOp: PrimitiveOp<MomentsAttributes> = {
  name: "moments",
  kind: "primitive",
  infer([x], { axes }, where) {
    for (const axis of axes) normalizeAxis(axis, x!.shape.length, where);
    const shape = reducedShape(x!.shape, axes, true);
    return [
      { shape, dtype: "float32" },
      { shape, dtype: "float32" },
    ];
  },
  gradient({ inputs, outputs, attributes, gradients }) {
    const [x] = inputs;
    const [dMean, dVariance] = gradients;
    const count = attributes.axes.reduce((n, axis) => n * x!.shape[axis]!, 1);
    const operands = [x!, outputs[0]!];
    let sum: Expression | undefined;
    if (dVariance !== undefined) {
      const slope = input(operands.push(dVariance) - 1);
      sum = s.mul(s.mul(2, slope), s.sub(input(0), input(1)));
    }
    if (dMean !== undefined) {
      const slope = input(operands.push(dMean) - 1);
      sum = sum === undefined ? slope : s.add(slope, sum);
    }
    if (sum === undefined) return [undefined];
    return [broadcastTo(elementwise(operands, s.mul(sum, 1 / count)), x!.shape)];
  },
};

/** Mean and biased variance of `x` over `axes`, each with those axes kept at size 1. */
export function moments(x: Value, axes: readonly number[]): { mean: Value; variance: Value } {
  const sorted = axes
    .map((axis) => normalizeAxis(axis, x.shape.length, "moments"))
    .sort((a, b) => a - b);
  const [mean, variance] = x.builder.add(momentsOp, [x], { axes: sorted }, "moments");
  return { mean: mean!, variance: variance! };
}
