import { createPixels, type Pixels } from "./pixels.ts";

/**
 * Turns and mirrors an image so that it stands as its camera's EXIF orientation tag says.
 *
 * 1 as it is · 2 mirrored left to right · 3 turned by 180° · 4 mirrored top to bottom ·
 * 5 mirrored along the main diagonal · 6 turned clockwise by 90° · 7 mirrored along the other
 * diagonal · 8 turned counter-clockwise by 90°. Any other value is taken as 1, as viewers do.
 */
export function orient(image: Pixels, orientation: number): Pixels {
  if (orientation < 2 || orientation > 8 || !Number.isInteger(orientation)) return image;
  const { width, height, channels, data } = image;
  const transposed = orientation >= 5;
  const result = transposed
    ? createPixels(height, width, channels)
    : createPixels(width, height, channels);
  // Where the source's first pixel lands, and the step of one source column and one source row.
  const mirrorX = [2, 3, 6, 7].includes(orientation);
  const mirrorY = [3, 4, 7, 8].includes(orientation);
  const stride = result.width * channels;
  const alongX = transposed ? stride : channels;
  const alongY = transposed ? channels : stride;
  let columnStep = alongX;
  let rowStep = alongY;
  let start = 0;
  // For the transposed ones, 6 = transpose then mirror columns of the result, 8 = mirror its rows.
  if (transposed ? mirrorY : mirrorX) {
    start += (width - 1) * alongX;
    columnStep = -alongX;
  }
  if (transposed ? mirrorX : mirrorY) {
    start += (height - 1) * alongY;
    rowStep = -alongY;
  }
  const out = result.data;
  let from = 0;
  for (let y = 0; y < height; y++) {
    let to = start + y * rowStep;
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) out[to + c] = data[from + c]!;
      from += channels;
      to += columnStep;
    }
  }
  return result;
}
