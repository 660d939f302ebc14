import { ShapeError } from "../core/errors.ts";
import { formatShape, sameShape } from "../core/shape.ts";
import type { Value } from "../graph/builder.ts";
import { input, scalar as s } from "../graph/expression.ts";
import { elementwise } from "../graph/ops/elementwise.ts";
import { batchMean, checkReduction, type Reduction, reduceLoss } from "./reduction.ts";

/** Options of {@link klDiv}. */
export interface KlDivOptions {
  /** `batchMean` adds up and divides by N, the divergence of an example. Default `mean` (over all elements), as PyTorch. */
  readonly reduction?: Reduction | "batchMean";
  /** Whether the target is given as logarithms too. Default false. */
  readonly logTarget?: boolean;
}

/**
 * Kullback–Leibler divergence of a model q from a target distribution p: `p·(ln p − ln q)` per element, 0 where
 * p = 0; slope `−p` with respect to `ln q`.
 *
 * `logProbabilities` are ln q; `target` is p, or ln p under `logTarget`, of the same shape. Source: Kullback &
 * Leibler 1951; argument order of PyTorch's `kl_div`.
 */
export function klDiv(logProbabilities: Value, target: Value, options: KlDivOptions = {}): Value {
  const where = "klDiv";
  if (!sameShape(logProbabilities.shape, target.shape)) {
    throw new ShapeError(
      `${where}: log-probabilities ${formatShape(logProbabilities.shape)} and target ${formatShape(target.shape)} must have one shape.`,
    );
  }
  const { reduction = "mean", logTarget = false } = options;
  checkReduction(reduction, ["mean", "sum", "none", "batchMean"], where);
  const [q, p] = [input(0), input(1)];
  const losses = elementwise(
    [logProbabilities, target],
    logTarget
      ? s.mul(s.exp(p), s.sub(p, q))
      : s.sub(s.select(s.less(0, p), s.mul(p, s.log(p)), 0), s.mul(p, q)),
    where,
  );
  return reduction === "batchMean" ? batchMean(losses) : reduceLoss(losses, reduction, where);
}
