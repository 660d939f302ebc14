import { ShapeError } from "../core/errors.ts";
import { checkOptions, integer, optional } from "../core/fields.ts";
import { formatShape } from "../core/shape.ts";
import { convTranspose2d as enlarge } from "../graph/ops/conv2d.ts";
import { type Pair, pair } from "../graph/window.ts";
import { uniform } from "../initializers/basic.ts";
import { fans, type Initializer } from "../initializers/initializer.ts";
import { kaimingUniform } from "../initializers/scaled.ts";
import { convolutionFields } from "./conv2d.ts";
import { pairOf } from "./fields.ts";
import { type Layer, layer } from "./layer.ts";

/** Options of {@link convTranspose2d}. */
export interface ConvTranspose2dLayerOptions {
  /** Output channels K. */
  readonly channels: number;
  readonly kernel: Pair;
  /** Default 1. */
  readonly stride?: Pair;
  /** Of the matching convolution; cut off here. Default 0. */
  readonly padding?: number | readonly [number, number];
  /** Extra rows and columns at the bottom right. Default 0. */
  readonly outputPadding?: Pair;
  /** Default 1. */
  readonly dilation?: Pair;
  /** Default 1. */
  readonly groups?: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Default: PyTorch's, uniform within ±1/√fanIn, its fan-in being K/groups · R · S. */
  readonly weightInitializer?: Initializer;
  /** Default: PyTorch's, the same. */
  readonly biasInitializer?: Initializer;
}

/**
 * Transposed convolution, which enlarges: the data gradient of a convolution. Weight `[C, K/groups, R, S]`, bias `[K]`.
 * `[N, C, H, W] → [N, K, P, Q]`, `P = (H − 1)·stride − 2·padding + dilation·(R − 1) + outputPadding + 1`.
 */
export function convTranspose2d(options: ConvTranspose2dLayerOptions): Layer {
  const { fit: _, padding: __, ...shared } = convolutionFields();
  checkOptions("convTranspose2d", options, {
    channels: integer(1),
    groups: optional(integer(1)),
    padding: optional(pairOf(0)),
    outputPadding: optional(pairOf(0)),
    ...shared,
  });
  const { channels, groups = 1, bias = true } = options;
  const { weightInitializer, biasInitializer, stride, padding, outputPadding, dilation } = options;
  const kernel = pair(options.kernel, "convTranspose2d: kernel", 1);
  return layer(
    "convTranspose2d",
    options,
    ([x], scope) => {
      const inputs = x!.shape[1] ?? 0;
      if (x!.shape.length !== 4 || inputs % groups !== 0 || channels % groups !== 0) {
        throw new ShapeError(
          `convTranspose2d "${scope.path}": input ${formatShape(x!.shape)} must be [N, C, H, W], and its channels and the ${channels} output channels must divide into ${groups} groups.`,
        );
      }
      const shape = [inputs, channels / groups, ...kernel];
      const weight = scope.parameter(
        "weight",
        shape,
        weightInitializer ?? kaimingUniform({ slope: Math.sqrt(5) }),
      );
      const bound = 1 / Math.sqrt(fans(shape).fanIn);
      const biasValue = bias
        ? scope.parameter(
            "bias",
            [channels],
            biasInitializer ?? uniform({ low: -bound, high: bound }),
          )
        : undefined;
      return enlarge(x!, weight, {
        groups,
        ...(stride === undefined ? {} : { stride }),
        ...(padding === undefined ? {} : { padding }),
        ...(outputPadding === undefined ? {} : { outputPadding }),
        ...(dilation === undefined ? {} : { dilation }),
        ...(biasValue === undefined ? {} : { bias: biasValue }),
      });
    },
    { type: "ConvTranspose2d" },
  );
}
