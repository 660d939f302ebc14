import { checkOptions, integer, oneOf, optional } from "../core/fields.ts";
import { kaimingNormal } from "../initializers/scaled.ts";
import { activation, relu } from "./activation.ts";
import { batchNorm2d } from "./batchNorm.ts";
import { conv2d } from "./conv2d.ts";
import { convNormActivation } from "./convNormActivation.ts";
import { type Layer, layer } from "./layer.ts";
import { squeezeExcite } from "./squeezeExcite.ts";
import { sequential, sum } from "./structure.ts";

/** Options of {@link invertedResidual}. */
export interface InvertedResidualOptions {
  /** Output channels. */
  readonly channels: number;
  /** How many times wider the middle is than the input; at 1 there is no expanding convolution. */
  readonly expansion: number;
  /** Default 1. */
  readonly stride?: number;
}

/**
 * MobileNetV2's block: 1x1 convolution to `expansion` times the channels, 3x3 depthwise convolution, both with ReLU6,
 * then a linear 1x1 convolution to few channels; the input is added where sizes agree. Names as torchvision.
 * `[N, C, H, W] → [N, channels, ceil(H/stride), ceil(W/stride)]`. Source: Sandler et al. 2018, table 1.
 */
export function invertedResidual(options: InvertedResidualOptions): Layer {
  checkOptions("invertedResidual", options, {
    channels: integer(1),
    expansion: integer(1),
    stride: optional(integer(1)),
  });
  const { channels, expansion, stride = 1 } = options;
  const relu6 = activation({ function: "relu6" });
  const narrow = conv2d({
    channels,
    kernel: 1,
    bias: false,
    weightInitializer: kaimingNormal({ fan: "out" }),
  });
  return layer("invertedResidual", options, ([x], scope) => {
    const inputs = x!.shape[1]!;
    const expand = convNormActivation({
      channels: inputs * expansion,
      kernel: 1,
      activation: relu6,
    });
    const body = sequential([
      ...(expansion === 1 ? [] : [expand]),
      convNormActivation({ depthwise: true, kernel: 3, stride, activation: relu6 }),
      narrow,
      batchNorm2d(),
    ]);
    const y = scope.apply("conv", body, x!);
    return stride === 1 && inputs === channels ? scope.inline(sum(), x!, y) : y;
  });
}

/** Options of {@link mobileBlock}. */
export interface MobileBlockOptions {
  /** Output channels. */
  readonly channels: number;
  /** Channels in the middle; where they are the input's, there is no expanding convolution. */
  readonly expanded: number;
  /** Of the depthwise convolution: 3 or 5. */
  readonly kernel: number;
  /** Default 1. */
  readonly stride?: number;
  /** Default 1; a dilated depthwise convolution has stride 1. */
  readonly dilation?: number;
  /** Default `relu`. */
  readonly activation?: "relu" | "hardSwish";
  /** Channels in the middle of a squeeze-and-excitation of the depthwise result. Default: none. */
  readonly squeeze?: number;
}

/**
 * MobileNetV3's block: as MobileNetV2's, with hard swish in the later stages and squeeze-and-excitation in some. Names,
 * normalisation (ε 1e-3, momentum 0.01) and initialisation as torchvision.
 * `[N, C, H, W] → [N, channels, ceil(H/stride), ceil(W/stride)]`. Source: Howard et al. 2019, figure 4.
 */
export function mobileBlock(options: MobileBlockOptions): Layer {
  checkOptions("mobileBlock", options, {
    channels: integer(1),
    expanded: integer(1),
    kernel: integer(1),
    stride: optional(integer(1)),
    dilation: optional(integer(1)),
    activation: optional(oneOf("relu", "hardSwish")),
    squeeze: optional(integer(1)),
  });
  const { channels, expanded, kernel, stride = 1, dilation = 1, squeeze } = options;
  const bend = options.activation === "hardSwish" ? activation({ function: "hardSwish" }) : relu();
  const norm = { normEps: 1e-3, normMomentum: 0.01 };
  const gate = activation({ function: "hardSigmoid" });
  const weightInitializer = kaimingNormal({ fan: "out" });
  return layer("mobileBlock", options, ([x], scope) => {
    const inputs = x!.shape[1]!;
    const body = sequential([
      ...(expanded === inputs
        ? []
        : [convNormActivation({ channels: expanded, kernel: 1, activation: bend, ...norm })]),
      convNormActivation({
        depthwise: true,
        kernel,
        stride: dilation > 1 ? 1 : stride,
        dilation,
        activation: bend,
        ...norm,
      }),
      ...(squeeze === undefined ? [] : [squeezeExcite({ squeeze, gate, weightInitializer })]),
      convNormActivation({ channels, kernel: 1, ...norm }),
    ]);
    const y = scope.apply("block", body, x!);
    return stride === 1 && inputs === channels ? scope.inline(sum(), x!, y) : y;
  });
}
