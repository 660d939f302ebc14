import { OptionError } from "../core/errors.ts";
import { elementCount } from "../core/shape.ts";
import type { Value } from "../graph/builder.ts";
import { divide, multiply } from "../graph/ops/binary.ts";
import { reduceMean, reduceSum } from "../graph/ops/reduce.ts";

/** How losses of single elements become one: averaged, added up, or left as they are. */
export type Reduction = "mean" | "sum" | "none";

/** The option that every loss has. */
export interface LossOptions {
  /** Default `mean`, as PyTorch. */
  readonly reduction?: Reduction;
}

/** Throws unless a reduction is one of those named; options may come from a file. */
export function checkReduction<R extends string>(
  reduction: R,
  known: readonly R[],
  where: string,
): R {
  if (!known.includes(reduction)) {
    throw new OptionError(
      `${where}: reduction "${reduction}"; expected one of ${known.join(", ")}.`,
    );
  }
  return reduction;
}

/** Reduces losses of single elements; `weights`, where given, are what a mean divides by, added up. */
export function reduceLoss(
  losses: Value,
  reduction: Reduction,
  where: string,
  weights?: Value,
): Value {
  checkReduction(reduction, ["mean", "sum", "none"], where);
  if (reduction === "none") return losses;
  if (reduction === "sum") return reduceSum(losses);
  if (weights === undefined) return reduceMean(losses);
  return divide(reduceSum(losses), reduceSum(weights));
}

/** Adds up and divides by the size of the first axis: PyTorch's `batchmean`. */
export function batchMean(losses: Value): Value {
  return multiply(
    reduceSum(losses),
    1 / Math.max(1, losses.shape[0] ?? elementCount(losses.shape)),
  );
}
