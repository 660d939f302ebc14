/** Every augmentation at once: what a page and this process must agree on. */
export const augmentationText =
  "randomResizedCrop, horizontalFlip, verticalFlip, rotation, affine, colorJitter(hue=0.1), grayscale, blur, noise, randomErasing, randAugment, mixup, cutmix";
