/** Blocks of pixels: a few images, or a few rows of one image. */
export interface PixelBlocks {
  readonly imagesPerBlock: number;
  readonly rowsPerBlock: number;
  /** Blocks along the images, and along the rows of an image. */
  readonly imageBlocks: number;
  readonly rowBlocks: number;
}

/** Size of equal parts of `total`, the fewest of at most `largest`. */
function evenPart(total: number, largest: number): number {
  return Math.ceil(total / Math.ceil(total / largest));
}

/**
 * Cuts a grid of pixels into blocks of nearly equal size, about `target` pixels each, smaller where a block
 * does not fit by `fits`. A block never spans parts of two images.
 */
export function pixelBlocks(
  images: number,
  grid: readonly [number, number],
  target: number,
  fits: (images: number, rows: number) => boolean = () => true,
): PixelBlocks {
  const [rows, columns] = grid;
  let imagesPerBlock = 1;
  let rowsPerBlock = rows;
  if (rows * columns >= target || images === 1) {
    rowsPerBlock = Math.min(rows, Math.max(1, Math.round(target / columns)));
    while (rowsPerBlock > 1 && !fits(1, rowsPerBlock)) rowsPerBlock--;
    rowsPerBlock = evenPart(rows, rowsPerBlock);
  } else {
    imagesPerBlock = Math.min(images, Math.max(1, Math.round(target / (rows * columns))));
    while (imagesPerBlock > 1 && !fits(imagesPerBlock, rows)) imagesPerBlock--;
    imagesPerBlock = evenPart(images, imagesPerBlock);
  }
  return {
    imagesPerBlock,
    rowsPerBlock,
    imageBlocks: Math.ceil(images / imagesPerBlock),
    rowBlocks: Math.ceil(rows / rowsPerBlock),
  };
}
