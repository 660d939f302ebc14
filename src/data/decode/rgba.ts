import { createPixels, type Pixels } from "./pixels.ts";

/** What a codec returns: four samples a pixel, alpha not multiplied in. */
export interface Rgba {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** Red, green, blue from 0 to 255. */
export type Color = readonly [number, number, number];

/**
 * Lays an image over a background: `c = (a · foreground + (255 − a) · background) / 255`, rounded.
 * Opaque pixels keep their value to the bit.
 */
export function flatten(image: Rgba, background: Color): Pixels {
  const { width, height } = image;
  // One kind of array for the loops below, whatever the codec returned.
  const data = new Uint8Array(image.data.buffer, image.data.byteOffset, image.data.length);
  const result = createPixels(width, height, 3);
  const out = result.data;
  const [red, green, blue] = background;
  for (let i = 0, j = 0; j < out.length; i += 4, j += 3) {
    const alpha = data[i + 3]!;
    if (alpha === 255) {
      out[j] = data[i]!;
      out[j + 1] = data[i + 1]!;
      out[j + 2] = data[i + 2]!;
    } else {
      const rest = 255 - alpha;
      out[j] = divide255(data[i]! * alpha + red * rest);
      out[j + 1] = divide255(data[i + 1]! * alpha + green * rest);
      out[j + 2] = divide255(data[i + 2]! * alpha + blue * rest);
    }
  }
  return result;
}

// round(x / 255) for 0 ≤ x ≤ 255², without a division.
function divide255(x: number): number {
  const shifted = x + 128;
  return (shifted + (shifted >> 8)) >> 8;
}
