import { createPixels, type Pixels, toColor, toGrey } from "../decode/pixels.ts";

/** `other + factor · (image − other)`, cut to 0 … 255 and rounded down: PIL's `Image.blend`. */
export function blend(other: Pixels, image: Pixels, factor: number): Pixels {
  const result = createPixels(image.width, image.height, image.channels);
  for (let i = 0; i < result.data.length; i++) {
    const base = other.data[i]!;
    const value = base + factor * (image.data[i]! - base);
    result.data[i] = Math.max(0, Math.min(255, value));
  }
  return result;
}

/** 0 is black, 1 the image, above 1 brighter. PIL's `ImageEnhance.Brightness`. */
export function adjustBrightness(image: Pixels, factor: number): Pixels {
  return blend(createPixels(image.width, image.height, image.channels), image, factor);
}

/** 0 is an even grey of the image's mean luma, 1 the image. PIL's `ImageEnhance.Contrast`. */
export function adjustContrast(image: Pixels, factor: number): Pixels {
  const grey = toGrey(image).data;
  let sum = 0;
  for (let i = 0; i < grey.length; i++) sum += grey[i]!;
  const even = createPixels(image.width, image.height, image.channels);
  even.data.fill(Math.floor(sum / grey.length + 0.5));
  return blend(even, image, factor);
}

/** 0 is the grey image, 1 the image. PIL's `ImageEnhance.Color`. */
export function adjustSaturation(image: Pixels, factor: number): Pixels {
  return image.channels === 1 ? image : blend(toColor(toGrey(image)), image, factor);
}

/**
 * Turns the colour wheel by `shift` of a full turn, −0.5 … 0.5, in HSV computed with real numbers
 * (torchvision's tensor version; PIL's goes through 8-bit hues and is coarser).
 */
export function adjustHue(image: Pixels, shift: number): Pixels {
  if (image.channels === 1 || shift === 0) return image;
  const { width, height, data } = image;
  const result = createPixels(width, height, 3);
  const out = result.data;
  for (let i = 0; i < data.length; i += 3) {
    const red = data[i]!;
    const green = data[i + 1]!;
    const blue = data[i + 2]!;
    const high = Math.max(red, green, blue);
    const chroma = high - Math.min(red, green, blue);
    // The hue in sixths of a turn; grey has none and stays as it is.
    let hue = 0;
    if (chroma > 0) {
      if (high === red) hue = (green - blue) / chroma;
      else if (high === green) hue = (blue - red) / chroma + 2;
      else hue = (red - green) / chroma + 4;
    }
    const turned = (((hue / 6 + shift) % 1) + 1) % 1;
    out[i] = channelOf(turned, 5, high, chroma);
    out[i + 1] = channelOf(turned, 3, high, chroma);
    out[i + 2] = channelOf(turned, 1, high, chroma);
  }
  return result;
}

// f(n) = v − c · max(0, min(k, 4 − k, 1)), k = (n + 6h) mod 6: HSV to RGB without cases.
function channelOf(hue: number, n: number, value: number, chroma: number): number {
  const k = (n + hue * 6) % 6;
  return Math.round(value - chroma * Math.max(0, Math.min(k, 4 - k, 1)));
}
