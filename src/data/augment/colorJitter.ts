import { z } from "zod";
import type { Pixels } from "../decode/pixels.ts";
import type { AugmentationKind } from "./augmentation.ts";
import { adjustBrightness, adjustContrast, adjustHue, adjustSaturation } from "./color.ts";
import { chanceOption, drawBetween } from "./range.ts";

const options = () =>
  z.strictObject({
    chance: chanceOption(1),
    brightness: z.number().min(0).max(1).default(0.2),
    contrast: z.number().min(0).max(1).default(0.2),
    saturation: z.number().min(0).max(1).default(0.2),
    hue: z.number().min(0).max(0.5).default(0),
  });

/**
 * torchvision's `ColorJitter`: brightness, contrast and saturation by factors drawn from `1 ± option`,
 * hue by a part of a turn drawn from `± option`, in random order. torchvision's defaults are all 0.
 */
export const colorJitter: AugmentationKind<ReturnType<typeof options>> = {
  summary: "changes brightness, contrast, saturation and hue",
  options,
  create({ chance, brightness, contrast, saturation, hue }) {
    const steps: readonly (readonly [number, number, (image: Pixels, x: number) => Pixels])[] = [
      [1, brightness, adjustBrightness],
      [1, contrast, adjustContrast],
      [1, saturation, adjustSaturation],
      [0, hue, adjustHue],
    ];
    return {
      name: "colorJitter",
      apply(image, random) {
        if (random.uniform() >= chance) return image;
        const order = random.permutation(steps.length);
        const draws = steps.map(([middle, width]) =>
          drawBetween(random, [middle - width, middle + width]),
        );
        return order.reduce<Pixels>((current, index) => {
          const [, width, adjust] = steps[index]!;
          return width === 0 ? current : adjust(current, draws[index]!);
        }, image);
      },
    };
  },
};
