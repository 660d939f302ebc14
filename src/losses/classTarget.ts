import { GraphError, OptionError, ShapeError } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import type { Value } from "../graph/builder.ts";
import { input, scalar as s } from "../graph/expression.ts";
import { elementwise } from "../graph/ops/elementwise.ts";
import { oneHot } from "../graph/ops/oneHot.ts";
import { reduceSum } from "../graph/ops/reduce.ts";

/** The target class of no example: its loss is 0 and a mean does not count it. −100, as PyTorch. */
export const defaultIgnoreIndex = -100;

/** Integer targets, made ready for arithmetic. */
export interface ClassTarget {
  /** Number of classes: axis 1 of the scores. */
  readonly classes: number;
  /** 1 at the class of each example, in the shape of the scores. */
  readonly hot: Value;
  /**
   * 1 for each example that counts and 0 for each that is ignored, in the shape of the target. A class
   * that does not exist gives NaN, so that a wrong label stops training instead of passing as loss 0.
   */
  readonly counts: Value;
}

/** Checks `scores [N, K, …]` against int32 `target [N, …]`, one class for each column of scores. */
export function classTarget(
  scores: Value,
  target: Value,
  where: string,
  ignoreIndex: number = defaultIgnoreIndex,
): ClassTarget {
  if (!Number.isInteger(ignoreIndex)) {
    throw new OptionError(`${where}: ignoreIndex ${ignoreIndex}: expected an integer.`);
  }
  if (target.dtype !== "int32") {
    throw new GraphError(`${where}: class targets must be int32, got ${target}.`);
  }
  const [n, classes, ...rest] = scores.shape;
  if (n === undefined || classes === undefined || [n, ...rest].join() !== target.shape.join()) {
    throw new ShapeError(
      `${where}: scores ${formatShape(scores.shape)} are [N, K, …] and need a target [N, …] without the K classes; got ${formatShape(target.shape)}.`,
    );
  }
  const exists = s.mul(s.lessEqual(0, input(0)), s.less(input(0), classes));
  const counts = elementwise(
    [target],
    s.select(s.equal(input(0), ignoreIndex), 0, s.select(exists, 1, Number.NaN)),
    "counts",
  );
  return { classes, hot: oneHot(target, classes, 1), counts };
}

/**
 * The score of each example's own class: `y[n, …] = scores[n, target[n, …], …]`. Other classes do not take part,
 * even where their scores are infinite, as those of classes that are masked out.
 */
export function scoreOfTarget(scores: Value, { hot }: ClassTarget): Value {
  const own = elementwise([hot, scores], s.select(input(0), input(1), 0));
  return reduceSum(own, { axes: [1] });
}
