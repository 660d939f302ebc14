import { checkOptions, flag, integer, number, optional } from "../core/fields.ts";
import type { Padding, Pair } from "../graph/window.ts";
import { pair } from "../graph/window.ts";
import type { Initializer } from "../initializers/initializer.ts";
import { kaimingNormal } from "../initializers/scaled.ts";
import { batchNorm2d } from "./batchNorm.ts";
import { conv2d, depthwiseConv2d } from "./conv2d.ts";
import { initializerField, layerField, padding, pairOf } from "./fields.ts";
import { type Layer, layer } from "./layer.ts";

/** Options of {@link convNormActivation}. */
export interface ConvNormActivationOptions {
  /** Output channels; needed unless `depthwise`. */
  readonly channels?: number;
  readonly kernel: Pair;
  /** Default 1. */
  readonly stride?: Pair;
  /** Default: half the dilated kernel, which keeps the size at stride 1. */
  readonly padding?: Padding;
  /** Default 1. */
  readonly dilation?: Pair;
  /** Each channel by itself. Default false. */
  readonly depthwise?: boolean;
  /** Default: none. */
  readonly activation?: Layer;
  /** Of the normalisation. Default 1e-5. */
  readonly normEps?: number;
  /** Of the normalisation. Default 0.1. */
  readonly normMomentum?: number;
  /** Of the convolution. Default: normal, scaled by the outputs that each input feeds, as torchvision's MobileNets. */
  readonly weightInitializer?: Initializer;
}

/**
 * Convolution without bias, batch normalisation, activation: children `0`, `1` and `2`, as torchvision's
 * `Conv2dNormActivation`. `[N, C, H, W] → [N, K, P, Q]`; the last pixels may be left out, as in PyTorch.
 */
export function convNormActivation(options: ConvNormActivationOptions): Layer {
  const { depthwise = false } = options;
  checkOptions("convNormActivation", options, {
    channels: depthwise ? optional(integer(1)) : integer(1),
    kernel: pairOf(1),
    stride: optional(pairOf(1)),
    padding: optional(padding()),
    dilation: optional(pairOf(1)),
    depthwise: optional(flag()),
    activation: optional(layerField()),
    normEps: optional(number(Number.MIN_VALUE)),
    normMomentum: optional(number(0, 1)),
    weightInitializer: optional(initializerField()),
  });
  const { channels = 0, stride = 1, dilation = 1, activation } = options;
  const { normEps = 1e-5, normMomentum = 0.1 } = options;
  const kernel = pair(options.kernel, "convNormActivation: kernel", 1);
  const dilations = pair(dilation, "convNormActivation: dilation", 1);
  const half = (axis: 0 | 1) => Math.floor(((kernel[axis] - 1) / 2) * dilations[axis]);
  const shared = {
    kernel,
    stride,
    dilation,
    padding: options.padding ?? ([half(0), half(1)] as const),
    bias: false,
    fit: "floor",
    weightInitializer: options.weightInitializer ?? kaimingNormal({ fan: "out" }),
  } as const;
  const convolution = depthwise ? depthwiseConv2d(shared) : conv2d({ channels, ...shared });
  const norm = batchNorm2d({ eps: normEps, momentum: normMomentum });
  return layer("convNormActivation", options, ([x], scope) => {
    const y = scope.apply("1", norm, scope.apply("0", convolution, x!));
    return activation === undefined ? y : scope.apply("2", activation, y);
  });
}
