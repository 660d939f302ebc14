/**
 * Gradient of a depthwise convolution with respect to its filters: for every channel and tap a sum over
 * pixels of dy · x. The lanes of a vector are neighbouring channels; the sums of a row of taps stay in
 * registers while the pixels of a block go by.
 *
 * Pixels are taken in blocks of a few rows, or a few images: one chain of fused multiply-adds, added to
 * those of the blocks before. Work items are a chunk of blocks times a range of channels; blocks and
 * chunks are cut by the shape alone. The sums lie as [chunks, taps, channels].
 */
import type { FunctionBuilder, Local } from "../assembler.ts";
import type { Features, Kernel } from "../kernel.ts";
import { type Conv2dGeometry, geometryKey, resultSize } from "./conv2dGeometry.ts";
import type { PatchSums } from "./conv2dWeightGradientMerge.ts";
import { packedChannels, tapRuns } from "./depthwise.ts";
import { type PixelBlocks, pixelBlocks } from "./gemmBlocks.ts";
import { multiplyAdd } from "./microKernel.ts";

/** Pixels of a block to aim for. */
const targetPixels = 1024;
/** Work items to aim for. */
const targetItems = 16;
const channelsPerItem = 32;
/** Taps of a row whose sums are kept at the same time. */
const tapsTogether = 7;

export interface DepthwiseGradientSchedule extends PixelBlocks {
  readonly geometry: Conv2dGeometry;
  readonly grid: readonly [number, number];
  readonly blocks: number;
  readonly blocksPerChunk: number;
  readonly channelBlocks: number;
  readonly sums: PatchSums;
}

export function scheduleDepthwiseGradient(geometry: Conv2dGeometry): DepthwiseGradientSchedule {
  const { images, channels, kernel } = geometry;
  const grid = resultSize(geometry);
  const cut = pixelBlocks(images, grid, targetPixels);
  const blocks = cut.rowBlocks * cut.imageBlocks;
  const channelBlocks = Math.ceil(channels / channelsPerItem);
  const wanted = Math.min(blocks, Math.ceil(targetItems / channelBlocks));
  const blocksPerChunk = Math.ceil(blocks / wanted);
  const taps = kernel[0] * kernel[1];
  return {
    geometry,
    grid,
    ...cut,
    blocks,
    blocksPerChunk,
    channelBlocks,
    sums: {
      chunks: Math.ceil(blocks / blocksPerChunk),
      chunkFloats: taps * packedChannels(channels),
      groups: 1,
      filtersPerGroup: channels,
      strips: kernel[0],
      width: kernel[1],
      filtersAsColumns: true,
      innerFloats: packedChannels(channels),
    },
  };
}

/** Buffers x, dy, sums. */
export function depthwiseGradientKernel(
  schedule: DepthwiseGradientSchedule,
  features: Features,
): Kernel {
  const { geometry, grid, sums, channelBlocks } = schedule;
  const { images, channels, size, kernel, stride, padding, dilation } = geometry;
  const pixelBytes = channels * 4;
  return {
    key: `depthwiseWeightGradient ${geometryKey(geometry)}`,
    buffers: 3,
    items: sums.chunks * channelBlocks,
    flops: 2 * images * grid[0] * grid[1] * channels * kernel[0] * kernel[1],
    emit(f, io) {
      const [x, dy, result] = io.address as [Local, Local, Local];
      const names = ["item", "channel", "lastChannel", "block", "lastBlock", "sums"] as const;
      const more = ["firstRow", "lastRow", "firstImage", "lastImage", "accumulate"] as const;
      const l = Object.fromEntries(
        [...names, ...more].map((name) => [name, f.local("i32")]),
      ) as Record<(typeof names)[number] | (typeof more)[number], Local>;
      const minimum = (target: Local, most: number): void => {
        f.get(target).i32(most).get(target).i32(most).op("i32.lt_s").op("select").set(target);
      };
      f.for(l.item, io.begin, io.end, 1, () => {
        f.get(l.item).i32(channelBlocks).op("i32.div_u").tee(l.block);
        f.i32(sums.chunkFloats * 4)
          .op("i32.mul")
          .get(result)
          .op("i32.add")
          .set(l.sums);
        f.get(l.block).i32(schedule.blocksPerChunk).op("i32.mul").tee(l.block);
        f.i32(schedule.blocksPerChunk).op("i32.add").set(l.lastBlock);
        minimum(l.lastBlock, schedule.blocks);
        f.i32(0).set(l.accumulate);
        f.for(l.block, l.block, l.lastBlock, 1, () => {
          const bounds = (first: Local, last: Local, step: number, size: number): void => {
            f.i32(step).op("i32.mul").tee(first).i32(step).op("i32.add").set(last);
            minimum(last, size);
          };
          f.get(l.block).i32(schedule.rowBlocks).op("i32.rem_u");
          bounds(l.firstRow, l.lastRow, schedule.rowsPerBlock, grid[0]);
          f.get(l.block).i32(schedule.rowBlocks).op("i32.div_u");
          bounds(l.firstImage, l.lastImage, schedule.imagesPerBlock, images);
          f.get(l.item).i32(channelBlocks).op("i32.rem_u").i32(channelsPerItem).op("i32.mul");
          f.tee(l.channel).i32(channelsPerItem).op("i32.add").set(l.lastChannel);
          minimum(l.lastChannel, channels);
          const wide = vectorsTogether(kernel[1], features);
          f.block((done) => {
            f.loop((again) => {
              f.get(l.lastChannel)
                .get(l.channel)
                .op("i32.sub")
                .i32(wide * 4)
                .op("i32.lt_s");
              f.branchIf(done);
              emitTapRows(f, wide, { x, dy, ...l });
              f.increment(l.channel, wide * 4).branch(again);
            });
          });
          if (channels % (wide * 4) !== 0 || channelsPerItem % (wide * 4) !== 0) {
            f.for(l.channel, l.channel, l.lastChannel, 4, () => emitTapRows(f, 1, { x, dy, ...l }));
          }
          f.i32(1).set(l.accumulate);
        });
      });
      f.release(...Object.values(l));
    },
  };

  /** All taps of the channels from `channel` on, over one block of pixels. */
  function emitTapRows(
    f: FunctionBuilder,
    vectors: number,
    l: Readonly<
      Record<
        | "x"
        | "dy"
        | "channel"
        | "sums"
        | "firstRow"
        | "lastRow"
        | "firstImage"
        | "lastImage"
        | "accumulate",
        Local
      >
    >,
  ): void {
    const names = ["tapRow", "from", "to", "row", "image", "xAt", "dyAt", "left", "at"] as const;
    const [tapRow, from, to, row, image, xAt, dyAt, left, at] = names.map(() => f.local("i32")) as [
      Local,
      Local,
      Local,
      Local,
      Local,
      Local,
      Local,
      Local,
      Local,
    ];
    const spare = f.local("v128");
    const gradient = f.locals("v128", vectors);
    const values = f.locals("v128", vectors);
    const runs = tapRuns(grid[1], size[1], kernel[1], stride[1], padding[1], dilation[1]);
    f.for(tapRow, 0, kernel[0], 1, () => {
      // Rows of dy whose tap falls on the source: `0 ≤ row · stride + tap · dilation − padding < height`.
      f.i32(padding[0]).get(tapRow).i32(dilation[0]).op("i32.mul").op("i32.sub").set(left);
      const bound = (
        target: Local,
        limit: Local,
        add: number,
        compare: "i32.gt_s" | "i32.lt_s",
      ) => {
        f.get(limit).set(target);
        f.get(left)
          .i32(add + stride[0] - 1)
          .op("i32.add")
          .tee(at)
          .i32(0)
          .op("i32.ge_s");
        f.if(
          () => {
            f.get(at).i32(stride[0]).op("i32.div_s").tee(at).get(limit).op(compare);
            f.if(() => f.get(at).set(target));
          },
          add === 0 ? undefined : () => f.i32(0).set(target),
        );
      };
      bound(from, l.firstRow, 0, "i32.gt_s");
      bound(to, l.lastRow, size[0], "i32.lt_s");
      for (let first = 0; first < kernel[1]; first += tapsTogether) {
        const last = Math.min(kernel[1], first + tapsTogether);
        const taps = Array.from({ length: last - first }, () => f.locals("v128", vectors));
        for (const tap of taps) for (const sum of tap) f.f32x4(0).set(sum);
        f.for(image, l.firstImage, l.lastImage, 1, () => {
          f.for(row, from, to, 1, () => {
            f.get(image).i32(size[0]).op("i32.mul");
            f.get(row).i32(stride[0]).op("i32.mul").op("i32.add").get(left).op("i32.sub");
            f.i32(size[1]).op("i32.mul").i32(pixelBytes).op("i32.mul");
            f.get(l.channel).i32(2).op("i32.shl").op("i32.add").get(l.x).op("i32.add").set(xAt);
            f.get(image).i32(grid[0]).op("i32.mul").get(row).op("i32.add");
            f.i32(grid[1] * pixelBytes).op("i32.mul");
            f.get(l.channel).i32(2).op("i32.shl").op("i32.add").get(l.dy).op("i32.add").set(dyAt);
            emitRow(runs, first, last, taps);
          });
        });
        for (const [index, tap] of taps.entries()) {
          const offset = (first + index) * sums.innerFloats * 4;
          f.get(tapRow)
            .i32(kernel[1] * sums.innerFloats * 4)
            .op("i32.mul");
          f.get(l.channel).i32(2).op("i32.shl").op("i32.add").get(l.sums).op("i32.add").set(at);
          f.get(l.accumulate);
          f.if(() => {
            for (const [i, value] of values.entries()) {
              f.get(at)
                .memory("v128.load", offset + i * 16)
                .set(value);
            }
            for (const [i, sum] of tap.entries())
              f.get(sum).get(values[i]!).op("f32x4.add").set(sum);
          });
          for (const [i, sum] of tap.entries()) {
            f.get(at)
              .get(sum)
              .memory("v128.store", offset + i * 16);
          }
        }
        f.release(...taps.flat());
      }
    });
    f.release(tapRow, from, to, row, image, xAt, dyAt, left, at, spare, ...gradient, ...values);

    /** One row of dy. */
    function emitRow(
      all: ReturnType<typeof tapRuns>,
      first: number,
      last: number,
      taps: readonly (readonly Local[])[],
    ): void {
      const start = f.local("i32");
      f.get(xAt).set(start);
      for (const run of all) {
        const begin = Math.max(first, run.from);
        const end = Math.min(last, run.to);
        if (begin < end) {
          const column = run.first * stride[1] - padding[1] + begin * dilation[1];
          f.get(start)
            .i32(column * pixelBytes)
            .op("i32.add")
            .set(xAt);
          const count = f.local("i32");
          f.i32(run.count).set(count);
          f.loop((again) => {
            for (const [i, value] of gradient.entries()) {
              f.get(dyAt)
                .memory("v128.load", i * 16)
                .set(value);
            }
            for (let tap = begin; tap < end; tap++) {
              const offset = (tap - begin) * dilation[1] * pixelBytes;
              for (const [i, value] of values.entries()) {
                f.get(xAt)
                  .memory("v128.load", offset + i * 16)
                  .set(value);
              }
              for (const [i, value] of values.entries()) {
                const sum = taps[tap - first]![i]!;
                f.get(value).get(gradient[i]!).get(sum);
                multiplyAdd(f, features, spare);
                f.set(sum);
              }
            }
            f.increment(xAt, stride[1] * pixelBytes);
            f.increment(dyAt, pixelBytes);
            f.get(count).i32(1).op("i32.sub").tee(count).branchIf(again);
          });
          f.release(count);
        } else {
          f.increment(dyAt, run.count * pixelBytes);
        }
      }
      f.release(start);
    }
  }
}

/** Vectors of channels at once, so that the sums of a row of taps fill the registers. */
function vectorsTogether(taps: number, features: Features): number {
  const registers = features.wide ? 28 : 14;
  const perVector = Math.min(taps, tapsTogether) + 2;
  for (const vectors of [4, 2]) if (vectors * perVector <= registers) return vectors;
  return features.wide ? 2 : 1;
}
