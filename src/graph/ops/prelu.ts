import { ShapeError } from "../../core/errors.ts";
import { formatShape } from "../../core/shape.ts";
import type { Value } from "../builder.ts";
import { input, scalar as s } from "../expression.ts";
import { elementwise } from "./elementwise.ts";
import { reshape } from "./reshape.ts";

/**
 * Leaky relu with a trained slope: `y = x` for x > 0, else `a · x`; `dx = dy · (x > 0 ? 1 : a)`,
 * `da = Σ dy · min(x, 0)`. At 0 the left slope holds, as in PyTorch.
 *
 * `x [N, C, …] · slope [C] or [1] → [N, C, …]`. Source: He et al. 2015, equation 1.
 */
export function prelu(x: Value, slope: Value): Value {
  const [count] = slope.shape;
  if (slope.shape.length !== 1 || count === undefined || (count !== 1 && count !== x.shape[1])) {
    throw new ShapeError(
      `${x.builder.place("prelu")}: slopes ${formatShape(slope.shape)} for input ${formatShape(x.shape)}: expected [1] or [${x.shape[1] ?? "C"}].`,
    );
  }
  const perChannel = reshape(slope, [
    count,
    ...new Array<number>(Math.max(0, x.shape.length - 2)).fill(1),
  ]);
  const leaky = s.select(s.less(0, input(0)), input(0), s.mul(input(1), input(0)));
  return elementwise([x, perChannel], leaky, "prelu");
}
