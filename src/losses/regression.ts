import { OptionError, ShapeError } from "../core/errors.ts";
import { formatShape, sameShape } from "../core/shape.ts";
import type { Value } from "../graph/builder.ts";
import { type Expression, input, scalar as s } from "../graph/expression.ts";
import { elementwise } from "../graph/ops/elementwise.ts";
import { type LossOptions, reduceLoss } from "./reduction.ts";

function compare(
  x: Value,
  target: Value,
  where: string,
  options: LossOptions,
  loss: (difference: Expression) => Expression,
): Value {
  if (!sameShape(x.shape, target.shape)) {
    throw new ShapeError(
      `${where}: input ${formatShape(x.shape)} and target ${formatShape(target.shape)} must have one shape.`,
    );
  }
  const losses = elementwise([x, target], loss(s.sub(input(0), input(1))), where);
  return reduceLoss(losses, options.reduction ?? "mean", where);
}

function positive(value: number, what: string): number {
  if (!(value > 0)) throw new OptionError(`${what} ${value}: expected a positive number.`);
  return value;
}

/** Mean squared error: `(x − t)²`, slope `2(x − t)`. Averaged over all elements, as PyTorch. */
export function mse(x: Value, target: Value, options: LossOptions = {}): Value {
  return compare(x, target, "mse", options, (d) => s.mul(d, d));
}

/** Absolute error: `|x − t|`, slope 0 where they meet. */
export function l1(x: Value, target: Value, options: LossOptions = {}): Value {
  return compare(x, target, "l1", options, (d) => s.abs(d));
}

/**
 * Squared near the target, absolute far from it: with `d = |x − t|`, `d²/(2β)` below β and `d − β/2` from there
 * on; slope 1 far out. Source: Girshick 2015, equation 3; β 1, as PyTorch.
 */
export function smoothL1(
  x: Value,
  target: Value,
  options: LossOptions & { readonly beta?: number } = {},
): Value {
  const beta = positive(options.beta ?? 1, "smoothL1: beta");
  return compare(x, target, "smoothL1", options, (difference) => {
    const d = s.abs(difference);
    return s.select(s.less(d, beta), s.mul(0.5 / beta, s.mul(d, d)), s.sub(d, 0.5 * beta));
  });
}

/**
 * Huber's loss: with `d = |x − t|`, `d²/2` up to δ and `δ(d − δ/2)` beyond; slope δ far out, which is δ times
 * {@link smoothL1} with β = δ. Source: Huber 1964; δ 1, as PyTorch.
 */
export function huber(
  x: Value,
  target: Value,
  options: LossOptions & { readonly delta?: number } = {},
): Value {
  const delta = positive(options.delta ?? 1, "huber: delta");
  return compare(x, target, "huber", options, (difference) => {
    const d = s.abs(difference);
    return s.select(
      s.lessEqual(d, delta),
      s.mul(0.5, s.mul(d, d)),
      s.mul(delta, s.sub(d, 0.5 * delta)),
    );
  });
}
