import { z } from "zod";
import type { RandomStream } from "../../core/random.ts";
import { type Box, filterNames, resize } from "../decode/resize.ts";
import type { AugmentationKind } from "./augmentation.ts";
import { drawBetween, drawLogBetween, type Range, rangeOption } from "./range.ts";

/**
 * A random rectangle with `scale` of the image's area and `ratio` of width to height; after ten
 * misses the largest middle one whose proportions are allowed. Size and place are whole pixels.
 */
export function drawCrop(
  width: number,
  height: number,
  scale: Range,
  ratio: Range,
  random: RandomStream,
): Box {
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = width * height * drawBetween(random, scale);
    const aspect = drawLogBetween(random, ratio);
    const w = Math.round(Math.sqrt(area * aspect));
    const h = Math.round(Math.sqrt(area / aspect));
    if (w > 0 && w <= width && h > 0 && h <= height) {
      const top = random.integer(height - h + 1);
      const left = random.integer(width - w + 1);
      return { left, top, width: w, height: h };
    }
  }
  const aspect = width / height;
  const w = aspect > ratio[1] ? Math.max(1, Math.round(height * ratio[1])) : width;
  const h = aspect < ratio[0] ? Math.max(1, Math.round(width / ratio[0])) : height;
  return {
    left: Math.floor((width - w) / 2),
    top: Math.floor((height - h) / 2),
    width: w,
    height: h,
  };
}

const options = () =>
  z.strictObject({
    scale: rangeOption(0.01, 1).default([0.08, 1]),
    ratio: rangeOption(0.1, 10).default([3 / 4, 4 / 3]),
    filter: z.enum(filterNames).default("bilinear"),
  });

/**
 * torchvision's `RandomResizedCrop`: a random part of the image at the geometry's size. The defaults
 * are torchvision's, made for ImageNet; small sets and centred objects want `scale` from 0.5 or more.
 *
 * Source: Szegedy et al., "Going Deeper with Convolutions", 2015, section 6.
 */
export const randomResizedCrop: AugmentationKind<ReturnType<typeof options>> = {
  summary: "cuts out a part of random size and proportions and resizes it",
  options,
  create: ({ scale, ratio, filter }) => ({
    name: "randomResizedCrop",
    apply(image, random, { width, height }) {
      const box = drawCrop(image.width, image.height, scale, ratio, random);
      return resize(image, width, height, filter, box);
    },
  }),
};
