import { OptionError } from "../core/errors.ts";
import type { Value } from "../graph/builder.ts";
import { input, scalar as s } from "../graph/expression.ts";
import { concat } from "../graph/ops/concat.ts";
import { elementwise } from "../graph/ops/elementwise.ts";
import { split } from "../graph/ops/slice.ts";

/** How pixels 0 … 255 become what a net was trained on: `(pixel · scale − mean)/std` per channel. */
export interface Normalization {
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Default 1/255, as PyTorch; 1 for nets of Caffe. */
  readonly scale?: number;
  /** Order in which the net wants its channels, and in which `mean` and `std` stand. Default `rgb`. */
  readonly channelOrder?: "rgb" | "bgr";
}

/**
 * Pixels 0 … 255 as a net wants them: `y = (x·scale − mean)/std` per channel, `x [N, C, H, W]`.
 * The first node of every graph, so that images travel as bytes.
 */
export function normalize(pixels: Value, normalization: Normalization): Value {
  const { mean, std, scale: unit = 1 / 255, channelOrder = "rgb" } = normalization;
  const channels = pixels.shape[1]!;
  if (mean.length !== channels || std.length !== channels || std.some((value) => !(value > 0))) {
    throw new OptionError(
      `normalize: mean [${mean.join(", ")}] and std [${std.join(", ")}]; expected ${channels} numbers each, std above 0.`,
    );
  }
  const { builder } = pixels;
  const shape = [1, channels, 1, 1];
  const scale = builder.constant(
    Float32Array.from(std, (value) => unit / value),
    shape,
  );
  const shift = builder.constant(
    Float32Array.from(mean, (value, c) => -value / std[c]!),
    shape,
  );
  const ordered = channelOrder === "bgr" ? reverseChannels(pixels) : pixels;
  const y = s.add(s.mul(input(0), input(1)), input(2));
  return elementwise([ordered, scale, shift], y, "normalize");
}

function reverseChannels(x: Value): Value {
  const channels = split(x, 1, new Array<number>(x.shape[1]!).fill(1));
  return concat([...channels].reverse(), 1);
}

/** Mean and standard deviation per channel over images of interleaved bytes, in units of 0 to 1. */
export function measureNormalization(
  images: Iterable<Uint8Array>,
  channels: number,
): Normalization {
  const sums = new Float64Array(channels);
  const squares = new Float64Array(channels);
  let pixels = 0;
  for (const data of images) {
    for (let i = 0; i < data.length; i++) {
      const value = data[i]!;
      sums[i % channels]! += value;
      squares[i % channels]! += value * value;
    }
    pixels += data.length / channels;
  }
  const mean = Array.from(sums, (sum) => round(sum / pixels / 255));
  const std = Array.from(squares, (square, c) => {
    const variance = square / pixels - (sums[c]! / pixels) ** 2;
    // Images without any contrast leave nothing to divide by.
    return round(Math.max(Math.sqrt(Math.max(0, variance)) / 255, 1 / 255));
  });
  return { mean, std };
}

// Four digits are all that such constants are quoted with; more would only suggest precision.
function round(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
