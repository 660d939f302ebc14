import { z } from "zod";
import { createPixels } from "../decode/pixels.ts";
import type { AugmentationKind } from "./augmentation.ts";
import { chanceOption, drawBetween, drawLogBetween, rangeOption } from "./range.ts";

const options = () =>
  z.strictObject({
    chance: chanceOption(0.5),
    scale: rangeOption(0.001, 1).default([0.02, 0.33]),
    ratio: rangeOption(0.05, 20).default([0.3, 3.3]),
    /** A level, or `noise` for random levels. */
    fill: z.union([z.number().int().min(0).max(255), z.literal("noise")]).default(127),
  });

/**
 * torchvision's `RandomErasing`: a random rectangle becomes even or noise. torchvision fills with 0
 * after normalisation, which is the mean colour; before it, where this runs, middle grey is nearest.
 *
 * Source: Zhong et al., "Random Erasing Data Augmentation", 2017, algorithm 1.
 */
export const randomErasing: AugmentationKind<ReturnType<typeof options>> = {
  summary: "covers a random rectangle",
  options,
  create: ({ chance, scale, ratio, fill }) => ({
    name: "randomErasing",
    apply(image, random) {
      if (random.uniform() >= chance) return image;
      const { width, height, channels } = image;
      for (let attempt = 0; attempt < 10; attempt++) {
        const area = width * height * drawBetween(random, scale);
        const aspect = drawLogBetween(random, ratio);
        const h = Math.round(Math.sqrt(area * aspect));
        const w = Math.round(Math.sqrt(area / aspect));
        if (w < 1 || h < 1 || w >= width || h >= height) continue;
        const top = random.integer(height - h + 1);
        const left = random.integer(width - w + 1);
        const result = createPixels(width, height, channels);
        result.data.set(image.data);
        for (let y = top; y < top + h; y++) {
          const start = (y * width + left) * channels;
          const end = start + w * channels;
          if (fill !== "noise") result.data.fill(fill, start, end);
          else for (let i = start; i < end; i++) result.data[i] = random.integer(256);
        }
        return result;
      }
      return image;
    },
  }),
};
