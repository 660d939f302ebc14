import { OptionError, ShapeError } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import { Value } from "../graph/builder.ts";
import { reshape } from "../graph/ops/reshape.ts";

/** A factor for each class: numbers known when the graph is built, or a tensor `[K]`. */
export type ClassWeights = Value | readonly number[];

/** The factors as a tensor that broadcasts over scores `[N, K, …]`. */
export function weightsAlongClasses(weights: ClassWeights, scores: Value, where: string): Value {
  const classes = scores.shape[1]!;
  if (!(weights instanceof Value) && weights.some((weight) => !(weight >= 0))) {
    throw new OptionError(
      `${where}: classWeights [${weights.join(", ")}]: every weight must be 0 or more.`,
    );
  }
  const shape = weights instanceof Value ? weights.shape : [weights.length];
  if (shape.length !== 1 || shape[0] !== classes) {
    throw new ShapeError(
      `${where}: classWeights ${formatShape(shape)}; the scores ${formatShape(scores.shape)} have ${classes} classes.`,
    );
  }
  const tensor =
    weights instanceof Value
      ? weights
      : scores.builder.constant(Float32Array.from(weights), [classes]);
  return reshape(tensor, [classes, ...scores.shape.slice(2).map(() => 1)]);
}
