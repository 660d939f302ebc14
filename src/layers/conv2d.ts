import { ShapeError } from "../core/errors.ts";
import { checkOptions, flag, integer, oneOf, optional } from "../core/fields.ts";
import { formatShape, type Shape } from "../core/shape.ts";
import type { Value } from "../graph/builder.ts";
import { conv2d as convolve } from "../graph/ops/conv2d.ts";
import { type Fit, type Padding, type Pair, pair } from "../graph/window.ts";
import { uniform } from "../initializers/basic.ts";
import { fans, type Initializer } from "../initializers/initializer.ts";
import { kaimingUniform } from "../initializers/scaled.ts";
import { initializerField, padding, pairOf } from "./fields.ts";
import { type Layer, layer } from "./layer.ts";
import type { Scope } from "./scope.ts";

/** Where windows lie, and how weights begin: options that all convolutions share. */
export interface ConvolutionOptions {
  readonly kernel: Pair;
  /** Default 1. */
  readonly stride?: Pair;
  /** Default 0. */
  readonly padding?: Padding;
  /** Default 1. */
  readonly dilation?: Pair;
  /** Default true. */
  readonly bias?: boolean;
  /** Default `strict`; torchvision's nets need `floor`. */
  readonly fit?: Exclude<Fit, "ceil">;
  /** Default: PyTorch's, uniform within ±1/√fanIn. */
  readonly weightInitializer?: Initializer;
  /** Default: PyTorch's, uniform within ±1/√fanIn. */
  readonly biasInitializer?: Initializer;
}

/** Options of {@link conv2d}. */
export interface Conv2dLayerOptions extends ConvolutionOptions {
  /** Output channels K. */
  readonly channels: number;
  /** Default 1; as many as input channels is a depthwise convolution. */
  readonly groups?: number;
}

/** What the options that all convolutions share may be. */
export const convolutionFields = () => ({
  kernel: pairOf(1),
  stride: optional(pairOf(1)),
  padding: optional(padding()),
  dilation: optional(pairOf(1)),
  bias: optional(flag()),
  fit: optional(oneOf("strict", "floor")),
  weightInitializer: optional(initializerField()),
  biasInitializer: optional(initializerField()),
});

/** Drops what is left out, so that the operation's own defaults hold. */
export function geometry({ stride, padding, dilation, fit }: ConvolutionOptions) {
  return {
    ...(stride === undefined ? {} : { stride }),
    ...(padding === undefined ? {} : { padding }),
    ...(dilation === undefined ? {} : { dilation }),
    ...(fit === undefined ? {} : { fit }),
  };
}

export function channelsOf(x: Value, kind: string, scope: Scope): number {
  if (x.shape.length !== 4) {
    throw new ShapeError(
      `${kind} "${scope.path}": expected [N, C, H, W], got ${formatShape(x.shape)}.`,
    );
  }
  return x.shape[1]!;
}

function weightOf(scope: Scope, shape: Shape, { weightInitializer }: ConvolutionOptions): Value {
  return scope.parameter(
    "weight",
    shape,
    weightInitializer ?? kaimingUniform({ slope: Math.sqrt(5) }),
  );
}

/** `{ bias }` with the parameter, or nothing. */
function biasOf(scope: Scope, weight: Shape, options: ConvolutionOptions): { bias?: Value } {
  if (options.bias === false) return {};
  const bound = 1 / Math.sqrt(fans(weight).fanIn);
  const initializer = options.biasInitializer ?? uniform({ low: -bound, high: bound });
  return { bias: scope.parameter("bias", [weight[0]!], initializer) };
}

/**
 * Two-dimensional convolution with a weight `[K, C/groups, R, S]` and, unless told otherwise, a bias `[K]`.
 * `[N, C, H, W] → [N, K, P, Q]`; the equation is that of the operation (graph/ops/conv2d.ts).
 *
 * @throws OptionError for options outside their range.
 * @throws ShapeError where channels do not divide into groups or, under `strict`, the windows do not fit.
 * @example
 * conv2d({ channels: 64, kernel: 3, stride: 2, padding: 1, bias: false })
 */
export function conv2d(options: Conv2dLayerOptions): Layer {
  checkOptions("conv2d", options, {
    channels: integer(1),
    groups: optional(integer(1)),
    ...convolutionFields(),
  });
  const { channels, groups = 1 } = options;
  const kernel = pair(options.kernel, "conv2d: kernel", 1);
  const build = ([x]: readonly Value[], scope: Scope) => {
    const inputs = channelsOf(x!, "conv2d", scope);
    if (inputs % groups !== 0 || channels % groups !== 0) {
      throw new ShapeError(
        `conv2d "${scope.path}": ${inputs} input channels (${formatShape(x!.shape)}) and ${channels} output channels do not both divide into ${groups} groups.`,
      );
    }
    const shape = [channels, inputs / groups, ...kernel];
    const weight = weightOf(scope, shape, options);
    return convolve(x!, weight, { groups, ...geometry(options), ...biasOf(scope, shape, options) });
  };
  return layer("conv2d", options, build, { type: "Conv2d" });
}

/** Options of {@link depthwiseConv2d}. */
export interface DepthwiseConv2dOptions extends ConvolutionOptions {
  /** Filters for each input channel. Default 1. */
  readonly multiplier?: number;
}

/**
 * Convolution of each channel by itself: a convolution with as many groups as input channels, weight
 * `[C·multiplier, 1, R, S]`. `[N, C, H, W] → [N, C·multiplier, P, Q]`. Source: Howard et al. 2017, equation 3.
 */
export function depthwiseConv2d(options: DepthwiseConv2dOptions): Layer {
  checkOptions("depthwiseConv2d", options, {
    multiplier: optional(integer(1)),
    ...convolutionFields(),
  });
  const { multiplier = 1 } = options;
  const kernel = pair(options.kernel, "depthwiseConv2d: kernel", 1);
  const build = ([x]: readonly Value[], scope: Scope) => {
    const groups = channelsOf(x!, "depthwiseConv2d", scope);
    const shape = [groups * multiplier, 1, ...kernel];
    const weight = weightOf(scope, shape, options);
    return convolve(x!, weight, { groups, ...geometry(options), ...biasOf(scope, shape, options) });
  };
  return layer("depthwiseConv2d", options, build, { type: "Conv2d" });
}
