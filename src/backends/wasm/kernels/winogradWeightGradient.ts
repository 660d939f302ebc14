/**
 * Gradient of the weights of a 3x3 or 5x5 convolution with stride 1 by the adjoint of Winograd's method:
 * `dg = Gᵀ [Σ_tiles (A dY Aᵀ) ⊙ (Bᵀ d B)] G`, a quarter of the multiply-adds of the direct sum with F(4x4, 3x3).
 *
 * A block of tiles is transformed in the thread's own memory: its source to V, [ξ, tiles, channels], its gradient
 * to D, [ξ, tiles, filters of the item]. For every position ξ the sum over the block's tiles of D · V is one chain
 * of fused multiply-adds, added to the sums [ξ, filters, channels] of the blocks before.
 *
 * Work items are a chunk of blocks times a range of filters; for every range V is computed again. Blocks and
 * chunks are cut by the shape alone. A second kernel adds the chunks in order and transforms the sums.
 */
import type { Local } from "../assembler.ts";
import type { Features, Kernel } from "../kernel.ts";
import type { KernelPlan } from "../kernelPlan.ts";
import { emitMinimum } from "./gemm.ts";
import { type PixelBlocks, pixelBlocks } from "./gemmBlocks.ts";
import { emitStaging, type StagingGeometry, stagedRegion } from "./gemmStaging.ts";
import { patchPanel, pixelFields } from "./microKernel.ts";
import { columnPanels } from "./packing.ts";
import type { WinogradProduct } from "./winograd.ts";
import { emitSquare, emitTiles, emitVectorLoop } from "./winogradTiles.ts";
import { tileInputs } from "./winogradTransforms.ts";

/** Tiles of a block to aim for. */
const targetTiles = 64;
/** Work items to aim for. */
const targetItems = 16;
/** Filters of a work item, at least. */
const fewestFilters = 64;
/** What the sums of all chunks may take, if there are several. */
const largestSums = 20 << 20;

/** How the gradient is cut. */
export interface WinogradGradientSchedule extends PixelBlocks {
  readonly product: WinogradProduct;
  readonly grid: readonly [number, number];
  readonly filtersPerItem: number;
  readonly chunks: number;
  readonly blocksPerChunk: number;
  /** Bytes from ξ to ξ of the sums: a line more than a whole matrix, which may be a power of two. */
  readonly sumStep: number;
}

export function scheduleWinogradGradient(product: WinogradProduct): WinogradGradientSchedule {
  const { images, channels, filters, result, form } = product;
  const { outputs } = form;
  const grid = [Math.ceil(result[0] / outputs), Math.ceil(result[1] / outputs)] as const;
  const cut = pixelBlocks(images, grid, targetTiles);
  const blocks = cut.imageBlocks * cut.rowBlocks;
  let ranges = Math.max(1, Math.min(8, Math.floor(filters / fewestFilters)));
  while (ranges > 1 && filters % (ranges * 4) !== 0) ranges--;
  const sumStep = channels * filters * 4 + 64;
  const mostChunks = Math.max(1, Math.floor(largestSums / (tileInputs(form) ** 2 * sumStep)));
  const wanted = Math.min(blocks, Math.ceil(targetItems / ranges), mostChunks);
  const blocksPerChunk = Math.ceil(blocks / wanted);
  return {
    ...cut,
    product,
    grid,
    filtersPerItem: filters / ranges,
    chunks: Math.ceil(blocks / blocksPerChunk),
    blocksPerChunk,
    sumStep,
  };
}

/** Buffers `input0` x, `input1` dy, `output0` dw [K, R, R, C] with R taps along either axis. */
export function planWinogradWeightGradient(
  product: WinogradProduct,
  features: Features,
): KernelPlan {
  const schedule = scheduleWinogradGradient(product);
  const bytes = schedule.chunks * tileInputs(product.form) ** 2 * schedule.sumStep;
  return {
    temporaries: [{ name: "sums", bytes }],
    calls: [
      {
        kernel: sumKernel(schedule, features),
        buffers: ["input0", "input1", "sums"],
        writes: [2],
      },
      { kernel: mergeKernel(schedule), buffers: ["sums", "output0"], writes: [1] },
    ],
  };
}

/** Adds up all tiles: buffers x, dy, sums. */
function sumKernel(schedule: WinogradGradientSchedule, features: Features): Kernel {
  const { product, grid, filtersPerItem, chunks, sumStep } = schedule;
  const { images, size, channels, filters, padding, result, form } = product;
  const { outputs, taps } = form;
  const inner = tileInputs(form);
  const positions = inner ** 2;
  const ranges = filters / filtersPerItem;
  const blocks = schedule.imageBlocks * schedule.rowBlocks;
  const stride = [outputs, outputs] as const;
  const dilation = [1, 1] as const;
  const sourceTiles: StagingGeometry = {
    images,
    source: { height: size[0], width: size[1], channels },
    groups: 1,
    taps: [inner, inner],
    stride,
    dilation,
    padding,
    grid,
  };
  const gradientTiles: StagingGeometry = {
    images,
    source: { height: result[0], width: result[1], channels: filters },
    groups: ranges,
    taps: [outputs, outputs],
    stride,
    dilation,
    padding: [0, 0],
    grid,
  };
  const sourceRegion = stagedRegion(sourceTiles, schedule.imagesPerBlock, schedule.rowsPerBlock);
  const gradientRegion = stagedRegion(
    gradientTiles,
    schedule.imagesPerBlock,
    schedule.rowsPerBlock,
  );
  const blockTiles = schedule.imagesPerBlock * schedule.rowsPerBlock * grid[1];
  const vStep = blockTiles * channels * 4 + 64;
  const dStep = blockTiles * filtersPerItem * 4 + 64;
  const panels = columnPanels(channels, features);
  let scratchBytes = 0;
  const take = (bytes: number): number => {
    const offset = scratchBytes;
    scratchBytes += Math.ceil(bytes / 64) * 64;
    return offset;
  };
  const layout = {
    pixels: take(64),
    between: take(positions * 32),
    v: take(positions * vStep),
    d: take(positions * dStep),
    // The two are staged one after the other; the last vector of the last pixel may reach past it.
    staged: take(Math.max(sourceRegion.bytes, gradientRegion.bytes) + 16),
  };
  return {
    key: `winogradWeightGradient ${JSON.stringify(product)}`,
    buffers: 3,
    items: chunks * ranges,
    scratchBytes,
    flops: 2 * taps ** 2 * images * result[0] * result[1] * channels * filters,
    emit(f, io, module) {
      const [x, dy, sums] = io.address as [Local, Local, Local];
      const { scratch } = io;
      const names = ["item", "range", "block", "lastBlock", "image", "row", "images"] as const;
      const more = ["rows", "staged", "accumulate", "itemSums", "position", "a", "b", "c"] as const;
      const l = Object.fromEntries(
        [...names, ...more, "none" as const, "left" as const].map((name) => [name, f.local("i32")]),
      ) as Record<(typeof names)[number] | (typeof more)[number] | "none" | "left", Local>;
      const field = (name: keyof typeof pixelFields, value: number | Local): void => {
        f.get(scratch)
          .push(value)
          .memory("i32.store", layout.pixels + pixelFields[name]);
      };
      const within = (target: Local, most: number, total: number, first: Local): void => {
        f.i32(most).set(target);
        emitMinimum(f, target, () => f.i32(total).get(first).op("i32.sub"));
      };
      f.i32(0).set(l.none);
      f.get(scratch).i32(layout.staged).op("i32.add").set(l.staged);
      for (const name of ["aRowJump", "bRowJump", "aImageJump", "bImageJump"] as const) {
        field(name, 0);
      }
      field("images", 1);
      field("rows", 1);
      field("aStep", filtersPerItem * 4);
      field("bStep", channels * 4);

      const enterBlock = (): void => {
        f.get(l.block).i32(schedule.rowBlocks).op("i32.rem_u").i32(schedule.rowsPerBlock);
        f.op("i32.mul").set(l.row);
        f.get(l.block).i32(schedule.rowBlocks).op("i32.div_u").i32(schedule.imagesPerBlock);
        f.op("i32.mul").set(l.image);
        within(l.images, schedule.imagesPerBlock, images, l.image);
        within(l.rows, schedule.rowsPerBlock, grid[0], l.row);
        f.get(l.images).get(l.rows).op("i32.mul").i32(grid[1]).op("i32.mul").set(l.left);
        field("length", l.left);
        field("accumulate", l.accumulate);
        const parts = [
          { kind: "input", tiles: sourceTiles, source: x, group: l.none, to: "v" },
          { kind: "outputGradient", tiles: gradientTiles, source: dy, group: l.range, to: "d" },
        ] as const;
        for (const { kind, tiles, source, group, to } of parts) {
          const region = to === "v" ? sourceRegion : gradientRegion;
          emitStaging(f, module, tiles, region, {
            source,
            target: l.staged,
            image: l.image,
            images: l.images,
            row: l.row,
            group,
          });
          emitTiles(
            f,
            module,
            {
              kind,
              form,
              region,
              tileColumns: grid[1],
              between: layout.between,
              to: layout[to],
              step: to === "v" ? vStep : dStep,
            },
            { ...l, scratch },
          );
        }
      };

      const multiply = (vectors: number): void => {
        f.i32(filtersPerItem)
          .get(l.a)
          .get(l.b)
          .get(l.c)
          .i32(channels * 4);
        f.get(scratch).i32(layout.pixels).op("i32.add").call(patchPanel(module, vectors));
        f.increment(l.b, vectors * 16);
        f.increment(l.c, vectors * 16);
      };
      f.for(l.item, io.begin, io.end, 1, () => {
        f.get(l.item).i32(ranges).op("i32.rem_u").set(l.range);
        f.get(l.item).i32(ranges).op("i32.div_u").tee(l.block);
        f.i32(positions * sumStep)
          .op("i32.mul")
          .get(sums)
          .op("i32.add");
        f.get(l.range)
          .i32(filtersPerItem * channels * 4)
          .op("i32.mul")
          .op("i32.add");
        f.set(l.itemSums);
        f.get(l.block).i32(schedule.blocksPerChunk).op("i32.mul").tee(l.block);
        f.i32(schedule.blocksPerChunk).op("i32.add").set(l.lastBlock);
        emitMinimum(f, l.lastBlock, () => f.i32(blocks));
        f.i32(0).set(l.accumulate);
        f.for(l.block, l.block, l.lastBlock, 1, () => {
          enterBlock();
          f.for(l.position, 0, positions, 1, () => {
            const at = (base: Local, offset: number, step: number, target: Local): void => {
              f.get(base).i32(offset).op("i32.add");
              f.get(l.position).i32(step).op("i32.mul").op("i32.add").set(target);
            };
            at(scratch, layout.d, dStep, l.a);
            at(scratch, layout.v, vStep, l.b);
            at(l.itemSums, 0, sumStep, l.c);
            if (panels.full > 0) f.for(l.left, 0, panels.full, 1, () => multiply(panels.vectors));
            if (panels.tailVectors > 0) multiply(panels.tailVectors);
          });
          f.i32(1).set(l.accumulate);
        });
      });
      f.release(...Object.values(l));
    },
  };
}

/** Adds the chunks in order and transforms the sums, one filter per work item: buffers sums, dw. */
function mergeKernel(schedule: WinogradGradientSchedule): Kernel {
  const { product, chunks, sumStep } = schedule;
  const { channels, filters, form } = product;
  const inner = tileInputs(form);
  const positions = inner ** 2;
  const totalStep = channels * 4 + 64;
  const between = positions * totalStep;
  return {
    key: `mergeWinogradGradient ${JSON.stringify(schedule)}`,
    buffers: 2,
    items: filters,
    scratchBytes: between + positions * 32,
    flops: chunks * positions * channels * filters,
    emit(f, io, module) {
      const [sums, dw] = io.address as [Local, Local];
      const { scratch } = io;
      const names = ["item", "channel", "from", "to", "position", "chunk", "at"] as const;
      const [item, channel, from, to, position, chunk, at] = names.map(() => f.local("i32")) as [
        Local,
        Local,
        Local,
        Local,
        Local,
        Local,
        Local,
      ];
      const total = f.local("v128");
      const filterBytes = channels * 4;
      f.for(item, io.begin, io.end, 1, () => {
        f.for(position, 0, positions, 1, () => {
          f.get(sums).get(position).i32(sumStep).op("i32.mul").op("i32.add");
          f.get(item).i32(filterBytes).op("i32.mul").op("i32.add").set(from);
          f.get(scratch).get(position).i32(totalStep).op("i32.mul").op("i32.add").set(to);
          f.for(channel, 0, channels, 4, () => {
            f.get(from).memory("v128.load").set(total);
            f.get(from).set(at);
            if (chunks > 1) {
              f.for(chunk, 1, chunks, 1, () => {
                f.increment(at, positions * sumStep);
                f.get(total).get(at).memory("v128.load").op("f32x4.add").set(total);
              });
            }
            f.get(to).get(total).memory("v128.store");
            f.increment(from, 16);
            f.increment(to, 16);
          });
        });
        f.i32(0).set(channel);
        emitVectorLoop(f, channel, filterBytes, channels % 8 === 0, (vectors) => {
          f.get(scratch).get(channel).op("i32.add").set(from);
          f.get(dw)
            .get(item)
            .i32(form.taps ** 2 * filterBytes)
            .op("i32.mul")
            .op("i32.add");
          f.get(channel).op("i32.add").set(to);
          emitSquare(
            f,
            module.features,
            "filterGradient",
            form,
            vectors,
            { address: scratch, offset: between },
            (r, s, vector) => {
              f.get(from).memory("v128.load", (r * inner + s) * totalStep + vector * 16);
            },
            (r, taps) => {
              for (const [s, lane] of taps.entries()) {
                for (const [vector, value] of lane.entries()) {
                  const offset = (r * form.taps + s) * filterBytes + vector * 16;
                  f.get(to).get(value).memory("v128.store", offset);
                }
              }
            },
          );
        });
      });
      f.release(item, channel, from, to, position, chunk, at, total);
    },
  };
}
