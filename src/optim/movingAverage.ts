import type { Value } from "../graph/builder.ts";
import { scalar as s } from "../graph/expression.ts";
import { formula, type Quantity } from "./formula.ts";

/** `1 − x`, in double precision where x is a number. */
export function complement(x: Quantity): Quantity {
  return typeof x === "number" ? 1 - x : formula({ x }, ({ x }) => s.sub(1, x));
}

/** Exponential moving average: `β·average + (1 − β)·sample`. */
export function movingAverage(average: Value, sample: Quantity, beta: Quantity): Value {
  return formula({ average, sample, beta, rest: complement(beta) }, (x) =>
    s.add(s.mul(x.beta, x.average), s.mul(x.rest, x.sample)),
  );
}

/** Exponential moving average of squares: `β·average + (1 − β)·g²`. */
export function movingAverageOfSquares(average: Value, g: Value, beta: Quantity): Value {
  return formula({ average, g, beta, rest: complement(beta) }, (x) =>
    s.add(s.mul(x.beta, x.average), s.mul(x.rest, s.mul(x.g, x.g))),
  );
}
