import { checkOptions, flag, integer, oneOf, optional } from "../core/fields.ts";
import { truncatedNormal } from "../initializers/basic.ts";
import type { Initializer } from "../initializers/initializer.ts";
import { relu } from "./activation.ts";
import { batchNorm2d } from "./batchNorm.ts";
import { conv2d } from "./conv2d.ts";
import { initializerField } from "./fields.ts";
import { type Layer, layer } from "./layer.ts";
import { maxPool2d } from "./pooling.ts";
import { concat, sequential } from "./structure.ts";

/** Options of {@link inceptionConvolution}. */
export interface InceptionConvolutionOptions {
  /** Output channels. */
  readonly channels: number;
  readonly kernel: number;
  /** Default 1. */
  readonly stride?: number;
  /** Default: half the kernel, which keeps the size at stride 1. */
  readonly padding?: number;
  /** Batch normalisation (ε 1e-3, as torchvision) instead of a bias. Default false, as the paper. */
  readonly batchNorm?: boolean;
  /** Default: normal with deviation 0.01 within ±2, as torchvision. */
  readonly weightInitializer?: Initializer;
}

/**
 * A convolution of GoogLeNet: children `conv` and, with batch normalisation, `bn`; then ReLU. Names as torchvision's
 * `BasicConv2d`. `[N, C, H, W] → [N, K, P, Q]`; the last pixels may be left out, as in Caffe.
 */
export function inceptionConvolution(options: InceptionConvolutionOptions): Layer {
  checkOptions("inceptionConvolution", options, {
    channels: integer(1),
    kernel: integer(1),
    stride: optional(integer(1)),
    padding: optional(integer(0)),
    batchNorm: optional(flag()),
    weightInitializer: optional(initializerField()),
  });
  const { channels, kernel, stride = 1, batchNorm = false } = options;
  const { padding = Math.floor((kernel - 1) / 2) } = options;
  const { weightInitializer = truncatedNormal({ deviation: 0.01, low: -2, high: 2 }) } = options;
  const convolution = conv2d({
    channels,
    kernel,
    stride,
    padding,
    fit: "floor",
    bias: !batchNorm,
    weightInitializer,
  });
  return layer("inceptionConvolution", options, ([x], scope) => {
    const y = scope.apply("conv", convolution, x!);
    return scope.inline(relu(), batchNorm ? scope.apply("bn", batchNorm2d({ eps: 1e-3 }), y) : y);
  });
}

/** Options of {@link inception}: output channels of its convolutions. */
export interface InceptionOptions {
  /** Of the 1x1 convolution that stands alone. */
  readonly channels1x1: number;
  /** Of the 1x1 convolution in front of the 3x3 one. */
  readonly reduce3x3: number;
  readonly channels3x3: number;
  /** Of the 1x1 convolution in front of the 5x5 one. */
  readonly reduce5x5: number;
  readonly channels5x5: number;
  /** Of the 1x1 convolution behind the pooling. */
  readonly poolProjection: number;
  /** What the "5x5" convolution really is: 5, or 3 as in torchvision, by an old mistake. Default 5. */
  readonly kernel5x5?: 5 | 3;
  /** Batch normalisation instead of biases. Default false, as the paper. */
  readonly batchNorm?: boolean;
  /** Of the convolutions. Default: normal with deviation 0.01 within ±2, as torchvision. */
  readonly weightInitializer?: Initializer;
}

/**
 * Inception module with dimension reductions: 1x1; 1x1 then 3x3; 1x1 then 5x5; 3x3 max pooling then 1x1; side by side,
 * joined along the channels. `[N, C, H, W] → [N, channels1x1 + channels3x3 + channels5x5 + poolProjection, H, W]`.
 * Names as torchvision. Source: Szegedy et al. 2015, figure 2b.
 */
export function inception(options: InceptionOptions): Layer {
  checkOptions("inception", options, {
    channels1x1: integer(1),
    reduce3x3: integer(1),
    channels3x3: integer(1),
    reduce5x5: integer(1),
    channels5x5: integer(1),
    poolProjection: integer(1),
    kernel5x5: optional(oneOf(5, 3)),
    batchNorm: optional(flag()),
    weightInitializer: optional(initializerField()),
  });
  const { batchNorm = false, kernel5x5 = 5, weightInitializer } = options;
  const drawn = weightInitializer === undefined ? {} : { weightInitializer };
  const convolution = (channels: number, kernel: number) =>
    inceptionConvolution({ channels, kernel, batchNorm, ...drawn });
  return besideEachOther("inception", options, {
    branch1: convolution(options.channels1x1, 1),
    branch2: sequential([convolution(options.reduce3x3, 1), convolution(options.channels3x3, 3)]),
    branch3: sequential([
      convolution(options.reduce5x5, 1),
      convolution(options.channels5x5, kernel5x5),
    ]),
    branch4: sequential([pool(), convolution(options.poolProjection, 1)]),
  });
}

/** Options of {@link naiveInception}: output channels of its convolutions. */
export interface NaiveInceptionOptions {
  readonly channels1x1: number;
  readonly channels3x3: number;
  readonly channels5x5: number;
}

/**
 * The Inception module as first thought of: 1x1, 3x3 and 5x5 convolution and 3x3 max pooling side by side, joined along
 * the channels. The pooling brings all input channels along, so every module is wider than the one before.
 * `[N, C, H, W] → [N, channels1x1 + channels3x3 + channels5x5 + C, H, W]`. Source: Szegedy et al. 2015, figure 2a.
 */
export function naiveInception(options: NaiveInceptionOptions): Layer {
  checkOptions("naiveInception", options, {
    channels1x1: integer(1),
    channels3x3: integer(1),
    channels5x5: integer(1),
  });
  return besideEachOther("naiveInception", options, {
    branch1: inceptionConvolution({ channels: options.channels1x1, kernel: 1 }),
    branch2: inceptionConvolution({ channels: options.channels3x3, kernel: 3 }),
    branch3: inceptionConvolution({ channels: options.channels5x5, kernel: 5 }),
    branch4: pool(),
  });
}

function pool(): Layer {
  return maxPool2d({ kernel: 3, stride: 1, padding: 1 });
}

function besideEachOther(
  kind: string,
  options: object,
  branches: Readonly<Record<string, Layer>>,
): Layer {
  return layer(kind, options, ([x], scope) => {
    const outputs = Object.entries(branches).map(([name, branch]) => scope.apply(name, branch, x!));
    return scope.inline(concat(), ...outputs);
  });
}
