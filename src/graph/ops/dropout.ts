import { OptionError } from "../../core/errors.ts";
import type { Value } from "../builder.ts";
import { input, scalar as s } from "../expression.ts";
import { elementwise } from "./elementwise.ts";

export function checkProbability(p: number, where: string): void {
  if (!(p >= 0 && p < 1)) throw new OptionError(`${where}: p ${p}: expected 0 ≤ p < 1.`);
}

/**
 * Where the draw `u` in [0, 1) is below p the result is 0, elsewhere `x / (1 − p)`. The draw may have size 1
 * along an axis, whose elements then share their fate: `[N, 1, 1, 1]` drops whole samples (stochastic depth),
 * `[N, C, 1, 1]` whole channels.
 *
 * Source: Srivastava et al. 2014, in the inverted form that leaves inference alone.
 */
export function dropout(x: Value, draw: Value, p: number): Value {
  checkProbability(p, x.builder.place("dropout"));
  if (p === 0) return x;
  const kept = s.select(s.less(input(1), p), 0, s.mul(input(0), 1 / (1 - p)));
  return elementwise([x, draw], kept, "dropout");
}
