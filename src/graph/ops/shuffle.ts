import { ShapeError } from "../../core/errors.ts";
import { formatShape } from "../../core/shape.ts";
import type { Value } from "../builder.ts";
import { take } from "./axisMap.ts";
import { reshape } from "./reshape.ts";
import { transpose } from "./transpose.ts";

/**
 * Deals the channels of `groups` groups round robin: `y_{i·groups + g} = x_{g·(C/groups) + i}`, so that a grouped
 * convolution behind it sees all groups. `[N, C, H, W] → [N, C, H, W]`. Source: Zhang et al. 2018 (ShuffleNet).
 */
export function channelShuffle(x: Value, groups: number): Value {
  const channels = x.shape[1] ?? 0;
  if (!Number.isInteger(groups) || groups < 1 || channels === 0 || channels % groups !== 0) {
    throw new ShapeError(
      `${x.builder.place("channelShuffle")}: the channels of ${formatShape(x.shape)} do not divide into ${groups} groups.`,
    );
  }
  const each = channels / groups;
  const order = Array.from(
    { length: channels },
    (_, c) => (c % groups) * each + Math.floor(c / groups),
  );
  return take(x, 1, order);
}

/**
 * Turns channels into pixels: `y[n, c, h·r + i, w·r + j] = x[n, c·r² + i·r + j, h, w]`.
 * `[N, C·r², H, W] → [N, C, H·r, W·r]`. Source: Shi et al. 2016, section 3.2.
 */
export function pixelShuffle(x: Value, factor: number): Value {
  const [n, c, h, w] = x.shape;
  const channels = (c ?? 0) / factor ** 2;
  const fits = Number.isInteger(factor) && factor >= 1 && Number.isInteger(channels);
  if (x.shape.length !== 4 || !fits) {
    throw new ShapeError(
      `${x.builder.place("pixelShuffle")}: expected [N, C·${factor}², H, W], got ${formatShape(x.shape)}.`,
    );
  }
  const cut = reshape(x, [n!, channels, factor, factor, h!, w!]);
  const interleaved = transpose(cut, [0, 1, 4, 2, 5, 3]);
  return reshape(interleaved, [n!, channels, h! * factor, w! * factor]);
}

/** The inverse of {@link pixelShuffle}: `[N, C, H·r, W·r] → [N, C·r², H, W]`, also called space to depth. */
export function pixelUnshuffle(x: Value, factor: number): Value {
  const [n, c, h, w] = x.shape;
  const fits = Number.isInteger(factor) && factor >= 1;
  if (x.shape.length !== 4 || !fits || h! % factor !== 0 || w! % factor !== 0) {
    throw new ShapeError(
      `${x.builder.place("pixelUnshuffle")}: the plane of ${formatShape(x.shape)} does not divide into squares of ${factor}.`,
    );
  }
  const cut = reshape(x, [n!, c!, h! / factor, factor, w! / factor, factor]);
  const gathered = transpose(cut, [0, 1, 3, 5, 2, 4]);
  return reshape(gathered, [n!, c! * factor * factor, h! / factor, w! / factor]);
}
