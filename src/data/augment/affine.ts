import { z } from "zod";
import type { AugmentationKind } from "./augmentation.ts";
import { chanceOption, drawBetween, rangeOption } from "./range.ts";
import { interpolations, inverseMatrix, warp } from "./warp.ts";

const reading = () => ({
  interpolation: z.enum(interpolations).default("bilinear"),
  fill: z.number().int().min(0).max(255).default(0),
});

const rotationOptions = () =>
  z.strictObject({ degrees: z.number().min(0).max(180).default(15), ...reading() });

/**
 * torchvision's `RandomRotation`: turns about the middle by an angle drawn evenly from ± `degrees`.
 * Reads bilinearly; torchvision's default is nearest.
 */
export const rotation: AugmentationKind<ReturnType<typeof rotationOptions>> = {
  summary: "turns about the middle",
  options: rotationOptions,
  create: ({ degrees, interpolation, fill }) => ({
    name: "rotation",
    apply(image, random) {
      const angle = drawBetween(random, [-degrees, degrees]);
      return warp(image, inverseMatrix({ angle }), interpolation, fill);
    },
  }),
};

const affineOptions = () =>
  z.strictObject({
    chance: chanceOption(1),
    degrees: z.number().min(0).max(180).default(10),
    /** Largest shift, as a part of the width and of the height. */
    translate: z.number().min(0).max(1).default(0.1),
    scale: rangeOption(0.1, 10).default([0.9, 1.1]),
    /** Largest shear along x, in degrees. */
    shear: z.number().min(0).max(60).default(0),
    ...reading(),
  });

/**
 * torchvision's `RandomAffine`: turn, shift by whole pixels, zoom and shear along x, each drawn
 * evenly. The defaults are mild ones of our own; torchvision has none.
 */
export const affine: AugmentationKind<ReturnType<typeof affineOptions>> = {
  summary: "turns, shifts, zooms and shears",
  options: affineOptions,
  create: ({ chance, degrees, translate, scale, shear, interpolation, fill }) => ({
    name: "affine",
    apply(image, random) {
      if (random.uniform() >= chance) return image;
      const angle = drawBetween(random, [-degrees, degrees]);
      const shift = (size: number): number =>
        Math.round(drawBetween(random, [-translate * size, translate * size]));
      const motion = {
        angle,
        translate: [shift(image.width), shift(image.height)] as const,
        scale: drawBetween(random, scale),
        shear: [drawBetween(random, [-shear, shear]), 0] as const,
      };
      return warp(image, inverseMatrix(motion), interpolation, fill);
    },
  }),
};
