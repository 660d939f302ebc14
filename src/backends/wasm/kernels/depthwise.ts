/**
 * Depthwise convolution, one filter per channel: no sum over channels, so the lanes of a vector are
 * neighbouring channels, and a few neighbouring pixels of a row are computed at once so that a source
 * pixel is loaded once for all of them and the weights of a row of taps stay in registers.
 *
 * The source is read where it lies. Which tap columns fall on the source depends on the column of the
 * result alone, so the columns are cut into runs with the same valid taps, each with code of its own; tap rows are
 * bounded per row of the result. Taps on the padding are left out.
 *
 * An element is one chain of fused multiply-adds over its taps in ascending order. A work item is one row of the grid.
 * The kernel is bound by loads: for 3x3 and stride 1, five pixels take 10 loads for 15 multiply-adds
 * per row of taps.
 */
import type { FunctionBuilder, Local } from "../assembler.ts";
import type { Features, Kernel, KernelModule } from "../kernel.ts";
import type { RowProduct } from "./gemm.ts";
import { type Epilogue, emitStoreColumns, vectorEpilogue } from "./gemmEpilogue.ts";
import { multiplyAdd } from "./microKernel.ts";

/** Channels filled up to whole vectors, as the packed weights lie: [taps, channels]. */
export function packedChannels(channels: number): number {
  return Math.ceil(channels / 4) * 4;
}

/** Where the filters of a depthwise product lie in the weights [channels, taps]. */
export interface DepthwiseWeights {
  readonly channels: number;
  /** Taps per channel in the source. */
  readonly tapCount: number;
  /** The taps that are used, in order. */
  readonly taps: readonly number[];
  /** Offset in the packed buffer, bytes. */
  readonly packedStart: number;
}

export function depthwiseWeightBytes({ channels, taps }: DepthwiseWeights): number {
  return packedChannels(channels) * taps.length * 4;
}

/** Brings filters from [channels, taps] into [taps, channels]: buffers weight, packed. */
export function packDepthwiseKernel(sources: readonly DepthwiseWeights[]): Kernel {
  const vectors = packedChannels(sources[0]?.channels ?? 0) / 4;
  return {
    key: `packDepthwise ${JSON.stringify(sources)}`,
    buffers: 2,
    items: vectors,
    emit(f, io) {
      const [weight, packed] = io.address as [Local, Local];
      const [vector, from, to] = f.locals("i32", 3) as [Local, Local, Local];
      const value = f.local("v128");
      for (const source of sources) {
        const { channels, tapCount, taps, packedStart } = source;
        const copy = (lanes: number): void => {
          for (const [position, tap] of taps.entries()) {
            f.f32x4(0).set(value);
            for (let lane = 0; lane < lanes; lane++) {
              f.get(from).get(value);
              f.memoryLane("v128.load32_lane", lane, (lane * tapCount + tap) * 4).set(value);
            }
            f.get(to).get(value);
            f.memory("v128.store", packedStart + position * packedChannels(channels) * 4);
          }
        };
        f.for(vector, io.begin, io.end, 1, () => {
          f.get(weight)
            .get(vector)
            .i32(tapCount * 16)
            .op("i32.mul")
            .op("i32.add")
            .set(from);
          f.get(packed).get(vector).i32(4).op("i32.shl").op("i32.add").set(to);
          if (channels % 4 === 0) {
            copy(4);
            return;
          }
          f.get(vector)
            .i32(vectors - 1)
            .op("i32.lt_s");
          f.if(
            () => copy(4),
            () => copy(channels % 4),
          );
        });
      }
      f.release(vector, from, to, value);
    },
  };
}

/** Columns of the grid that see the same columns of taps. */
interface ColumnRun {
  readonly first: number;
  readonly count: number;
  /** Taps `from` … `to` − 1 fall on the source. */
  readonly from: number;
  readonly to: number;
}

/** Cuts positions along an axis into runs with the same taps on the source. */
export function tapRuns(
  positions: number,
  size: number,
  taps: number,
  stride: number,
  padding: number,
  dilation: number,
): ColumnRun[] {
  const runs: { first: number; count: number; from: number; to: number }[] = [];
  for (let position = 0; position < positions; position++) {
    const start = position * stride - padding;
    const from = Math.min(taps, Math.max(0, Math.ceil(-start / dilation)));
    const to = Math.max(from, Math.min(taps, Math.ceil((size - start) / dilation)));
    const last = runs.at(-1);
    const empty = from === to;
    if (
      last !== undefined &&
      (empty ? last.from === last.to : last.from === from && last.to === to)
    ) {
      last.count++;
    } else {
      runs.push({ first: position, count: 1, from: empty ? 0 : from, to: empty ? 0 : to });
    }
  }
  return runs;
}

/** Rows of taps up to this length are kept in registers. */
const longestHeldRow = 7;

/** Pixels that are computed at once: with the weights of a row they fill the registers. */
function pixelsAtOnce(taps: number, vectors: number, features: Features): number {
  const registers = features.wide ? 14 : 14 / vectors;
  const held = taps <= longestHeldRow ? taps : 1;
  return Math.max(1, Math.min(6, Math.floor(registers) - held - 1));
}

export interface DepthwiseOperands {
  readonly source: Local;
  readonly weights: Local;
  readonly result: Local;
  readonly begin: Local;
  readonly end: Local;
}

/** Work items of a depthwise product. */
export function depthwiseItems(product: RowProduct): number {
  return product.images * product.grid[0];
}

export function depthwiseFlops({ images, grid, taps, source }: RowProduct): number {
  return 2 * images * grid[0] * grid[1] * taps[0] * taps[1] * source.channels;
}

/** Writes the code for rows `begin` … `end` − 1 of the grid (of all images). */
export function emitDepthwise(
  f: FunctionBuilder,
  module: KernelModule,
  product: RowProduct,
  operands: DepthwiseOperands,
  epilogue?: Epilogue,
): void {
  const { source, taps, stride, dilation, padding, grid, result } = product;
  const { channels, height, width } = source;
  const pixelBytes = channels * 4;
  const rowBytes = width * pixelBytes;
  const tapBytes = packedChannels(channels) * 4;
  const names = ["item", "image", "row", "firstTap", "lastTap", "from", "to", "x", "y"] as const;
  const more = ["xColumn", "yColumn", "left", "channel"] as const;
  const l = Object.fromEntries([...names, ...more].map((name) => [name, f.local("i32")])) as Record<
    (typeof names)[number] | (typeof more)[number],
    Local
  >;
  const finisher = vectorEpilogue(f, module, epilogue, operands.result);
  const runs = tapRuns(grid[1], width, taps[1], stride[1], padding[1], dilation[1]);

  f.for(l.item, operands.begin, operands.end, 1, () => {
    f.get(l.item).i32(grid[0]).op("i32.div_u").set(l.image);
    f.get(l.item).i32(grid[0]).op("i32.rem_u").set(l.row);
    // Address in the result of the first pixel of the row.
    f.get(l.image).i32(result.imageStep).op("i32.mul");
    f.get(l.row).i32(result.rowStep).op("i32.mul").op("i32.add").i32(result.first).op("i32.add");
    f.i32(pixelBytes).op("i32.mul").get(operands.result).op("i32.add").set(l.y);
    // First source row under the taps, and the tap rows that fall on the source.
    f.get(l.row).i32(stride[0]).op("i32.mul").i32(padding[0]).op("i32.sub").set(l.row);
    f.i32(0).set(l.firstTap);
    f.get(l.row).i32(0).op("i32.lt_s");
    f.if(() => {
      f.i32(dilation[0] - 1)
        .get(l.row)
        .op("i32.sub")
        .i32(dilation[0])
        .op("i32.div_s");
      f.set(l.firstTap);
    });
    f.i32(height + dilation[0] - 1)
      .get(l.row)
      .op("i32.sub")
      .i32(dilation[0])
      .op("i32.div_s");
    f.set(l.lastTap);
    f.get(l.lastTap)
      .i32(taps[0])
      .op("i32.gt_s")
      .if(() => f.i32(taps[0]).set(l.lastTap));
    f.get(l.image).i32(height).op("i32.mul").get(l.row).op("i32.add");
    f.get(l.firstTap).i32(dilation[0]).op("i32.mul").op("i32.add").i32(rowBytes).op("i32.mul");
    f.get(operands.source).op("i32.add").set(l.x);

    for (const run of runs) {
      const held = run.to - run.from;
      const together = Math.min(run.count, pixelsAtOnce(held, 2, module.features));
      const column = run.first * stride[1] - padding[1] + run.from * dilation[1];
      f.get(l.x)
        .i32(column * pixelBytes)
        .op("i32.add")
        .set(l.xColumn);
      f.get(l.y)
        .i32(run.first * result.columnStep * pixelBytes)
        .op("i32.add")
        .set(l.yColumn);
      const pixels = (count: number): void => {
        emitPixels(f, module, product, finisher, { ...operands, ...l }, run, count, tapBytes);
        f.increment(l.xColumn, count * stride[1] * pixelBytes);
        f.increment(l.yColumn, count * result.columnStep * pixelBytes);
      };
      const rounds = Math.floor(run.count / together);
      if (rounds === 1) pixels(together);
      else f.for(l.left, 0, rounds, 1, () => pixels(together));
      if (run.count % together > 0) pixels(run.count % together);
    }
  });
  finisher.release();
  f.release(...Object.values(l));
}

/** `count` neighbouring pixels, all channels. */
function emitPixels(
  f: FunctionBuilder,
  module: KernelModule,
  product: RowProduct,
  finisher: ReturnType<typeof vectorEpilogue>,
  l: DepthwiseOperands &
    Readonly<
      Record<"xColumn" | "yColumn" | "channel" | "firstTap" | "lastTap" | "from" | "to", Local>
    >,
  run: ColumnRun,
  count: number,
  tapBytes: number,
): void {
  const { source, taps, stride, dilation, result, weightStart } = product;
  const { channels } = source;
  const held = run.to - run.from;
  const pixelBytes = channels * 4;
  const rowBytes = source.width * pixelBytes;

  /** Channels `channel` … + 4·`vectors`, of which `columns` are there. */
  const emitChannels = (vectors: number, columns: number): void => {
    const sums = Array.from({ length: count }, () => f.locals("v128", vectors));
    for (const pixel of sums) for (const sum of pixel) f.f32x4(0).set(sum);
    if (held > 0) {
      const [row, x, w] = f.locals("i32", 3) as [Local, Local, Local];
      const keep = held <= longestHeldRow;
      const weights = Array.from({ length: keep ? held : 1 }, () => f.locals("v128", vectors));
      const values = f.locals("v128", vectors);
      const spare = f.local("v128");
      const loadWeights = (target: readonly Local[], tap: number): void => {
        for (const [i, local] of target.entries()) {
          f.get(w)
            .memory("v128.load", (run.from + tap) * tapBytes + i * 16)
            .set(local);
        }
      };
      f.get(l.xColumn).get(l.channel).op("i32.add").set(x);
      f.get(l.weights).i32(weightStart).op("i32.add").get(l.channel).op("i32.add");
      f.get(l.firstTap)
        .i32(taps[1] * tapBytes)
        .op("i32.mul")
        .op("i32.add")
        .set(w);
      f.for(row, l.firstTap, l.lastTap, 1, () => {
        if (keep) for (const [tap, target] of weights.entries()) loadWeights(target, tap);
        const reach = (count - 1) * stride[1] + (held - 1) * dilation[1];
        for (let column = 0; column <= reach; column++) {
          const uses = sums.flatMap((sum, pixel) => {
            const tap = (column - pixel * stride[1]) / dilation[1];
            return Number.isInteger(tap) && tap >= 0 && tap < held ? [{ sum, tap }] : [];
          });
          if (uses.length === 0) continue;
          for (const [i, value] of values.entries()) {
            f.get(x)
              .memory("v128.load", column * pixelBytes + i * 16)
              .set(value);
          }
          for (const { sum, tap } of uses) {
            const factors = weights[keep ? tap : 0]!;
            if (!keep) loadWeights(factors, tap);
            for (const [i, value] of values.entries()) {
              f.get(value).get(factors[i]!).get(sum[i]!);
              multiplyAdd(f, module.features, spare);
              f.set(sum[i]!);
            }
          }
        }
        f.increment(x, dilation[0] * rowBytes);
        f.increment(w, taps[1] * tapBytes);
      });
      f.release(row, x, w, ...weights.flat(), ...values, spare);
    }
    f.get(l.yColumn).get(l.channel).op("i32.add").set(l.to);
    for (const pixel of sums) {
      finisher.apply(pixel, l.to, l.channel, 0);
      emitStoreColumns(f, pixel, l.to, 0, columns);
      f.increment(l.to, result.columnStep * pixelBytes);
    }
    f.release(...sums.flat());
  };

  f.i32(0).set(l.channel);
  if (channels >= 8) {
    const end = (channels - (channels % 8)) * 4;
    f.for(l.channel, 0, end, 32, () => emitChannels(2, 8));
  }
  if (channels % 8 > 4) emitChannels(2, channels % 8);
  else if (channels % 8 > 0) emitChannels(1, channels % 8);
}
