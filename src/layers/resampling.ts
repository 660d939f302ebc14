import { OptionError } from "../core/errors.ts";
import { checkOptions, flag, integer, oneOf, optional } from "../core/fields.ts";
import { resize as resample } from "../graph/ops/resize.ts";
import {
  channelShuffle as shuffleChannels,
  pixelShuffle as shufflePixels,
} from "../graph/ops/shuffle.ts";
import { type Pair, pair } from "../graph/window.ts";
import { pairOf } from "./fields.ts";
import { type Layer, layer } from "./layer.ts";

/** Options of {@link upsample}. */
export interface UpsampleOptions {
  /** `[height, width]` of the result, or one number for both. */
  readonly size?: Pair;
  /** How many times larger, instead of a size. */
  readonly factor?: Pair;
  /** Default `nearest`, as PyTorch. */
  readonly mode?: "nearest" | "bilinear" | "bicubic";
  /** Corner pixels stay where they are; not for `nearest`. Default false. */
  readonly alignCorners?: boolean;
  /** Average over what shrinking leaves out; not for `nearest`. Default false. */
  readonly antialias?: boolean;
}

/** Another height and width, without parameters; see graph/ops/resize.ts. `[N, C, H, W] → [N, C, height, width]`. */
export function upsample(options: UpsampleOptions): Layer {
  checkOptions("upsample", options, {
    size: optional(pairOf(1)),
    factor: optional(pairOf(1)),
    mode: optional(oneOf("nearest", "bilinear", "bicubic")),
    alignCorners: optional(flag()),
    antialias: optional(flag()),
  });
  const { size, factor, ...rest } = options;
  if ((size === undefined) === (factor === undefined)) {
    throw new OptionError("upsample: give either a size or a factor.");
  }
  return layer(
    "upsample",
    options,
    ([x]) => {
      const [h, w] = pair(size ?? factor!, "upsample", 1);
      const target = size === undefined ? [h * x!.shape[2]!, w * x!.shape[3]!] : [h, w];
      return resample(x!, { size: target as [number, number], ...rest });
    },
    { type: "Upsample" },
  );
}

/** Deals channels of groups round robin; see graph/ops/shuffle.ts. The shape stays. */
export function channelShuffle(options: { readonly groups: number }): Layer {
  checkOptions("channelShuffle", options, { groups: integer(1) });
  const build: Layer["build"] = ([x]) => shuffleChannels(x!, options.groups);
  return layer("channelShuffle", options, build, { type: "ChannelShuffle" });
}

/** Channels into pixels; see graph/ops/shuffle.ts. `[N, C·r², H, W] → [N, C, H·r, W·r]`. */
export function pixelShuffle(options: { readonly factor: number }): Layer {
  checkOptions("pixelShuffle", options, { factor: integer(1) });
  const build: Layer["build"] = ([x]) => shufflePixels(x!, options.factor);
  return layer("pixelShuffle", options, build, { type: "PixelShuffle" });
}
