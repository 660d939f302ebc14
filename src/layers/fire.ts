import { checkOptions, flag, integer, optional } from "../core/fields.ts";
import { constant } from "../initializers/basic.ts";
import { kaimingUniform } from "../initializers/scaled.ts";
import { relu } from "./activation.ts";
import { conv2d } from "./conv2d.ts";
import { type Layer, layer } from "./layer.ts";
import { concat, sum } from "./structure.ts";

/** Options of {@link fire}. */
export interface FireOptions {
  /** Channels of the 1x1 convolution in front. */
  readonly squeeze: number;
  /** Channels of the 1x1 convolutions behind it. */
  readonly expand1x1: number;
  /** Channels of the 3x3 convolutions behind it. */
  readonly expand3x3: number;
  /** Adds the input to the output, which must have as many channels. Default false. */
  readonly bypass?: boolean;
}

/**
 * SqueezeNet's module: few 1x1 convolutions squeeze the channels, 1x1 and 3x3 convolutions side by side expand them
 * again. `[N, C, H, W] → [N, expand1x1 + expand3x3, H, W]`. Names and initialisation as torchvision.
 * Source: Iandola et al. 2016, section 3.2; bypass: section 6.
 */
export function fire(options: FireOptions): Layer {
  checkOptions("fire", options, {
    squeeze: integer(1),
    expand1x1: integer(1),
    expand3x3: integer(1),
    bypass: optional(flag()),
  });
  const { squeeze, expand1x1, expand3x3, bypass = false } = options;
  const convolution = (channels: number, kernel: number) =>
    conv2d({
      channels,
      kernel,
      padding: (kernel - 1) / 2,
      weightInitializer: kaimingUniform(),
      biasInitializer: constant(0),
    });
  return layer("fire", options, ([x], scope) => {
    const narrow = scope.apply("squeeze", convolution(squeeze, 1), x!);
    const s = scope.apply("squeeze_activation", relu(), narrow);
    const one = scope.apply("expand1x1", convolution(expand1x1, 1), s);
    const a = scope.apply("expand1x1_activation", relu(), one);
    const three = scope.apply("expand3x3", convolution(expand3x3, 3), s);
    const b = scope.apply("expand3x3_activation", relu(), three);
    const y = scope.inline(concat(), a, b);
    return bypass ? scope.inline(sum(), y, x!) : y;
  });
}
