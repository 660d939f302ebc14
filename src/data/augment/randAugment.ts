import { z } from "zod";
import type { RandomStream } from "../../core/random.ts";
import type { Pixels } from "../decode/pixels.ts";
import type { AugmentationKind } from "./augmentation.ts";
import { adjustBrightness, adjustContrast, adjustSaturation } from "./color.ts";
import { adjustSharpness, autoContrast, equalize, posterize, solarize } from "./tone.ts";
import { type AffineMotion, inverseMatrix, warp } from "./warp.ts";

/** A change whose strength `level` is 0 … 1; `signed` ones go either way. */
interface Step {
  readonly signed: boolean;
  apply(image: Pixels, level: number, fill: number): Pixels;
}

const move =
  (motionOf: (level: number, image: Pixels) => AffineMotion): Step["apply"] =>
  (image, level, fill) =>
    warp(image, inverseMatrix(motionOf(level, image)), "bilinear", fill);

const degrees = (slope: number): number => (Math.atan(slope) * 180) / Math.PI;

// torchvision's space and its strengths at full level.
const steps: Readonly<Record<string, Step>> = {
  identity: { signed: false, apply: (image) => image },
  shearX: { signed: true, apply: move((level) => ({ shear: [degrees(0.3 * level), 0] })) },
  shearY: { signed: true, apply: move((level) => ({ shear: [0, degrees(0.3 * level)] })) },
  translateX: {
    signed: true,
    apply: move((level, image) => ({
      translate: [Math.trunc((150 / 331) * image.width * level), 0],
    })),
  },
  translateY: {
    signed: true,
    apply: move((level, image) => ({
      translate: [0, Math.trunc((150 / 331) * image.height * level)],
    })),
  },
  rotate: { signed: true, apply: move((level) => ({ angle: 30 * level })) },
  brightness: { signed: true, apply: (image, level) => adjustBrightness(image, 1 + 0.9 * level) },
  color: { signed: true, apply: (image, level) => adjustSaturation(image, 1 + 0.9 * level) },
  contrast: { signed: true, apply: (image, level) => adjustContrast(image, 1 + 0.9 * level) },
  sharpness: { signed: true, apply: (image, level) => adjustSharpness(image, 1 + 0.9 * level) },
  posterize: {
    signed: false,
    apply: (image, level) => posterize(image, 8 - Math.round(4 * level)),
  },
  solarize: { signed: false, apply: (image, level) => solarize(image, 255 * (1 - level)) },
  autoContrast: { signed: false, apply: autoContrast },
  equalize: { signed: false, apply: equalize },
};

const options = () =>
  z.strictObject({
    /** How many changes follow one another. */
    count: z.number().int().min(1).max(8).default(2),
    /** Strength of all of them, 0 … 30. */
    magnitude: z.number().min(0).max(30).default(9),
    fill: z.number().int().min(0).max(255).default(0),
  });

/**
 * RandAugment with torchvision's fourteen changes and strengths: `count` of them, drawn evenly, at one
 * magnitude of 30. Reads moved images bilinearly; torchvision's default is nearest.
 *
 * Source: Cubuk et al., "RandAugment", 2019.
 */
export const randAugment: AugmentationKind<ReturnType<typeof options>> = {
  summary: "applies some of fourteen changes at one strength",
  options,
  create({ count, magnitude, fill }) {
    const all = Object.values(steps);
    const strength = magnitude / 30;
    const once = (image: Pixels, random: RandomStream): Pixels => {
      const step = all[random.integer(all.length)]!;
      const isNegative = random.uniform() < 0.5;
      return step.apply(image, step.signed && isNegative ? -strength : strength, fill);
    };
    return {
      name: "randAugment",
      apply(image, random) {
        let current = image;
        for (let i = 0; i < count; i++) current = once(current, random);
        return current;
      },
    };
  },
};
