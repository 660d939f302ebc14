import { OptionError } from "../../core/errors.ts";
import { centerCrop, pad } from "../decode/crop.ts";
import { type Pixels, withChannels } from "../decode/pixels.ts";
import { type FilterName, resize } from "../decode/resize.ts";
import type { Color } from "../decode/rgba.ts";

/** How images of any size become inputs of one size. */
export interface Geometry {
  /** Size the network sees. */
  readonly width: number;
  readonly height: number;
  /** 1: luma; 3: colour. */
  readonly channels: 1 | 3;
  /**
   * `crop`: cover the size, cut the middle (torchvision's Resize and CenterCrop); `stretch`: ignore the
   * proportions; `pad`: show the whole image with bars of {@link Geometry.background}. Default `crop`.
   */
  readonly fit?: "crop" | "stretch" | "pad";
  /** With `crop`: cut size ÷ covered size, in (0, 1]. Default 1; ImageNet's 224 of 256 is 0.875. */
  readonly cropRatio?: number;
  /** Default `bilinear`, as torchvision. */
  readonly filter?: FilterName;
  /** Colour of bars and behind transparent pixels. Default white. */
  readonly background?: Color;
}

// What lies further out than this is never seen in the middle and rarely in a random crop.
const maxAspect = 2;

/** @throws OptionError for sizes or ratios outside their range. */
export function checkGeometry(geometry: Geometry): void {
  const { width, height, cropRatio = 1 } = geometry;
  for (const [name, size] of [
    ["width", width],
    ["height", height],
  ] as const) {
    if (!Number.isInteger(size) || size < 1 || size > 4096) {
      throw new OptionError(`geometry: ${name} ${size}; expected an integer from 1 to 4096.`);
    }
  }
  if (!(cropRatio > 0 && cropRatio <= 1)) {
    throw new OptionError(
      `geometry: cropRatio ${cropRatio}; expected a number above 0 and at most 1.`,
    );
  }
}

/**
 * The form in which an image is kept for the rest of the run: resized once, with the margin that
 * random crops play in. With `crop` its shorter side (relative to the wanted proportions) is
 * `size / cropRatio` and the longer is cut to at most twice that; otherwise it has the final size.
 */
export function toStored(image: Pixels, geometry: Geometry): Pixels {
  const { fit = "crop", filter = "bilinear", cropRatio = 1 } = geometry;
  const colored = withChannels(image, geometry.channels);
  if (fit === "stretch") return resize(colored, geometry.width, geometry.height, filter);
  if (fit === "pad") return padded(colored, geometry, filter);
  const coverWidth = Math.round(geometry.width / cropRatio);
  const coverHeight = Math.round(geometry.height / cropRatio);
  const trimmed = trim(colored, coverWidth / coverHeight);
  // One side is covered exactly; the other is rounded down as torchvision's Resize does.
  const byWidth = coverWidth * trimmed.height >= coverHeight * trimmed.width;
  const width = byWidth ? coverWidth : Math.trunc((coverHeight * trimmed.width) / trimmed.height);
  const height = byWidth ? Math.trunc((coverWidth * trimmed.height) / trimmed.width) : coverHeight;
  return resize(trimmed, width, height, filter);
}

/** The part of a stored image that validation and prediction see: the middle. */
export function toInput(stored: Pixels, geometry: Geometry): Pixels {
  return centerCrop(stored, geometry.width, geometry.height);
}

function trim(image: Pixels, aspect: number): Pixels {
  const width = Math.min(image.width, Math.ceil(image.height * aspect * maxAspect));
  const height = Math.min(image.height, Math.ceil((image.width / aspect) * maxAspect));
  return centerCrop(image, width, height);
}

function padded(image: Pixels, geometry: Geometry, filter: FilterName): Pixels {
  const scale = Math.min(geometry.width / image.width, geometry.height / image.height);
  const width = Math.max(1, Math.round(image.width * scale));
  const height = Math.max(1, Math.round(image.height * scale));
  const left = Math.floor((geometry.width - width) / 2);
  const top = Math.floor((geometry.height - height) / 2);
  const small = resize(image, width, height, filter);
  const color = geometry.background ?? [255, 255, 255];
  const right = geometry.width - width - left;
  const bottom = geometry.height - height - top;
  return pad(small, left, top, right, bottom, color);
}
