import { checkOptions, oneOf, optional } from "../core/fields.ts";
import { input, scalar as s } from "../graph/expression.ts";
import { avgPool2d } from "../graph/ops/avgPool2d.ts";
import { elementwise } from "../graph/ops/elementwise.ts";
import { reshape } from "../graph/ops/reshape.ts";
import type { Fit, Pair } from "../graph/window.ts";
import { constant } from "../initializers/basic.ts";
import type { Initializer } from "../initializers/initializer.ts";
import { initializerField, pairOf } from "./fields.ts";
import { type Layer, layer } from "./layer.ts";

/** Options of {@link subsampling}. */
export interface SubsamplingOptions {
  readonly kernel: Pair;
  /** Default: the kernel's size. */
  readonly stride?: Pair;
  /** Default `strict`. */
  readonly fit?: Fit;
  /** Of the coefficients. Default 1/4, which makes the sum of a 2x2 window a mean. */
  readonly weightInitializer?: Initializer;
}

/**
 * LeNet's trainable subsampling: the sum of each window times a coefficient, plus a bias, both of the channel:
 * `y_c = w_c · Σ x + b_c`. `x [N, C, H, W] · weight [C] · bias [C] → [N, C, P, Q]`. The squashing that follows is a layer of
 * its own. Source: LeCun et al. 1998, section II.B.
 */
export function subsampling(options: SubsamplingOptions): Layer {
  checkOptions("subsampling", options, {
    kernel: pairOf(1),
    stride: optional(pairOf(1)),
    fit: optional(oneOf("strict", "floor", "ceil")),
    weightInitializer: optional(initializerField()),
  });
  const { weightInitializer = constant(0.25), ...windows } = options;
  return layer("subsampling", options, ([x], scope) => {
    const sum = avgPool2d(x!, { ...windows, divisor: 1 });
    const channels = x!.shape[1]!;
    const weight = scope.parameter("weight", [channels], weightInitializer);
    const bias = scope.parameter("bias", [channels], constant(0));
    const spread = [1, channels, 1, 1];
    return elementwise(
      [sum, reshape(weight, spread), reshape(bias, spread)],
      s.add(s.mul(input(0), input(1)), input(2)),
    );
  });
}
