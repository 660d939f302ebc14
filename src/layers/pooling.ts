import { checkOptions, flag, number, oneOf, optional } from "../core/fields.ts";
import {
  type AvgPool2dOptions,
  adaptiveAvgPool2d as adaptiveAverage,
  avgPool2d as average,
  globalAvgPool2d as globalAverage,
} from "../graph/ops/avgPool2d.ts";
import {
  adaptiveMaxPool2d as adaptiveMaximum,
  maxPool2d as maximum,
} from "../graph/ops/maxPool2d.ts";
import { flatten } from "../graph/ops/reshape.ts";
import type { PoolOptions } from "../graph/poolWindows.ts";
import type { Pair } from "../graph/window.ts";
import { padding, pairOf } from "./fields.ts";
import { type Layer, layer } from "./layer.ts";

const poolFields = () => ({
  kernel: pairOf(1),
  stride: optional(pairOf(1)),
  padding: optional(padding()),
  dilation: optional(pairOf(1)),
  fit: optional(oneOf("strict", "floor", "ceil")),
});

/** Options of pooling to a given size. */
export interface AdaptivePoolOptions {
  /** `[height, width]` of the result, or one number for both. */
  readonly size: Pair;
}

/** Max pooling: the largest of each window; see graph/ops/maxPool2d.ts. `[N, C, H, W] → [N, C, P, Q]`. */
export function maxPool2d(options: PoolOptions): Layer {
  checkOptions("maxPool2d", options, poolFields());
  return layer("maxPool2d", options, ([x]) => maximum(x!, options), { type: "MaxPool2d" });
}

/** Average pooling: the mean of each window; see graph/ops/avgPool2d.ts. `[N, C, H, W] → [N, C, P, Q]`. */
export function avgPool2d(options: AvgPool2dOptions): Layer {
  checkOptions("avgPool2d", options, {
    ...poolFields(),
    countIncludePad: optional(flag()),
    divisor: optional(number()),
  });
  return layer("avgPool2d", options, ([x]) => average(x!, options), { type: "AvgPool2d" });
}

/** Average pooling to a given output size, as PyTorch. `[N, C, H, W] → [N, C, height, width]`. */
export function adaptiveAvgPool2d(options: AdaptivePoolOptions): Layer {
  checkOptions("adaptiveAvgPool2d", options, { size: pairOf(1) });
  const build: Layer["build"] = ([x]) => adaptiveAverage(x!, options.size);
  return layer("adaptiveAvgPool2d", options, build, { type: "AdaptiveAvgPool2d" });
}

/** Max pooling to a given output size, as PyTorch. `[N, C, H, W] → [N, C, height, width]`. */
export function adaptiveMaxPool2d(options: AdaptivePoolOptions): Layer {
  checkOptions("adaptiveMaxPool2d", options, { size: pairOf(1) });
  const build: Layer["build"] = ([x]) => adaptiveMaximum(x!, options.size);
  return layer("adaptiveMaxPool2d", options, build, { type: "AdaptiveMaxPool2d" });
}

/** Options of global pooling. */
export interface GlobalPoolOptions {
  /** Keep the plane as `[N, C, 1, 1]`. Default false. */
  readonly keepDims?: boolean;
}

/** The mean of each plane: `[N, C, H, W] → [N, C]`, or `[N, C, 1, 1]` with `keepDims`. Source: Lin, Chen & Yan 2014. */
export function globalAvgPool2d(options: GlobalPoolOptions = {}): Layer {
  checkOptions("globalAvgPool2d", options, { keepDims: optional(flag()) });
  const build: Layer["build"] = ([x]) => {
    const y = globalAverage(x!);
    return options.keepDims === true ? y : flatten(y);
  };
  return layer("globalAvgPool2d", options, build, { type: "AdaptiveAvgPool2d" });
}

/** The largest of each plane: `[N, C, H, W] → [N, C]`, or `[N, C, 1, 1]` with `keepDims`. */
export function globalMaxPool2d(options: GlobalPoolOptions = {}): Layer {
  checkOptions("globalMaxPool2d", options, { keepDims: optional(flag()) });
  const build: Layer["build"] = ([x]) => {
    const y = adaptiveMaximum(x!, 1);
    return options.keepDims === true ? y : flatten(y);
  };
  return layer("globalMaxPool2d", options, build, { type: "AdaptiveMaxPool2d" });
}
