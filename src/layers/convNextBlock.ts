import { checkOptions, flag, integer, nullable, number, oneOf, optional } from "../core/fields.ts";
import { constant, truncatedNormal } from "../initializers/basic.ts";
import { activation } from "./activation.ts";
import { permute, seenChannelsLast } from "./channelsLast.ts";
import { conv2d, depthwiseConv2d } from "./conv2d.ts";
import { stochasticDepth } from "./dropout.ts";
import { globalResponseNorm } from "./globalResponseNorm.ts";
import { type Layer, layer } from "./layer.ts";
import { layerNorm } from "./layerNorm.ts";
import { layerScale } from "./layerScale.ts";
import { linear } from "./linear.ts";
import { sequential, sum } from "./structure.ts";

/** Options of {@link convNextBlock}. */
export interface ConvNextBlockOptions {
  /** Whose parameter names and shapes: `torchvision` or `timm`. Default `timm`. */
  readonly form?: "torchvision" | "timm";
  /** Of the depthwise convolution. Default 7. */
  readonly kernel?: number;
  /** How many times wider the middle is. Default 4. */
  readonly expansion?: number;
  /**
   * Whether 1x1 convolutions are kept as matrices `[K, C]` or as kernels `[K, C, 1, 1]`, as timm's smallest nets. Default
   * `linear`.
   */
  readonly pointwise?: "linear" | "convolution";
  /** Global response normalisation in the middle, ConvNeXt V2. Default false. */
  readonly responseNorm?: boolean;
  /** First value of the layer scale, or `null` for none, as V2. Default 1e-6. */
  readonly layerScale?: number | null;
  /** Probability that a sample's branch is left out while training. Default 0. */
  readonly dropPath?: number;
}

/** ConvNeXt's convolutions and linear layers begin so. */
const drawn = () => ({
  weightInitializer: truncatedNormal({ deviation: 0.02, low: -2, high: 2 }),
  biasInitializer: constant(0),
});

/**
 * ConvNeXt's block: 7x7 depthwise convolution, layer normalisation over the channels, 1x1 convolution to four times
 * the channels, GELU, in V2 global response normalisation, 1x1 convolution back, layer scale, stochastic depth, plus the
 * input. `[N, C, H, W] → [N, C, H, W]`. Source: Liu et al. 2022, figure 4; Woo et al. 2023, figure 5.
 */
export function convNextBlock(options: ConvNextBlockOptions = {}): Layer {
  checkOptions("convNextBlock", options, {
    form: optional(oneOf("torchvision", "timm")),
    kernel: optional(integer(1)),
    expansion: optional(integer(1)),
    pointwise: optional(oneOf("linear", "convolution")),
    responseNorm: optional(flag()),
    layerScale: optional(nullable(number())),
    dropPath: optional(number(0, 1 - Number.EPSILON)),
  });
  const { form = "timm", kernel = 7, expansion = 4, pointwise = "linear" } = options;
  const { responseNorm = false, layerScale: initial = 1e-6, dropPath = 0 } = options;
  const mix = (channels: number): Layer =>
    pointwise === "linear"
      ? linear({ features: channels, over: "channels", ...drawn() })
      : conv2d({ channels, kernel: 1, ...drawn() });
  const gelu = activation({ function: "gelu" });
  const norm = layerNorm({ over: "channels", eps: 1e-6 });
  const depthwise = depthwiseConv2d({ kernel, padding: (kernel - 1) / 2, ...drawn() });

  return layer("convNextBlock", options, ([x], scope) => {
    const channels = x!.shape[1]!;
    let y = x!;
    if (form === "torchvision") {
      const body = sequential([
        depthwise,
        permute("channelsLast"),
        seenChannelsLast(norm, "LayerNorm"),
        seenChannelsLast(mix(expansion * channels)),
        seenChannelsLast(gelu),
        seenChannelsLast(mix(channels)),
        permute("channelsFirst"),
      ]);
      y = scope.apply("block", body, y);
    } else {
      y = scope.apply("norm", norm, scope.apply("conv_dw", depthwise, y));
      const body = sequential({
        fc1: mix(expansion * channels),
        act: gelu,
        ...(responseNorm ? { grn: globalResponseNorm() } : {}),
        fc2: mix(channels),
      });
      y = scope.apply("mlp", body, y);
    }
    if (initial !== null) {
      const parameter = form === "torchvision" ? "layer_scale" : "gamma";
      y = scope.inline(layerScale({ initial, parameter }), y);
    }
    const path = form === "torchvision" ? "stochastic_depth" : "drop_path";
    if (form === "torchvision" || dropPath > 0) {
      y = scope.apply(path, stochasticDepth({ p: dropPath }), y);
    }
    return scope.inline(sum(), y, x!);
  });
}
