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
import { type Layer, layer } from "./layer.ts";

/** Max pooling: the largest of each window; see graph/ops/maxPool2d.ts. `[N, C, H, W] → [N, C, P, Q]`. */
export function maxPool2d(options: PoolOptions): Layer {
  return layer("maxPool2d", { ...options }, ([x]) => maximum(x!, options));
}

/** Average pooling: the mean of each window; see graph/ops/avgPool2d.ts. `[N, C, H, W] → [N, C, P, Q]`. */
export function avgPool2d(options: AvgPool2dOptions): Layer {
  return layer("avgPool2d", { ...options }, ([x]) => average(x!, options));
}

/** Average pooling to a given output size, as PyTorch. */
export function adaptiveAvgPool2d(options: {
  readonly size: number | readonly [number, number];
}): Layer {
  return layer("adaptiveAvgPool2d", { ...options }, ([x]) => adaptiveAverage(x!, options.size));
}

/** Max pooling to a given output size, as PyTorch. */
export function adaptiveMaxPool2d(options: {
  readonly size: number | readonly [number, number];
}): Layer {
  return layer("adaptiveMaxPool2d", { ...options }, ([x]) => adaptiveMaximum(x!, options.size));
}

/** The mean of each plane: `[N, C, H, W] → [N, C]`, or `[N, C, 1, 1]` with `keepDims`. Source: Lin, Chen & Yan 2014. */
export function globalAvgPool2d(options: { readonly keepDims?: boolean } = {}): Layer {
  return layer("globalAvgPool2d", { ...options }, ([x]) => {
    const y = globalAverage(x!);
    return options.keepDims === true ? y : flatten(y);
  });
}
