import { OptionError, ShapeError } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import { conv2d as convolve } from "../graph/ops/conv2d.ts";
import { type Fit, type Padding, type Pair, pair } from "../graph/window.ts";
import { uniform } from "../initializers/basic.ts";
import { fans, type Initializer } from "../initializers/initializer.ts";
import { kaimingUniform } from "../initializers/scaled.ts";
import { type Layer, layer } from "./layer.ts";

/** Options of {@link conv2d}. */
export interface Conv2dLayerOptions {
  /** Output channels K. */
  readonly channels: number;
  readonly kernel: Pair;
  /** Default 1. */
  readonly stride?: Pair;
  /** Default 0. */
  readonly padding?: Padding;
  /** Default 1. */
  readonly dilation?: Pair;
  /** Default 1; as many as input channels is a depthwise convolution. */
  readonly groups?: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Default `strict`; torchvision's nets need `floor`. */
  readonly fit?: Exclude<Fit, "ceil">;
  /** Default: PyTorch's, uniform within ±1/√fanIn. */
  readonly weightInitializer?: Initializer;
  /** Default: PyTorch's, uniform within ±1/√fanIn. */
  readonly biasInitializer?: Initializer;
}

/**
 * Two-dimensional convolution with a weight `[K, C/groups, R, S]` and, unless told otherwise, a bias `[K]`.
 * `[N, C, H, W] → [N, K, P, Q]`; the equation is that of the operation (graph/ops/conv2d.ts).
 *
 * @throws OptionError for channels or groups that are no positive integers.
 * @throws ShapeError where channels do not divide into groups or, under `strict`, the windows do not fit.
 * @example
 * conv2d({ channels: 64, kernel: 3, stride: 2, padding: 1, bias: false })
 */
export function conv2d(options: Conv2dLayerOptions): Layer {
  const { channels, groups = 1, bias = true } = options;
  for (const [what, count] of [
    ["channels", channels],
    ["groups", groups],
  ] as const) {
    if (!Number.isInteger(count) || count < 1) {
      throw new OptionError(`conv2d: ${what} ${count}: expected an integer of at least 1.`);
    }
  }
  const kernel = pair(options.kernel, "conv2d: kernel", 1);
  const { weightInitializer, biasInitializer, ...plain } = options;
  return layer("conv2d", plain, ([x], scope) => {
    const inputs = x!.shape[1] ?? 0;
    if (inputs % groups !== 0 || channels % groups !== 0) {
      throw new ShapeError(
        `conv2d "${scope.path}": ${inputs} input channels (${formatShape(x!.shape)}) and ${channels} output channels do not both divide into ${groups} groups.`,
      );
    }
    const shape = [channels, inputs / groups, ...kernel];
    const bound = 1 / Math.sqrt(fans(shape).fanIn);
    const weight = scope.parameter(
      "weight",
      shape,
      weightInitializer ?? kaimingUniform({ slope: Math.sqrt(5) }),
    );
    const biasValue = bias
      ? scope.parameter(
          "bias",
          [channels],
          biasInitializer ?? uniform({ low: -bound, high: bound }),
        )
      : undefined;
    const { stride, padding, dilation, fit } = options;
    return convolve(x!, weight, {
      groups,
      ...(stride === undefined ? {} : { stride }),
      ...(padding === undefined ? {} : { padding }),
      ...(dilation === undefined ? {} : { dilation }),
      ...(fit === undefined ? {} : { fit }),
      ...(biasValue === undefined ? {} : { bias: biasValue }),
    });
  });
}
