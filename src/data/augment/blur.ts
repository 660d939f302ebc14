import { z } from "zod";
import { createPixels, type Pixels } from "../decode/pixels.ts";
import type { AugmentationKind } from "./augmentation.ts";
import { chanceOption, drawBetween, rangeOption } from "./range.ts";

/**
 * Convolution with a Gaussian of standard deviation `sigma` pixels on `2·radius + 1` taps, the image
 * mirrored at its edges: torchvision's `gaussian_blur`. Radius by default `⌈3 sigma⌉`.
 */
export function gaussianBlur(
  image: Pixels,
  sigma: number,
  radius: number = Math.ceil(3 * sigma),
): Pixels {
  const { width, height, channels, data } = image;
  const taps = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-0.5 * ((i - radius) / sigma) ** 2),
  );
  const sum = taps.reduce((total, tap) => total + tap, 0);
  const wide = new Float64Array(data.length);
  const columns = mirrored(width, radius);
  const rows = mirrored(height, radius);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const to = (y * width + x) * channels;
      for (let t = 0; t < taps.length; t++) {
        const from = (y * width + columns[x + t]!) * channels;
        const tap = taps[t]! / sum;
        for (let c = 0; c < channels; c++) wide[to + c]! += data[from + c]! * tap;
      }
    }
  }
  const result = createPixels(width, height, channels);
  const rowLength = width * channels;
  const line = new Float64Array(rowLength);
  for (let y = 0; y < height; y++) {
    line.fill(0.5);
    for (let t = 0; t < taps.length; t++) {
      const from = rows[y + t]! * rowLength;
      const tap = taps[t]! / sum;
      for (let i = 0; i < rowLength; i++) line[i]! += wide[from + i]! * tap;
    }
    for (let i = 0; i < rowLength; i++) result.data[y * rowLength + i] = Math.min(255, line[i]!);
  }
  return result;
}

// Reflection without repeating the edge, however far outside.
function mirrored(size: number, radius: number): Int32Array {
  const period = Math.max(1, 2 * (size - 1));
  return Int32Array.from({ length: size + 2 * radius }, (_, i) => {
    const at = (((i - radius) % period) + period) % period;
    return at < size ? at : period - at;
  });
}

const options = () =>
  z.strictObject({
    chance: chanceOption(0.5),
    sigma: rangeOption(0.01, 20).default([0.1, 2]),
  });

/** torchvision's `GaussianBlur`, `sigma` drawn evenly, with a chance of its own. */
export const blur: AugmentationKind<ReturnType<typeof options>> = {
  summary: "blurs",
  options,
  create: ({ chance, sigma }) => ({
    name: "blur",
    apply: (image, random) =>
      random.uniform() < chance ? gaussianBlur(image, drawBetween(random, sigma)) : image,
  }),
};
