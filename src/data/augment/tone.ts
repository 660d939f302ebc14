import { createPixels, type Pixels } from "../decode/pixels.ts";
import { blend } from "./color.ts";

/** Keeps the upper `bits` of each sample. PIL's `ImageOps.posterize`. */
export function posterize(image: Pixels, bits: number): Pixels {
  const mask = 0xff & ~(2 ** (8 - bits) - 1);
  return mapSamples(image, () => Uint8Array.from({ length: 256 }, (_, level) => level & mask));
}

/** Inverts samples of at least `threshold`. PIL's `ImageOps.solarize`. */
export function solarize(image: Pixels, threshold: number): Pixels {
  return mapSamples(image, () =>
    Uint8Array.from({ length: 256 }, (_, level) => (level < threshold ? level : 255 - level)),
  );
}

/** Spreads each channel over 0 … 255. PIL's `ImageOps.autocontrast`. */
export function autoContrast(image: Pixels): Pixels {
  return mapSamples(image, (histogram) => {
    const low = histogram.findIndex((count) => count > 0);
    const high = histogram.findLastIndex((count) => count > 0);
    if (high <= low) return Uint8Array.from({ length: 256 }, (_, level) => level);
    const scale = 255 / (high - low);
    return Uint8Array.from({ length: 256 }, (_, level) =>
      Math.max(0, Math.min(255, Math.trunc(level * scale - low * scale))),
    );
  });
}

/** Makes each channel's histogram even. PIL's `ImageOps.equalize`. */
export function equalize(image: Pixels): Pixels {
  return mapSamples(image, (histogram) => {
    const used = histogram.filter((count) => count > 0);
    const total = histogram.reduce((sum, count) => sum + count, 0);
    const step = Math.floor((total - (used.at(-1) ?? 0)) / 255);
    if (used.length <= 1 || step === 0)
      return Uint8Array.from({ length: 256 }, (_, level) => level);
    let seen = Math.floor(step / 2);
    return Uint8Array.from({ length: 256 }, (_, level) => {
      const value = Math.min(255, Math.floor(seen / step));
      seen += histogram[level]!;
      return value;
    });
  });
}

/**
 * 0 is smoothed by (1 1 1, 1 5 1, 1 1 1)/13, 1 the image, above 1 sharper; the edge pixels stay. PIL's
 * `ImageEnhance.Sharpness`.
 */
export function adjustSharpness(image: Pixels, factor: number): Pixels {
  const { width, height, channels, data } = image;
  const smooth = createPixels(width, height, channels);
  smooth.data.set(data);
  const row = width * channels;
  for (let y = 1; y < height - 1; y++) {
    for (let i = y * row + channels; i < (y + 1) * row - channels; i++) {
      let sum = 4 * data[i]!;
      for (let line = i - row; line <= i + row; line += row) {
        sum += data[line - channels]! + data[line]! + data[line + channels]!;
      }
      smooth.data[i] = sum / 13 + 0.5;
    }
  }
  return blend(smooth, image, factor);
}

// One table of levels per channel, made from the channel's histogram.
function mapSamples(image: Pixels, makeTable: (histogram: number[]) => Uint8Array): Pixels {
  const { width, height, channels, data } = image;
  const result = createPixels(width, height, channels);
  for (let c = 0; c < channels; c++) {
    const histogram = new Array<number>(256).fill(0);
    for (let i = c; i < data.length; i += channels) histogram[data[i]!]!++;
    const table = makeTable(histogram);
    for (let i = c; i < data.length; i += channels) result.data[i] = table[data[i]!]!;
  }
  return result;
}
