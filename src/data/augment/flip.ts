import { z } from "zod";
import { createPixels, type Pixels } from "../decode/pixels.ts";
import type { AugmentationKind } from "./augmentation.ts";
import { chanceOption } from "./range.ts";

/** Mirrored left to right. */
export function flipHorizontally(image: Pixels): Pixels {
  const { width, height, channels, data } = image;
  const result = createPixels(width, height, channels);
  for (let y = 0; y < height; y++) {
    let from = y * width * channels;
    let to = from + (width - 1) * channels;
    for (let x = 0; x < width; x++, from += channels, to -= channels) {
      for (let c = 0; c < channels; c++) result.data[to + c] = data[from + c]!;
    }
  }
  return result;
}

/** Mirrored top to bottom. */
export function flipVertically(image: Pixels): Pixels {
  const { width, height, channels, data } = image;
  const result = createPixels(width, height, channels);
  const row = width * channels;
  for (let y = 0; y < height; y++) {
    result.data.set(data.subarray(y * row, (y + 1) * row), (height - 1 - y) * row);
  }
  return result;
}

const flipOptions = () => z.strictObject({ chance: chanceOption(0.5) });

/** torchvision's `RandomHorizontalFlip`. Not for things that mean another thing mirrored (text, hands). */
export const horizontalFlip: AugmentationKind<ReturnType<typeof flipOptions>> = {
  summary: "mirrors left to right",
  options: flipOptions,
  create: ({ chance }) => ({
    name: "horizontalFlip",
    apply: (image, random) => (random.uniform() < chance ? flipHorizontally(image) : image),
  }),
};

/** torchvision's `RandomVerticalFlip`. For what has no upside: cells, tiles, views from above. */
export const verticalFlip: AugmentationKind<ReturnType<typeof flipOptions>> = {
  summary: "mirrors top to bottom",
  options: flipOptions,
  create: ({ chance }) => ({
    name: "verticalFlip",
    apply: (image, random) => (random.uniform() < chance ? flipVertically(image) : image),
  }),
};
