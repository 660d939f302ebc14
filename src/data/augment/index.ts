import { affine, rotation } from "./affine.ts";
import { blur } from "./blur.ts";
import { colorJitter } from "./colorJitter.ts";
import { horizontalFlip, verticalFlip } from "./flip.ts";
import { grayscale } from "./grayscale.ts";
import { cutmix, mixup } from "./mixing.ts";
import { noise } from "./noise.ts";
import { randAugment } from "./randAugment.ts";
import { randomCrop } from "./randomCrop.ts";
import { randomErasing } from "./randomErasing.ts";
import { randomResizedCrop } from "./randomResizedCrop.ts";

export {
  affine,
  blur,
  colorJitter,
  cutmix,
  grayscale,
  horizontalFlip,
  mixup,
  noise,
  randAugment,
  randomCrop,
  randomErasing,
  randomResizedCrop,
  rotation,
  verticalFlip,
};

/** Augmentations of single images, by name. */
export const augmentations = {
  horizontalFlip,
  verticalFlip,
  randomCrop,
  randomResizedCrop,
  rotation,
  affine,
  colorJitter,
  grayscale,
  blur,
  noise,
  randomErasing,
  randAugment,
} as const;

/** Augmentations of whole batches, by name. */
export const batchAugmentations = { mixup, cutmix } as const;
