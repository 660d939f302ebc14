/**
 * Blocks of the reduction. They are part of the definition of the results: within a block an element
 * is one chain of fused multiply-adds in ascending order (tap row, tap column, channel), and the sums of
 * the blocks are added in order. They depend on the shape alone.
 */

/** Steps of a block, at most: a panel of 16 columns then takes 24 KiB of the first-level cache. */
export const largestBlock = 384;

/** One block, see `segmentFields` of the register tiles; `bStart` is in steps. */
export interface ReductionBlock {
  readonly outer: number;
  readonly inner: number;
  readonly length: number;
  readonly innerJump: number;
  readonly outerJump: number;
  readonly aStart: number;
  readonly bStart: number;
}

/** Cuts `total` into the fewest parts of at most `largest` and returns the size of all but the last. */
function evenPart(total: number, largest: number, multiple = 1): number {
  const parts = Math.ceil(total / Math.max(1, largest));
  return Math.min(total, Math.ceil(Math.ceil(total / parts) / multiple) * multiple);
}

/** The blocks of a reduction over `taps` × `channels`; `tapSteps` are bytes from tap to tap. */
export function reductionBlocks(reduction: {
  readonly taps: readonly [number, number];
  readonly channels: number;
  readonly tapSteps: readonly [number, number];
}): ReductionBlock[] {
  const [rows] = reduction.taps;
  const [rowStep, columnStep] = reduction.tapSteps;
  let [, columns] = reduction.taps;
  let { channels } = reduction;
  // Taps of a row that lie side by side are one long run.
  if (columns === 1 || columnStep === channels * 4) {
    channels *= columns;
    columns = 1;
  }
  const channelPart = evenPart(channels, largestBlock, 4);
  const columnPart = channelPart < channels ? 1 : evenPart(columns, largestBlock / channels);
  const rowPart =
    channelPart < channels || columnPart < columns
      ? 1
      : evenPart(rows, largestBlock / (columns * channels));

  const blocks: ReductionBlock[] = [];
  let bStart = 0;
  for (let row = 0; row < rows; row += rowPart) {
    for (let column = 0; column < columns; column += columnPart) {
      for (let channel = 0; channel < channels; channel += channelPart) {
        const outer = Math.min(rowPart, rows - row);
        const inner = Math.min(columnPart, columns - column);
        const length = Math.min(channelPart, channels - channel);
        blocks.push({
          outer,
          inner,
          length,
          innerJump: columnStep - length * 4,
          outerJump: rowStep - inner * columnStep,
          aStart: row * rowStep + column * columnStep + channel * 4,
          bStart,
        });
        bStart += outer * inner * length;
      }
    }
  }
  return blocks;
}
