import { createPixels, type Pixels } from "../decode/pixels.ts";

/** How a warped image is read between its pixels. */
export const interpolations = ["bilinear", "nearest"] as const;
export type Interpolation = (typeof interpolations)[number];

/** Turn, shift, zoom and shear about an image's middle. */
export interface AffineMotion {
  /** Clockwise, in degrees. */
  readonly angle?: number;
  /** Right and down, in pixels. */
  readonly translate?: readonly [x: number, y: number];
  readonly scale?: number;
  /** Along x and y, in degrees. */
  readonly shear?: readonly [x: number, y: number];
}

/** Where output (x, y) comes from: `(m0 x + m1 y + m2, m3 x + m4 y + m5)`, from the image's middle. */
export type AffineMatrix = readonly [number, number, number, number, number, number];

/**
 * The inverse of `T · C · R(angle) · Shear · scale · C⁻¹`, as torchvision's `functional.affine`
 * composes it: first the shear, then the turn, then the shift.
 */
export function inverseMatrix(motion: AffineMotion): AffineMatrix {
  const { angle = 0, translate = [0, 0], scale = 1, shear = [0, 0] } = motion;
  const rotation = (angle * Math.PI) / 180;
  const shearX = (shear[0] * Math.PI) / 180;
  const shearY = (shear[1] * Math.PI) / 180;
  const a = Math.cos(rotation - shearY) / Math.cos(shearY);
  const b =
    (-Math.cos(rotation - shearY) * Math.tan(shearX)) / Math.cos(shearY) - Math.sin(rotation);
  const c = Math.sin(rotation - shearY) / Math.cos(shearY);
  const d =
    (-Math.sin(rotation - shearY) * Math.tan(shearX)) / Math.cos(shearY) + Math.cos(rotation);
  const [m0, m1, m3, m4] = [d / scale, -b / scale, -c / scale, a / scale];
  const [x, y] = translate;
  return [m0, m1, -m0 * x - m1 * y, m3, m4, -m3 * x - m4 * y];
}

/**
 * Moves an image within its frame. What comes from outside is `fill`; bilinear reading blends with it
 * at the edge (torchvision's `grid_sample` with zeros does the same for fill 0).
 */
export function warp(
  image: Pixels,
  matrix: AffineMatrix,
  interpolation: Interpolation,
  fill: number,
): Pixels {
  const { width, height } = image;
  const result = createPixels(width, height, image.channels);
  const [m0, m1, m2, m3, m4, m5] = matrix;
  const middleX = (width - 1) / 2;
  const middleY = (height - 1) / 2;
  const read = interpolation === "nearest" ? readNearest : readBilinear;
  let to = 0;
  for (let y = 0; y < height; y++) {
    const dy = y - middleY;
    for (let x = 0; x < width; x++, to += image.channels) {
      const dx = x - middleX;
      const sourceX = m0 * dx + m1 * dy + m2 + middleX;
      const sourceY = m3 * dx + m4 * dy + m5 + middleY;
      read(image, sourceX, sourceY, fill, result.data, to);
    }
  }
  return result;
}

function readNearest(
  image: Pixels,
  x: number,
  y: number,
  fill: number,
  out: Uint8Array,
  to: number,
): void {
  const { width, height, channels, data } = image;
  const column = Math.round(x);
  const row = Math.round(y);
  const inside = column >= 0 && column < width && row >= 0 && row < height;
  const from = (row * width + column) * channels;
  for (let c = 0; c < channels; c++) out[to + c] = inside ? data[from + c]! : fill;
}

function readBilinear(
  image: Pixels,
  x: number,
  y: number,
  fill: number,
  out: Uint8Array,
  to: number,
): void {
  const { width, height, channels, data } = image;
  const left = Math.floor(x);
  const top = Math.floor(y);
  if (left < -1 || top < -1 || left >= width || top >= height) {
    for (let c = 0; c < channels; c++) out[to + c] = fill;
    return;
  }
  const wx = x - left;
  const wy = y - top;
  const hasLeft = left >= 0;
  const hasRight = left + 1 < width;
  const hasTop = top >= 0;
  const hasBottom = top + 1 < height;
  const from = (top * width + left) * channels;
  const below = from + width * channels;
  for (let c = 0; c < channels; c++) {
    const a = hasTop && hasLeft ? data[from + c]! : fill;
    const b = hasTop && hasRight ? data[from + channels + c]! : fill;
    const d = hasBottom && hasLeft ? data[below + c]! : fill;
    const e = hasBottom && hasRight ? data[below + channels + c]! : fill;
    const upper = a + (b - a) * wx;
    const lower = d + (e - d) * wx;
    out[to + c] = upper + (lower - upper) * wy + 0.5;
  }
}
