import { normalizeAxis } from "../../core/shape.ts";
import type { Value } from "../builder.ts";
import { input, scalar as s } from "../expression.ts";
import type { CompositeOp } from "../op.ts";
import { elementwise } from "./elementwise.ts";
import { reduceMax, reduceSum } from "./reduce.ts";
import { stopGradient } from "./unary.ts";

export type SoftmaxAttributes = { readonly axis: number };

/**
 * `yᵢ = e^(xᵢ − m) / Σⱼ e^(xⱼ − m)` along one axis, with `m = max x` so that nothing overflows; `m`
 * cancels, and no gradient flows through it. `dxᵢ = yᵢ (dyᵢ − Σⱼ dyⱼ yⱼ)`.
 */
export const softmaxOp: CompositeOp<SoftmaxAttributes> = {
  name: "softmax",
  kind: "composite",
  infer: ([x], { axis }, where) => {
    normalizeAxis(axis, x!.shape.length, where);
    return [{ shape: x!.shape, dtype: "float32" }];
  },
  decompose([x], { axis }) {
    const exponentials = exponentialsBelowMaximum(x!, axis).exponentials;
    const sum = reduceSum(exponentials, { axes: [axis], keepDims: true });
    return [elementwise([exponentials, sum], s.div(input(0), input(1)))];
  },
};

/** `yᵢ = xᵢ − m − ln Σⱼ e^(xⱼ − m)`: the logarithm of {@link softmaxOp} without its loss of digits. */
export const logSoftmaxOp: CompositeOp<SoftmaxAttributes> = {
  name: "logSoftmax",
  kind: "composite",
  infer: softmaxOp.infer,
  decompose([x], { axis }) {
    const { shifted, exponentials } = exponentialsBelowMaximum(x!, axis);
    const sum = reduceSum(exponentials, { axes: [axis], keepDims: true });
    return [elementwise([shifted, sum], s.sub(input(0), s.log(input(1))))];
  },
};

function exponentialsBelowMaximum(x: Value, axis: number): { shifted: Value; exponentials: Value } {
  const largest = stopGradient(reduceMax(x, { axes: [axis], keepDims: true }));
  const shifted = elementwise([x, largest], s.sub(input(0), input(1)));
  return { shifted, exponentials: elementwise([shifted], s.exp(input(0))) };
}

/** Softmax along `axis` (1 if left out). */
export function softmax(x: Value, axis = 1): Value {
  const a = normalizeAxis(axis, x.shape.length, "softmax");
  return x.builder.add(softmaxOp, [x], { axis: a })[0]!;
}

/** Logarithm of the softmax along `axis` (1 if left out). */
export function logSoftmax(x: Value, axis = 1): Value {
  const a = normalizeAxis(axis, x.shape.length, "logSoftmax");
  return x.builder.add(logSoftmaxOp, [x], { axis: a })[0]!;
}
