import { createPixels, type Pixels, toColor, toGrey } from "../decode/pixels.ts";
import { resize } from "../decode/resize.ts";

/** Width and height of the luma picture in a {@link ContentFacts.signature}. */
export const lumaSide = 32;
/** Width and height of the colour picture after it. */
export const colorSide = 8;

/** What is remembered of an image's content when the image itself is not at hand any more. */
export interface ContentFacts {
  /** 64-bit difference hash in two words; near-duplicates differ in few bits. */
  readonly hash: readonly [number, number];
  /**
   * The whole image stretched to 32x32 luma, then to 8x8 RGB: 1216 bytes that confirm or refute what
   * the hash suspects.
   */
  readonly signature: Uint8Array;
  /** Mean luma, 0 … 255. */
  readonly brightness: number;
  /** Standard deviation of luma. */
  readonly contrast: number;
  /** Variance of the Laplacian of luma, at about 256 pixels on the shorter side. */
  readonly sharpness: number;
}

/** Everything known about one image file. */
export interface ImageFacts extends ContentFacts {
  /** Of the file's bytes, or of the pixels of a record. */
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Upright size before any resizing. */
  readonly width: number;
  readonly height: number;
  readonly format: string;
  readonly timeMs?: number;
  readonly camera?: string;
  /** Damage that decoding stepped over. */
  readonly warnings: readonly string[];
}

const workingSize = 256;

/** Measures an image. Large ones are first averaged down in whole blocks, which changes little. */
export function measure(image: Pixels): ContentFacts {
  const factor = Math.max(1, Math.floor(Math.min(image.width, image.height) / workingSize));
  const small = reduce(image, factor);
  const grey = toGrey(small);
  const { mean, deviation } = spread(grey.data);
  return {
    hash: differenceHash(grey),
    signature: sign(small, grey),
    brightness: mean,
    contrast: deviation,
    sharpness: laplacianVariance(grey),
  };
}

function sign(image: Pixels, grey: Pixels): Uint8Array {
  const luma = resize(grey, lumaSide, lumaSide, "box").data;
  const colors = resize(toColor(image), colorSide, colorSide, "box").data;
  const signature = new Uint8Array(luma.length + colors.length);
  signature.set(luma);
  signature.set(colors, luma.length);
  return signature;
}

/** Averages `factor` × `factor` blocks; what is left over at the right and the bottom is dropped. */
export function reduce(image: Pixels, factor: number): Pixels {
  if (factor === 1) return image;
  const { channels, data } = image;
  const width = Math.floor(image.width / factor);
  const height = Math.floor(image.height / factor);
  const result = createPixels(width, height, channels);
  const rowLength = width * channels;
  const sums = new Uint32Array(rowLength);
  const area = factor * factor;
  for (let y = 0; y < height; y++) {
    sums.fill(0);
    for (let dy = 0; dy < factor; dy++) {
      const row = (y * factor + dy) * image.width * channels;
      for (let c = 0; c < channels; c++) {
        let from = row + c;
        for (let to = c; to < rowLength; to += channels) {
          let sum = 0;
          for (let dx = 0; dx < factor; dx++, from += channels) sum += data[from]!;
          sums[to]! += sum;
        }
      }
    }
    const to = y * rowLength;
    for (let i = 0; i < rowLength; i++) result.data[to + i] = (sums[i]! + (area >> 1)) / area;
  }
  return result;
}

/**
 * One bit per pair of neighbours in a 9x8 version of the image: is the left one darker? Insensitive
 * to size, compression, brightness and contrast; sensitive to cropping and turning.
 */
export function differenceHash(image: Pixels): readonly [number, number] {
  const { data } = resize(toGrey(image), 9, 8, "box");
  const words: [number, number] = [0, 0];
  for (let bit = 0; bit < 64; bit++) {
    const at = (bit >> 3) * 9 + (bit & 7);
    if (data[at]! < data[at + 1]!) words[bit >> 5]! |= 1 << (bit & 31);
  }
  return [words[0] >>> 0, words[1] >>> 0];
}

function spread(data: Uint8Array): { mean: number; deviation: number } {
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < data.length; i++) {
    sum += data[i]!;
    squares += data[i]! * data[i]!;
  }
  const mean = sum / data.length;
  return { mean, deviation: Math.sqrt(Math.max(0, squares / data.length - mean * mean)) };
}

// The 4-neighbour Laplacian; small where nothing has an edge, that is in blurred images.
function laplacianVariance(grey: Pixels): number {
  const { width, height, data } = grey;
  if (width < 3 || height < 3) return 0;
  let sum = 0;
  let squares = 0;
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1, i = y * width + 1; x < width - 1; x++, i++) {
      const value =
        data[i - 1]! + data[i + 1]! + data[i - width]! + data[i + width]! - 4 * data[i]!;
      sum += value;
      squares += value * value;
    }
  }
  const count = (width - 2) * (height - 2);
  return squares / count - (sum / count) ** 2;
}
