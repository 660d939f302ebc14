import type { Rgba } from "./rgba.ts";

// Source and target of a turn are walked in blocks that both fit into the first-level cache.
const blockSide = 32;

/**
 * Turns and mirrors an image so that it stands as its camera's EXIF orientation tag says.
 *
 * 1 as it is · 2 mirrored left to right · 3 turned by 180° · 4 mirrored top to bottom ·
 * 5 mirrored along the main diagonal · 6 turned clockwise by 90° · 7 mirrored along the other
 * diagonal · 8 turned counter-clockwise by 90°. Any other value is taken as 1, as viewers do.
 */
export function orient(image: Rgba, orientation: number): Rgba {
  if (orientation < 2 || orientation > 8 || !Number.isInteger(orientation)) return image;
  const { width, height } = image;
  const transposed = orientation >= 5;
  const newWidth = transposed ? height : width;
  const source = wordsOf(image.data);
  const target = new Uint32Array(width * height);
  // Where the source's first pixel lands, and the steps of one source column and one source row.
  let columnStep = transposed ? newWidth : 1;
  let rowStep = transposed ? 1 : newWidth;
  let start = 0;
  // Mirroring the source's columns: 2, 3, and of the transposed 7, 8; its rows: 3, 4, 6, 7.
  if ([2, 3, 7, 8].includes(orientation)) {
    start += (width - 1) * columnStep;
    columnStep = -columnStep;
  }
  if ([3, 4, 6, 7].includes(orientation)) {
    start += (height - 1) * rowStep;
    rowStep = -rowStep;
  }
  for (let top = 0; top < height; top += blockSide) {
    const bottom = Math.min(height, top + blockSide);
    for (let left = 0; left < width; left += blockSide) {
      const right = Math.min(width, left + blockSide);
      for (let y = top; y < bottom; y++) {
        let from = y * width + left;
        let to = start + y * rowStep + left * columnStep;
        for (let x = left; x < right; x++, to += columnStep) target[to] = source[from++]!;
      }
    }
  }
  return {
    width: newWidth,
    height: transposed ? width : height,
    data: new Uint8Array(target.buffer),
  };
}

// One pixel is one word; a copy where the bytes do not begin at a word.
function wordsOf(data: Rgba["data"]): Uint32Array {
  const aligned = data.byteOffset % 4 === 0 ? data : data.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
}
