import { z } from "zod";
import { crop } from "../decode/crop.ts";
import { createPixels, type Pixels } from "../decode/pixels.ts";
import type { AugmentationKind } from "./augmentation.ts";

/** What is seen beyond the image's edge. */
export const paddingModes = ["constant", "edge", "reflect"] as const;
export type PaddingMode = (typeof paddingModes)[number];

/** The image with `padding` pixels more on every side. `reflect` does not repeat the edge itself. */
export function padAround(image: Pixels, padding: number, mode: PaddingMode, fill: number): Pixels {
  if (padding === 0) return image;
  const { channels, data } = image;
  const result = createPixels(image.width + 2 * padding, image.height + 2 * padding, channels);
  const columns = sources(image.width, padding, mode);
  const rows = sources(image.height, padding, mode);
  let to = 0;
  for (const y of rows) {
    for (const x of columns) {
      const outside = x < 0 || y < 0;
      const from = (y * image.width + x) * channels;
      for (let c = 0; c < channels; c++) result.data[to++] = outside ? fill : data[from + c]!;
    }
  }
  return result;
}

// The source position of each padded one; −1 is outside.
function sources(size: number, padding: number, mode: PaddingMode): Int32Array {
  return Int32Array.from({ length: size + 2 * padding }, (_, i) => {
    const at = i - padding;
    if (at >= 0 && at < size) return at;
    if (mode === "constant") return -1;
    if (mode === "edge") return at < 0 ? 0 : size - 1;
    const period = Math.max(1, 2 * (size - 1));
    const folded = ((at % period) + period) % period;
    return folded < size ? folded : period - folded;
  });
}

const options = () =>
  z.strictObject({
    padding: z.number().int().min(0).max(512).default(0),
    mode: z.enum(paddingModes).default("constant"),
    fill: z.number().int().min(0).max(255).default(0),
  });

/**
 * torchvision's `RandomCrop`: pads, then cuts the geometry's size out at an even random place. He et
 * al. (2016) train on CIFAR with padding 4. Without padding it plays in the margin that the stored
 * image has where `cropRatio` is below 1 or its proportions differ.
 */
export const randomCrop: AugmentationKind<ReturnType<typeof options>> = {
  summary: "pads and cuts out at a random place",
  options,
  create: ({ padding, mode, fill }) => ({
    name: "randomCrop",
    apply(image, random, { width, height }) {
      const padded = padAround(image, padding, mode, fill);
      const top = random.integer(padded.height - height + 1);
      const left = random.integer(padded.width - width + 1);
      return crop(padded, left, top, width, height);
    },
  }),
};
