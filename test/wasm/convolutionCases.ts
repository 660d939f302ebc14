/** Geometries and float64 loops that the convolution kernels are tested with. */
import { expect } from "vitest";
import type { Features } from "../../src/backends/wasm/kernel.ts";
import {
  type Conv2dGeometry,
  geometryKey,
  resultSize,
} from "../../src/backends/wasm/kernels/conv2dGeometry.ts";
import { bitsToUniform, randomBits } from "../../src/core/random.ts";

/** Engines with different register tiles. */
export const tiles: readonly Features[] = [
  { relaxedMadd: true, wide: true, hoistsLoads: false, tile: { rows: 6, columns: 16 } },
  { relaxedMadd: true, wide: false, hoistsLoads: false, tile: { rows: 5, columns: 8 } },
  { relaxedMadd: true, wide: false, hoistsLoads: true, tile: { rows: 3, columns: 12 } },
];

/** Seeded numbers between −1 and 1. */
export function randomFloats(count: number, seed: number): Float32Array {
  return Float32Array.from(
    { length: count },
    (_, i) => bitsToUniform(randomBits({ k0: seed, k1: 5 }, i)) * 2 - 1,
  );
}

export const describeGeometry = geometryKey;

export function inputCount({ images, size, channels }: Conv2dGeometry): number {
  return images * size[0] * size[1] * channels;
}

export function weightCount({ filters, kernel, channels, groups }: Conv2dGeometry): number {
  return filters * kernel[0] * kernel[1] * (channels / groups);
}

/** Products summed in one element of the result, at most. */
export function termCount({ kernel, channels, groups }: Conv2dGeometry): number {
  return kernel[0] * kernel[1] * (channels / groups);
}

export function resultCount(geometry: Conv2dGeometry): number {
  const [rows, columns] = resultSize(geometry);
  return geometry.images * rows * columns * geometry.filters;
}

type Compact = Partial<Omit<Conv2dGeometry, "size" | "kernel">> &
  Pick<Conv2dGeometry, "size" | "kernel" | "channels" | "filters">;

function complete(compact: Compact): Conv2dGeometry {
  return {
    images: 1,
    stride: [1, 1],
    padding: [0, 0, 0, 0],
    dilation: [1, 1],
    groups: 1,
    ...compact,
  };
}

/** Shapes with tails in every direction, and every option by itself and with others. */
export function testGeometries(): Conv2dGeometry[] {
  const compact: Compact[] = [
    { size: [1, 1], kernel: [1, 1], channels: 1, filters: 1 },
    { size: [5, 5], kernel: [3, 3], channels: 1, filters: 1 },
    { size: [5, 7], kernel: [1, 1], channels: 3, filters: 17, images: 3 },
    { size: [8, 8], kernel: [1, 1], channels: 16, filters: 32, images: 2 },
    { size: [9, 6], kernel: [1, 1], channels: 7, filters: 5, stride: [2, 2], images: 2 },
    { size: [7, 7], kernel: [1, 1], channels: 4, filters: 8, padding: [1, 2, 0, 1] },
    { size: [8, 9], kernel: [3, 3], channels: 4, filters: 16, padding: [1, 1, 1, 1] },
    { size: [8, 9], kernel: [3, 3], channels: 3, filters: 20, padding: [1, 1, 1, 1], images: 5 },
    { size: [10, 11], kernel: [3, 3], channels: 5, filters: 9, stride: [2, 2], images: 2 },
    {
      size: [10, 11],
      kernel: [3, 3],
      channels: 8,
      filters: 12,
      stride: [2, 2],
      padding: [1, 1, 1, 1],
      images: 3,
    },
    {
      size: [23, 23],
      kernel: [11, 11],
      channels: 3,
      filters: 13,
      stride: [4, 4],
      padding: [2, 2, 2, 2],
    },
    { size: [28, 28], kernel: [5, 5], channels: 1, filters: 6, padding: [2, 2, 2, 2], images: 2 },
    { size: [14, 14], kernel: [5, 5], channels: 6, filters: 16 },
    { size: [9, 10], kernel: [5, 5], channels: 8, filters: 20, padding: [2, 1, 3, 2], images: 2 },
    { size: [9, 10], kernel: [3, 2], channels: 5, filters: 7, dilation: [2, 3], images: 2 },
    {
      size: [13, 12],
      kernel: [3, 3],
      channels: 6,
      filters: 10,
      dilation: [3, 2],
      stride: [2, 3],
      padding: [3, 2, 1, 4],
    },
    {
      size: [6, 6],
      kernel: [3, 3],
      channels: 4,
      filters: 4,
      stride: [5, 4],
      padding: [0, 1, 0, 0],
    },
    {
      size: [7, 9],
      kernel: [2, 4],
      channels: 2,
      filters: 3,
      stride: [3, 1],
      padding: [0, 1, 2, 3],
    },
    // Padding larger than the kernel: whole windows of zeros.
    { size: [3, 4], kernel: [2, 2], channels: 3, filters: 6, padding: [4, 3, 5, 4] },
    { size: [6, 7], kernel: [3, 3], channels: 8, filters: 12, groups: 2, padding: [1, 1, 1, 1] },
    { size: [5, 6], kernel: [1, 1], channels: 9, filters: 6, groups: 3, images: 2 },
    {
      size: [9, 9],
      kernel: [3, 3],
      channels: 12,
      filters: 20,
      groups: 4,
      stride: [2, 1],
      padding: [1, 0, 2, 1],
      dilation: [1, 2],
      images: 2,
    },
    // One group per channel, multipliers 1, 2 and 3.
    { size: [7, 8], kernel: [3, 3], channels: 8, filters: 8, groups: 8, padding: [1, 1, 1, 1] },
    {
      size: [9, 11],
      kernel: [3, 3],
      channels: 19,
      filters: 19,
      groups: 19,
      padding: [1, 1, 1, 1],
      stride: [2, 2],
      images: 3,
    },
    {
      size: [12, 10],
      kernel: [5, 4],
      channels: 6,
      filters: 6,
      groups: 6,
      padding: [0, 2, 3, 1],
      dilation: [2, 1],
    },
    { size: [6, 6], kernel: [3, 3], channels: 5, filters: 10, groups: 5, padding: [1, 1, 1, 1] },
    {
      size: [6, 8],
      kernel: [2, 3],
      channels: 4,
      filters: 12,
      groups: 4,
      stride: [2, 2],
      images: 2,
    },
    // Several blocks of the reduction: by rows of taps, inside a row, and with dilation.
    { size: [6, 6], kernel: [3, 3], channels: 96, filters: 10, padding: [1, 1, 1, 1] },
    { size: [5, 5], kernel: [3, 3], channels: 301, filters: 17, images: 2, padding: [1, 1, 1, 1] },
    { size: [7, 7], kernel: [3, 3], channels: 150, filters: 5, dilation: [2, 2] },
    { size: [5, 6], kernel: [2, 2], channels: 410, filters: 6, dilation: [2, 3] },
    { size: [4, 4], kernel: [1, 1], channels: 700, filters: 33, images: 3 },
    // Several row blocks per image, several images per row block.
    { size: [20, 40], kernel: [3, 3], channels: 6, filters: 24, padding: [1, 1, 1, 1], images: 2 },
    { size: [4, 4], kernel: [3, 3], channels: 32, filters: 40, padding: [1, 1, 1, 1], images: 5 },
    { size: [4, 4], kernel: [3, 3], channels: 10, filters: 6, padding: [1, 1, 1, 1], images: 21 },
    // Small maps, where most taps see only padding; a tap that sees the image from nowhere; several chains of images.
    { size: [2, 2], kernel: [3, 3], channels: 20, filters: 70, padding: [1, 1, 1, 1], images: 3 },
    { size: [1, 1], kernel: [3, 3], channels: 8, filters: 5, padding: [1, 1, 1, 1], images: 300 },
    { size: [2, 3], kernel: [5, 5], channels: 12, filters: 64, padding: [2, 2, 2, 2], images: 90 },
    { size: [1, 3], kernel: [3, 3], channels: 7, filters: 9, padding: [1, 1, 1, 1], images: 2 },
    {
      size: [3, 2],
      kernel: [4, 3],
      channels: 16,
      filters: 6,
      padding: [2, 1, 1, 2],
      stride: [2, 1],
      images: 4,
    },
    {
      size: [3, 3],
      kernel: [3, 3],
      channels: 8,
      filters: 12,
      padding: [2, 2, 2, 2],
      dilation: [2, 2],
      images: 2,
    },
    { size: [2, 2], kernel: [3, 3], channels: 6, filters: 4, groups: 2, padding: [1, 1, 1, 1] },
    // Several chunks of pixels with few input channels; several ranges of filters.
    { size: [30, 30], kernel: [3, 3], channels: 3, filters: 26, padding: [1, 1, 1, 1], images: 3 },
    { size: [9, 9], kernel: [3, 3], channels: 5, filters: 101, padding: [1, 1, 1, 1], images: 2 },
    { size: [12, 12], kernel: [3, 3], channels: 24, filters: 72, groups: 2, images: 2 },
    { size: [14, 14], kernel: [1, 1], channels: 36, filters: 70, images: 3 },
  ];
  return compact.map(complete);
}

/** Channels-last convolution in float64. */
export function referenceConv2d(
  geometry: Conv2dGeometry,
  x: Float32Array,
  weight: Float32Array,
): number[] {
  const y = new Array<number>(resultCount(geometry)).fill(0);
  forEachProduct(geometry, (xIndex, weightIndex, yIndex) => {
    y[yIndex]! += x[xIndex]! * weight[weightIndex]!;
  });
  return y;
}

/** Calls `visit` for every multiply-add of a convolution, with indices into x, weight and y. */
export function forEachProduct(
  geometry: Conv2dGeometry,
  visit: (xIndex: number, weightIndex: number, yIndex: number) => void,
): void {
  const { images, channels, size, filters, kernel, stride, padding, dilation, groups } = geometry;
  const [rows, columns] = resultSize(geometry);
  const perGroup = channels / groups;
  for (let n = 0; n < images; n++) {
    for (let p = 0; p < rows; p++) {
      for (let q = 0; q < columns; q++) {
        for (let r = 0; r < kernel[0]; r++) {
          const h = p * stride[0] + r * dilation[0] - padding[0];
          if (h < 0 || h >= size[0]) continue;
          for (let s = 0; s < kernel[1]; s++) {
            const w = q * stride[1] + s * dilation[1] - padding[1];
            if (w < 0 || w >= size[1]) continue;
            for (let k = 0; k < filters; k++) {
              const first = Math.floor(k / (filters / groups)) * perGroup;
              const xIndex = ((n * size[0] + h) * size[1] + w) * channels + first;
              const weightIndex = ((k * kernel[0] + r) * kernel[1] + s) * perGroup;
              const yIndex = ((n * rows + p) * columns + q) * filters + k;
              for (let c = 0; c < perGroup; c++) visit(xIndex + c, weightIndex + c, yIndex);
            }
          }
        }
      }
    }
  }
}

/**
 * Elements agree to `2⁻²⁴ (4 + terms)`. The terms lie between −1 and 1 with either sign, so partial sums
 * of n of them are about √n/3, and n additions that each round by half a unit of that add up, as a
 * random walk, to about n/6 · 2⁻²⁴; the bound leaves a factor of six for the largest of many.
 */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  terms: number,
): void {
  expect(actual.length).toBe(expected.length);
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    worst = Math.max(worst, Number.isNaN(error) ? Infinity : error);
  }
  expect(worst).toBeLessThan(2 ** -24 * (4 + terms));
}

/** Equal in every bit. */
export function expectSameBits(actual: ArrayBufferView, expected: ArrayBufferView): void {
  const bytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
    new Uint8Array(buffer, byteOffset, byteLength);
  expect(bytes(actual)).toEqual(bytes(expected));
}
