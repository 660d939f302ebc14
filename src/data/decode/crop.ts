import { OptionError } from "../../core/errors.ts";
import { createPixels, type Pixels } from "./pixels.ts";

/** Cuts out a rectangle that lies wholly inside the image. */
export function crop(
  image: Pixels,
  left: number,
  top: number,
  width: number,
  height: number,
): Pixels {
  const inside =
    [left, top, width, height].every(Number.isInteger) &&
    left >= 0 &&
    top >= 0 &&
    width >= 1 &&
    height >= 1 &&
    left + width <= image.width &&
    top + height <= image.height;
  if (!inside) {
    throw new OptionError(
      `crop: ${width}x${height} at (${left}, ${top}) is not inside the image of ${image.width}x${image.height}.`,
    );
  }
  if (width === image.width && height === image.height) return image;
  const { channels, data } = image;
  const result = createPixels(width, height, channels);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * image.width + left) * channels;
    result.data.set(data.subarray(from, from + width * channels), y * width * channels);
  }
  return result;
}

/** The middle of the image, as torchvision's `CenterCrop`: an odd remainder is rounded half to even. */
export function centerCrop(image: Pixels, width: number, height: number): Pixels {
  const left = roundHalfToEven((image.width - width) / 2);
  const top = roundHalfToEven((image.height - height) / 2);
  return crop(image, left, top, width, height);
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value);
}

/**
 * Puts the image into the middle of a larger one, in `fill` (a level for all channels, or one each).
 */
export function pad(
  image: Pixels,
  left: number,
  top: number,
  right: number,
  bottom: number,
  fill: number | readonly number[] = 0,
): Pixels {
  const { channels, data } = image;
  const result = createPixels(image.width + left + right, image.height + top + bottom, channels);
  const levels = typeof fill === "number" ? [fill, fill, fill] : fill;
  if (levels.some((level) => level !== 0)) {
    for (let i = 0; i < result.data.length; i++) result.data[i] = levels[i % channels]!;
  }
  const rowLength = image.width * channels;
  for (let y = 0; y < image.height; y++) {
    const to = ((top + y) * result.width + left) * channels;
    result.data.set(data.subarray(y * rowLength, (y + 1) * rowLength), to);
  }
  return result;
}
