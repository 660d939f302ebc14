import { z } from "zod";
import { createPixels } from "../decode/pixels.ts";
import type { AugmentationKind } from "./augmentation.ts";
import { chanceOption, drawBetween, rangeOption } from "./range.ts";

const options = () =>
  z.strictObject({
    chance: chanceOption(0.5),
    /** Standard deviation, in levels of 0 … 255. */
    sigma: rangeOption(0, 128).default([2, 12]),
  });

/** Adds independent normal noise to every sample, rounded and cut to 0 … 255. */
export const noise: AugmentationKind<ReturnType<typeof options>> = {
  summary: "adds noise",
  options,
  create: ({ chance, sigma }) => ({
    name: "noise",
    apply(image, random) {
      if (random.uniform() >= chance) return image;
      const deviation = drawBetween(random, sigma);
      const result = createPixels(image.width, image.height, image.channels);
      const out = new Uint8ClampedArray(result.data.buffer);
      for (let i = 0; i < out.length; i++) out[i] = image.data[i]! + deviation * random.normal();
      return result;
    },
  }),
};
