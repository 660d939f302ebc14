import { checkOptions, flag, integer, number, oneOf, optional } from "../core/fields.ts";
import type { Padding, Pair } from "../graph/window.ts";
import type { Initializer } from "../initializers/initializer.ts";
import { kaimingNormal } from "../initializers/scaled.ts";
import { batchNorm2d } from "./batchNorm.ts";
import { conv2d, depthwiseConv2d } from "./conv2d.ts";
import { initializerField, layerField, padding, pairOf } from "./fields.ts";
import { type Layer, layer } from "./layer.ts";

/** Options of {@link separableConv2d}. */
export interface SeparableConv2dOptions {
  /** Output channels. */
  readonly channels: number;
  readonly kernel: Pair;
  /** Default 1. */
  readonly stride?: Pair;
  /** Default 0. */
  readonly padding?: Padding;
  /** Default 1. */
  readonly dilation?: Pair;
  /** Filters for each input channel in the first half. Default 1. */
  readonly multiplier?: number;
  /** Of the second half. Default true. */
  readonly bias?: boolean;
  /** Default `strict`. */
  readonly fit?: "strict" | "floor";
}

/**
 * Depthwise convolution, then 1x1 convolution, with nothing between: `kernel² · C + C · K` weights where a full
 * convolution has `kernel² · C · K`. Children `depthwise` and `pointwise`. `[N, C, H, W] → [N, channels, P, Q]`.
 * Source: Chollet 2017; Keras's `SeparableConv2D`.
 */
export function separableConv2d(options: SeparableConv2dOptions): Layer {
  checkOptions("separableConv2d", options, {
    channels: integer(1),
    kernel: pairOf(1),
    stride: optional(pairOf(1)),
    padding: optional(padding()),
    dilation: optional(pairOf(1)),
    multiplier: optional(integer(1)),
    bias: optional(flag()),
    fit: optional(oneOf("strict", "floor")),
  });
  const { channels, bias = true, ...windows } = options;
  const depthwise = depthwiseConv2d({ ...windows, bias: false });
  const pointwise = conv2d({ channels, kernel: 1, bias });
  return layer("separableConv2d", options, ([x], scope) =>
    scope.apply("pointwise", pointwise, scope.apply("depthwise", depthwise, x!)),
  );
}

/** Options of {@link depthwiseSeparable}. */
export interface DepthwiseSeparableOptions {
  /** Output channels. */
  readonly channels: number;
  /** Default 1. */
  readonly stride?: number;
  /** Of the depthwise convolution. Default 1: a pixel all round. */
  readonly padding?: Padding;
  /** Behind both normalisations. */
  readonly activation: Layer;
  /** Of the normalisations. Default 1e-5. */
  readonly normEps?: number;
  /** Of the normalisations. Default 0.1. */
  readonly normMomentum?: number;
  /** Default: normal, scaled by the outputs that each input feeds. */
  readonly weightInitializer?: Initializer;
}

/**
 * MobileNet's unit: 3x3 depthwise convolution, batch normalisation, activation; 1x1 convolution, batch normalisation,
 * activation. Children `conv_dw`, `bn1`, `conv_pw` and `bn2`, as timm.
 * `[N, C, H, W] → [N, channels, ceil(H/stride), ceil(W/stride)]`. Source: Howard et al. 2017, figure 3 right.
 */
export function depthwiseSeparable(options: DepthwiseSeparableOptions): Layer {
  checkOptions("depthwiseSeparable", options, {
    channels: integer(1),
    stride: optional(integer(1)),
    padding: optional(padding()),
    activation: layerField(),
    normEps: optional(number(Number.MIN_VALUE)),
    normMomentum: optional(number(0, 1)),
    weightInitializer: optional(initializerField()),
  });
  const { channels, stride = 1, padding: around = 1, activation } = options;
  const { weightInitializer = kaimingNormal({ fan: "out" }) } = options;
  const shared = { bias: false, fit: "floor", weightInitializer } as const;
  const depthwise = depthwiseConv2d({ kernel: 3, stride, padding: around, ...shared });
  const pointwise = conv2d({ channels, kernel: 1, ...shared });
  const norm = batchNorm2d({
    ...(options.normEps === undefined ? {} : { eps: options.normEps }),
    ...(options.normMomentum === undefined ? {} : { momentum: options.normMomentum }),
  });
  return layer("depthwiseSeparable", options, ([x], scope) => {
    let y = scope.apply("bn1", norm, scope.apply("conv_dw", depthwise, x!));
    y = scope.apply("bn1.act", activation, y);
    y = scope.apply("bn2", norm, scope.apply("conv_pw", pointwise, y));
    return scope.apply("bn2.act", activation, y);
  });
}
