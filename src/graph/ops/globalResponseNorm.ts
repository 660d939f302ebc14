import { ShapeError } from "../../core/errors.ts";
import { formatShape, normalizeAxis } from "../../core/shape.ts";
import type { Value } from "../builder.ts";
import { input, scalar as s } from "../expression.ts";
import { elementwise } from "./elementwise.ts";
import { reduceMean, reduceSum } from "./reduce.ts";
import { reshape } from "./reshape.ts";
import { square } from "./unary.ts";

/** Options of {@link globalResponseNorm}. */
export interface GlobalResponseNormOptions {
  /** Where the channels are; the axes between it and the batch are the plane. Default 1. */
  readonly axis?: number;
  /** Added to the mean norm. Default 1e-6, as the paper's code and timm. */
  readonly eps?: number;
}

/**
 * Makes channels compete: `g_c = √(Σ x_c²)` over the plane, `n_c = g_c / (mean_c g_c + ε)`,
 * `y = γ · x · n + β + x`.
 *
 * `x [N, C, H, W] · scale [C] · bias [C] → [N, C, H, W]`. A plane of zeros has norm 0 and lets no gradient through
 * the norm, as in PyTorch. Source: Woo et al. 2023 (ConvNeXt V2), equations 1 to 4.
 */
export function globalResponseNorm(
  x: Value,
  scale: Value,
  bias: Value,
  options: GlobalResponseNormOptions = {},
): Value {
  const where = x.builder.place("globalResponseNorm");
  const { eps = 1e-6 } = options;
  const axis = normalizeAxis(options.axis ?? 1, x.shape.length, where);
  const channels = x.shape[axis]!;
  for (const parameter of [scale, bias]) {
    if (parameter.shape.join() !== `${channels}`) {
      throw new ShapeError(
        `${where}: input ${formatShape(x.shape)} has ${channels} channels, a parameter has shape ${formatShape(parameter.shape)}.`,
      );
    }
  }
  const plane = x.shape.map((_, a) => a).filter((a) => a !== 0 && a !== axis);
  const sum = reduceSum(square(x), { axes: plane, keepDims: true });
  const norm = elementwise([sum], s.select(s.equal(input(0), 0), 0, s.sqrt(input(0))));
  const mean = reduceMean(norm, { axes: [axis], keepDims: true });
  const share = elementwise([norm, mean], s.div(input(0), s.add(input(1), eps)));
  const spread = x.shape.map((size, a) => (a === axis ? size : 1));
  return elementwise(
    [x, share, reshape(scale, spread), reshape(bias, spread)],
    s.add(s.add(s.mul(s.mul(input(2), input(0)), input(1)), input(3)), input(0)),
    "globalResponseNorm",
  );
}
