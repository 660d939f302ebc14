import { checkOptions, number, oneOf, optional } from "../core/fields.ts";
import { multiply } from "../graph/ops/binary.ts";
import { reshape } from "../graph/ops/reshape.ts";
import { constant } from "../initializers/basic.ts";
import { type Layer, layer } from "./layer.ts";

/** Options of {@link layerScale}. */
export interface LayerScaleOptions {
  /** First value of the factors. Default 1e-6, as ConvNeXt. */
  readonly initial?: number;
  /**
   * How the parameter is kept: `layer_scale [C, 1, 1]`, as torchvision, or `gamma [C]`, as timm and the authors.
   * Default `gamma`.
   */
  readonly parameter?: "layer_scale" | "gamma";
}

/**
 * A trained factor for each channel, near zero at first, so that a deep net begins as nearly the identity:
 * `y_c = γ_c · x_c`. The shape stays. Source: Touvron et al. 2021 (CaiT), section 2.
 */
export function layerScale(options: LayerScaleOptions = {}): Layer {
  checkOptions("layerScale", options, {
    initial: optional(number()),
    parameter: optional(oneOf("layer_scale", "gamma")),
  });
  const { initial = 1e-6, parameter = "gamma" } = options;
  return layer("layerScale", options, ([x], scope) => {
    const channels = x!.shape[1]!;
    const shape = parameter === "gamma" ? [channels] : [channels, 1, 1];
    const factors = scope.parameter(parameter, shape, constant(initial));
    const spread = [channels, ...x!.shape.slice(2).map(() => 1)];
    return multiply(x!, reshape(factors, spread));
  });
}
