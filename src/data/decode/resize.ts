import { OptionError } from "../../core/errors.ts";
import { createPixels, type Pixels } from "./pixels.ts";

/** Resampling filters, by PIL's names. All but `nearest` are antialiased. */
export const filterNames = ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"] as const;
export type FilterName = (typeof filterNames)[number];

interface Filter {
  /** Half width of the kernel, in source pixels at scale 1. */
  readonly support: number;
  weight(x: number): number;
}

const filters: Readonly<Record<Exclude<FilterName, "nearest">, Filter>> = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: {
    support: 1,
    weight(x) {
      const distance = Math.abs(x);
      if (distance === 0) return 1;
      if (distance >= 1) return 0;
      const angle = distance * Math.PI;
      return (Math.sin(angle) / angle) * (0.54 + 0.46 * Math.cos(angle));
    },
  },
  bicubic: {
    support: 2,
    // Keys' cubic convolution with a = −0.5.
    weight(x) {
      const a = -0.5;
      const distance = Math.abs(x);
      if (distance < 1) return ((a + 2) * distance - (a + 3)) * distance * distance + 1;
      if (distance < 2) return (((distance - 5) * distance + 8) * distance - 4) * a;
      return 0;
    },
  },
  lanczos: {
    support: 3,
    weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0),
  },
};

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

/** Part of an image to resize, in source pixels; fractions are allowed. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Resizes an image, or a part of it, to `width` × `height`.
 *
 * Each output sample is `Σ w((i + 0.5 − center)/scale) · source[i] / Σ w`, with
 * `scale = max(1, source size / output size)` stretching the filter when the image shrinks, so that
 * no detail is skipped (antialiasing). The weights are 22-bit fixed-point numbers, columns are done
 * before rows and the result between them is rounded to 8 bits: PIL's `Image.resize` exactly, to
 * ±1 level at most where the host's sine and the C library's differ in the last bit of a weight.
 *
 * Source: Pillow, `src/libImaging/Resample.c` (algorithm).
 *
 * @throws OptionError for a size that is no positive integer or a box outside the image.
 */
export function resize(
  image: Pixels,
  width: number,
  height: number,
  filter: FilterName = "bilinear",
  box: Box = { left: 0, top: 0, width: image.width, height: image.height },
): Pixels {
  checkSizes(image, width, height, box);
  const whole =
    box.left === 0 && box.top === 0 && box.width === image.width && box.height === image.height;
  if (whole && width === image.width && height === image.height) return image;
  if (filter === "nearest") return resizeNearest(image, width, height, box);
  const columns = weigh(image.width, box.left, box.width, width, filters[filter]);
  const rows = weigh(image.height, box.top, box.height, height, filters[filter]);
  // Only the rows that the second pass reads.
  const firstRow = rows.starts[0]!;
  const lastRow = rows.starts[height - 1]! + rows.counts[height - 1]!;
  const wide = resampleColumns(image, width, columns, firstRow, lastRow);
  return resampleRows(wide, height, rows, firstRow);
}

function checkSizes(image: Pixels, width: number, height: number, box: Box): void {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new OptionError(
      `resize: output ${width}x${height}; both must be integers of at least 1.`,
    );
  }
  const { left, top } = box;
  const inside =
    left >= 0 &&
    top >= 0 &&
    box.width > 0 &&
    box.height > 0 &&
    left + box.width <= image.width + 1e-6 &&
    top + box.height <= image.height + 1e-6;
  if (!inside) {
    throw new OptionError(
      `resize: box ${box.width}x${box.height} at (${left}, ${top}) is not inside the image of ${image.width}x${image.height}.`,
    );
  }
}

/** For each output position: the first source position, how many, and their weights. */
interface Weights {
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  /** Fixed-point weights, `stride` apart. */
  readonly values: Int32Array;
  readonly stride: number;
}

// 32 bits less 8 of the sample and 2 of headroom: a filter's negative lobes overshoot.
const precisionBits = 22;
const half = 1 << (precisionBits - 1);

function weigh(
  inputSize: number,
  boxStart: number,
  boxSize: number,
  outputSize: number,
  filter: Filter,
): Weights {
  const scale = boxSize / outputSize;
  const stretch = Math.max(1, scale);
  const support = filter.support * stretch;
  const stride = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(outputSize);
  const counts = new Int32Array(outputSize);
  const values = new Int32Array(outputSize * stride);
  const exact = new Float64Array(stride);
  for (let position = 0; position < outputSize; position++) {
    const center = boxStart + (position + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const count = Math.min(inputSize, Math.trunc(center + support + 0.5)) - start;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      exact[i] = filter.weight((i + start - center + 0.5) / stretch);
      sum += exact[i]!;
    }
    for (let i = 0; i < count; i++) {
      const weight = sum === 0 ? exact[i]! : exact[i]! / sum;
      const fixed = weight * (1 << precisionBits);
      values[position * stride + i] = Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    }
    starts[position] = start;
    counts[position] = count;
  }
  return { starts, counts, values, stride };
}

function resampleColumns(
  image: Pixels,
  width: number,
  weights: Weights,
  firstRow: number,
  lastRow: number,
): Pixels {
  const { channels, data } = image;
  const result = createPixels(width, lastRow - firstRow, channels);
  const out = clampingView(result);
  const { starts, counts, values, stride } = weights;
  let to = 0;
  for (let y = firstRow; y < lastRow; y++) {
    const row = y * image.width * channels;
    for (let x = 0; x < width; x++) {
      const count = counts[x]!;
      const weightAt = x * stride;
      let from = row + starts[x]! * channels;
      if (channels === 3) {
        let red = half;
        let green = half;
        let blue = half;
        for (let i = 0; i < count; i++, from += 3) {
          const weight = values[weightAt + i]!;
          red += data[from]! * weight;
          green += data[from + 1]! * weight;
          blue += data[from + 2]! * weight;
        }
        out[to++] = red >> precisionBits;
        out[to++] = green >> precisionBits;
        out[to++] = blue >> precisionBits;
      } else {
        let sum = half;
        for (let i = 0; i < count; i++) sum += data[from + i]! * values[weightAt + i]!;
        out[to++] = sum >> precisionBits;
      }
    }
  }
  return result;
}

function resampleRows(image: Pixels, height: number, weights: Weights, firstRow: number): Pixels {
  const { width, channels, data } = image;
  const result = createPixels(width, height, channels);
  const out = clampingView(result);
  const { starts, counts, values, stride } = weights;
  const rowLength = width * channels;
  const sums = new Int32Array(rowLength);
  for (let y = 0; y < height; y++) {
    sums.fill(half);
    let from = (starts[y]! - firstRow) * rowLength;
    for (let i = 0; i < counts[y]!; i++) {
      const weight = values[y * stride + i]!;
      for (let j = 0; j < rowLength; j++) sums[j]! += data[from + j]! * weight;
      from += rowLength;
    }
    const to = y * rowLength;
    for (let j = 0; j < rowLength; j++) out[to + j] = sums[j]! >> precisionBits;
  }
  return result;
}

// Stores to it are clamped to 0 … 255, which is where a filter's negative lobes may lead out of.
function clampingView({ data }: Pixels): Uint8ClampedArray {
  return new Uint8ClampedArray(data.buffer, data.byteOffset, data.length);
}

function resizeNearest(image: Pixels, width: number, height: number, box: Box): Pixels {
  const { channels, data } = image;
  const result = createPixels(width, height, channels);
  const columns = Int32Array.from({ length: width }, (_, x) =>
    Math.min(image.width - 1, Math.floor(box.left + (x + 0.5) * (box.width / width))),
  );
  let to = 0;
  for (let y = 0; y < height; y++) {
    const sourceY = Math.min(
      image.height - 1,
      Math.floor(box.top + (y + 0.5) * (box.height / height)),
    );
    const row = sourceY * image.width;
    for (let x = 0; x < width; x++) {
      const from = (row + columns[x]!) * channels;
      for (let c = 0; c < channels; c++) result.data[to++] = data[from + c]!;
    }
  }
  return result;
}
