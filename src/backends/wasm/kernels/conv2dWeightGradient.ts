import type { FunctionBuilder, Local } from "../assembler.ts";
import type { Features, Kernel, KernelModule } from "../kernel.ts";
import type { KernelPlan } from "../kernelPlan.ts";
import { type Conv2dGeometry, geometryKey, resultSize } from "./conv2dGeometry.ts";
import { mergeKernel, type PatchSums } from "./conv2dWeightGradientMerge.ts";
import { seenPixelsKernel, sumsSeenPixels } from "./conv2dWeightGradientSeen.ts";
import { repeatChannelsKernel } from "./depthwiseMultiplier.ts";
import { depthwiseGradientKernel, scheduleDepthwiseGradient } from "./depthwiseWeightGradient.ts";
import { type PixelBlocks, pixelBlocks } from "./gemmBlocks.ts";
import {
  copyPixels,
  emitStaging,
  type StagedRegion,
  type StagingGeometry,
  stagedRegion,
} from "./gemmStaging.ts";
import { patchPanel, pixelFields } from "./microKernel.ts";
import { columnPanels } from "./packing.ts";
import { planWinogradFilters, type WinogradOptions, winogradGradientForm } from "./winogradPlan.ts";

/**
 * Gradient of a convolution with respect to its weight: `input0` x [N, H, W, C], `input1` dy [N, P, Q, K];
 * `output0` dw [K, R, S, C/groups].
 *
 * A sum over pixels of dy[pixel, k] · x[patch of the pixel, (r, s, c)]. For each row r of taps the values
 * (s, c) of a patch lie side by side in x: one strip of columns of the product (with a dilation, one
 * strip for each tap). Pixels are taken in blocks of a few rows, or a few images, whose source is copied
 * with its zeros and whose dy is copied densely, so that both stay in the second-level cache; a block is
 * one chain of multiply-adds, and its sums are added to those of the blocks before.
 *
 * Work items are a chunk of blocks times a range of filters. Chunks are cut by the shape alone; where there
 * are several, each has sums of its own, and a second kernel adds them in order.
 */
export function planConv2dWeightGradient(
  geometry: Conv2dGeometry,
  features: Features,
  options: WinogradOptions = {},
): KernelPlan {
  const form = winogradGradientForm(geometry, options);
  if (form !== undefined) return planWinogradFilters(geometry, form, features);
  const { channels, filters, groups } = geometry;
  if (sumsSeenPixels(geometry)) {
    const kernel = seenPixelsKernel(geometry, features);
    const call = { kernel, buffers: ["input0", "input1", "output0"], writes: [2] };
    return { temporaries: [], calls: [call] };
  }
  if (groups === 1 || groups !== channels) return planPatches(geometry, features);
  if (filters === channels) return planDepthwise(geometry, features);
  // Several filters per channel: the channels are repeated first.
  const pixels = geometry.images * geometry.size[0] * geometry.size[1];
  const plan = planDepthwise({ ...geometry, channels: filters, groups: filters }, features);
  return {
    temporaries: [...plan.temporaries, { name: "repeated", bytes: pixels * filters * 4 }],
    calls: [
      {
        kernel: repeatChannelsKernel(pixels, channels, filters / channels),
        buffers: ["input0", "repeated"],
        writes: [1],
      },
      ...plan.calls.map((call) => ({
        ...call,
        buffers: call.buffers.map((name) => (name === "input0" ? "repeated" : name)),
      })),
    ],
  };
}

function planDepthwise(geometry: Conv2dGeometry, features: Features): KernelPlan {
  const schedule = scheduleDepthwiseGradient(geometry);
  return planMerged(depthwiseGradientKernel(schedule, features), schedule.sums);
}

/** A kernel that leaves the sums of its chunks, and the one that merges them. */
function planMerged(kernel: Kernel, sums: PatchSums): KernelPlan {
  return {
    temporaries: [{ name: "sums", bytes: sums.chunks * sums.chunkFloats * 4 }],
    calls: [
      { kernel, buffers: ["input0", "input1", "sums"], writes: [2] },
      { kernel: mergeKernel(sums), buffers: ["sums", "output0"], writes: [1] },
    ],
  };
}

function planPatches(geometry: Conv2dGeometry, features: Features): KernelPlan {
  const schedule = schedulePatches(geometry, features);
  const { strips, layout } = schedule;
  const length = (geometry.filters / geometry.groups) * strips.count * strips.width;
  const direct = layout.chunks === 1 && !schedule.filtersAsColumns && strips.width % 4 === 0;
  const sum: Kernel = {
    key: `conv2dWeightGradient ${geometryKey(geometry)}`,
    buffers: 3,
    items: schedule.items,
    scratchBytes: schedule.scratch.bytes,
    flops: 2 * length * geometry.groups * schedule.pixels,
    emit(f, io, module) {
      emitPatches(f, module, schedule, {
        x: io.address[0]!,
        dy: io.address[1]!,
        sums: io.address[2]!,
        begin: io.begin,
        end: io.end,
        scratch: io.scratch,
      });
    },
  };
  if (direct) {
    const call = { kernel: sum, buffers: ["input0", "input1", "output0"], writes: [2] };
    return { temporaries: [], calls: [call] };
  }
  return planMerged(sum, layout);
}

interface PatchSchedule extends PixelBlocks {
  readonly geometry: StagingGeometry;
  readonly filters: number;
  readonly strips: { readonly count: number; readonly width: number };
  readonly filtersAsColumns: boolean;
  readonly layout: PatchSums;
  readonly pixels: number;
  readonly blocks: number;
  readonly blocksPerChunk: number;
  readonly filtersPerItem: number;
  readonly filterBlocks: number;
  readonly staged: StagedRegion | undefined;
  readonly stagesGradient: boolean;
  readonly items: number;
  readonly features: Features;
  readonly scratch: { pixels: number; source: number; gradient: number; bytes: number };
}

/** Pixels of a block to aim for. It decides the order of sums, as do the next four. */
const targetPixels = 256;
const targetStagedBytes = 320 * 1024;
/** Work items to aim for. */
const targetItems = 16;
/** Filters of a work item, at least, before pixels are cut into chunks. */
const fewestFilters = 32;
/** Multiply-adds of a chunk, at least. */
const smallestChunk = 1 << 19;

function schedulePatches(given: Conv2dGeometry, features: Features): PatchSchedule {
  const [rows, columns] = resultSize(given);
  const { channels, size, filters, kernel, stride, padding, dilation, groups } = given;
  const plain =
    kernel[0] * kernel[1] === 1 &&
    stride[0] * stride[1] === 1 &&
    padding.every((zeros) => zeros === 0);
  const pixels = given.images * rows * columns;
  // Single taps on a dense grid need no grid: the images are one column of pixels.
  const geometry: StagingGeometry = {
    images: plain ? 1 : given.images,
    source: {
      height: plain ? pixels : size[0],
      width: plain ? 1 : size[1],
      channels,
    },
    groups,
    taps: kernel,
    stride,
    dilation,
    padding: [padding[0], padding[1]],
    grid: plain ? [pixels, 1] : [rows, columns],
  };
  const { images, grid } = geometry;
  const perGroup = channels / groups;
  const filtersPerGroup = filters / groups;
  const strips =
    dilation[1] === 1 || kernel[1] === 1
      ? { count: kernel[0], width: kernel[1] * perGroup }
      : { count: kernel[0] * kernel[1], width: perGroup };

  const inPlace = groups === 1 && plain;
  const cut = pixelBlocks(
    images,
    grid,
    targetPixels,
    (imageCount, rowCount) =>
      inPlace || stagedRegion(geometry, imageCount, rowCount).bytes <= targetStagedBytes,
  );
  const { imagesPerBlock, rowsPerBlock } = cut;
  const blocks = cut.rowBlocks * cut.imageBlocks;

  const multiplyAdds = pixels * filters * strips.count * strips.width;
  const filterParts = Math.max(
    1,
    Math.min(targetItems, Math.floor(filtersPerGroup / fewestFilters)),
  );
  const wantedChunks = Math.min(
    Math.ceil(targetItems / (filterParts * groups)),
    Math.ceil(multiplyAdds / smallestChunk),
    blocks,
  );
  const blocksPerChunk = Math.ceil(blocks / wantedChunks);
  const chunks = Math.ceil(blocks / blocksPerChunk);

  const filtersAsColumns =
    tileCost(strips.width, filtersPerGroup, features) <
    0.9 * tileCost(filtersPerGroup, strips.width, features);
  const unit = filtersAsColumns ? features.tile.columns : features.tile.rows;
  const filtersPerItem = Math.min(
    filtersPerGroup,
    Math.ceil(filtersPerGroup / filterParts / unit) * unit,
  );
  const filterBlocks = Math.ceil(filtersPerGroup / filtersPerItem);
  const innerFloats = Math.ceil((filtersAsColumns ? filtersPerGroup : strips.width) / 4) * 4;
  const layout: PatchSums = {
    chunks,
    chunkFloats:
      groups * strips.count * innerFloats * (filtersAsColumns ? strips.width : filtersPerGroup),
    groups,
    filtersPerGroup,
    strips: strips.count,
    width: strips.width,
    filtersAsColumns,
    innerFloats,
  };
  const staged = inPlace ? undefined : stagedRegion(geometry, imagesPerBlock, rowsPerBlock);
  const stagesGradient = filters !== filtersPerItem;
  const blockPixels = imagesPerBlock * rowsPerBlock * grid[1];
  const scratch = { pixels: 0, source: 64, gradient: 0, bytes: 0 };
  // A vector that straddles the end of the source's last pixel reads up to three floats more.
  scratch.gradient = scratch.source + Math.ceil(((staged?.bytes ?? 0) + 16) / 64) * 64;
  scratch.bytes =
    scratch.gradient +
    (stagesGradient ? Math.ceil((blockPixels * filtersPerItem * 4 + 16) / 64) * 64 : 0);
  return {
    geometry,
    filters,
    strips,
    filtersAsColumns,
    layout,
    pixels,
    ...cut,
    blocks,
    blocksPerChunk,
    filtersPerItem,
    filterBlocks,
    staged,
    stagesGradient,
    items: chunks * groups * filterBlocks,
    features,
    scratch,
  };
}

/** Rough time of a step of the product, to choose which operand becomes the columns. */
function tileCost(rows: number, columns: number, features: Features): number {
  const panels = columnPanels(columns, features);
  const tiles = Math.ceil(rows / features.tile.rows);
  const cost = (vectors: number): number =>
    vectors === 0 ? 0 : tiles * Math.max(4, (rows / tiles) * Math.ceil(vectors / 2)) + tiles;
  return panels.full * cost(panels.vectors) + cost(panels.tailVectors);
}

function emitPatches(
  f: FunctionBuilder,
  module: KernelModule,
  schedule: PatchSchedule,
  operands: {
    readonly x: Local;
    readonly dy: Local;
    readonly sums: Local;
    readonly begin: Local;
    readonly end: Local;
    readonly scratch: Local;
  },
): void {
  const { geometry, strips, staged, layout, filters, filtersPerItem, filtersAsColumns } = schedule;
  const { groups, grid, source, stride, dilation, taps, images } = geometry;
  const { scratch } = operands;
  const pixelBytes = (staged === undefined ? source.channels : staged.channels) * 4;
  const rowBytes = (staged === undefined ? source.width : staged.width) * pixelBytes;
  const imageBytes = (staged === undefined ? source.height : staged.height) * rowBytes;

  const names = [
    "item",
    "filterBlock",
    "group",
    "block",
    "lastBlock",
    "image",
    "row",
    "imageCount",
    "rowCount",
    "pixelCount",
    "xBlock",
    "dyBlock",
    "dyStep",
    "sums",
    "descriptor",
    "filterCount",
    "accumulate",
    "strip",
    "tapRow",
    "xStrip",
    "sumsStrip",
  ] as const;
  const l = Object.fromEntries(names.map((name) => [name, f.local("i32")])) as Record<
    (typeof names)[number],
    Local
  >;
  const store = (name: keyof typeof pixelFields, value: number | (() => void)): void => {
    f.get(l.descriptor).push(value).memory("i32.store", pixelFields[name]);
  };
  f.get(scratch).i32(schedule.scratch.pixels).op("i32.add").set(l.descriptor);

  /** Rows, images and addresses of a block of pixels. */
  const enterBlock = (): void => {
    f.get(l.block).i32(schedule.rowBlocks).op("i32.rem_u").i32(schedule.rowsPerBlock);
    f.op("i32.mul").set(l.row);
    f.get(l.block).i32(schedule.rowBlocks).op("i32.div_u").i32(schedule.imagesPerBlock);
    f.op("i32.mul").set(l.image);
    const clip = (target: Local, most: number, size: number, first: Local): void => {
      f.i32(most).set(target);
      if (size % most === 0) return;
      f.i32(size).get(first).op("i32.sub").i32(most).op("i32.lt_s");
      f.if(() => f.i32(size).get(first).op("i32.sub").set(target));
    };
    clip(l.rowCount, schedule.rowsPerBlock, grid[0], l.row);
    clip(l.imageCount, schedule.imagesPerBlock, images, l.image);
    f.get(l.rowCount).get(l.imageCount).op("i32.mul").i32(grid[1]).op("i32.mul");
    f.set(l.pixelCount);

    if (staged === undefined) {
      f.get(operands.x).get(l.row).i32(rowBytes).op("i32.mul").op("i32.add").set(l.xBlock);
    } else {
      f.get(scratch).i32(schedule.scratch.source).op("i32.add").set(l.xBlock);
      emitStaging(f, module, geometry, staged, {
        source: operands.x,
        target: l.xBlock,
        image: l.image,
        images: l.imageCount,
        row: l.row,
        group: l.group,
      });
    }
    // dy + ((image · P + row) · Q · K + group · K/groups + first filter) · 4
    f.get(l.image).i32(grid[0]).op("i32.mul").get(l.row).op("i32.add");
    f.i32(grid[1] * filters * 4)
      .op("i32.mul")
      .get(operands.dy)
      .op("i32.add");
    f.get(l.group)
      .i32(layout.filtersPerGroup * 4)
      .op("i32.mul")
      .op("i32.add");
    f.get(l.filterBlock)
      .i32(filtersPerItem * 4)
      .op("i32.mul")
      .op("i32.add")
      .set(l.dyBlock);
    f.i32(filters * 4).set(l.dyStep);
    if (schedule.stagesGradient) {
      f.get(scratch).i32(schedule.scratch.gradient).op("i32.add");
      f.get(l.dyBlock)
        .get(l.pixelCount)
        .get(l.filterCount)
        .i32(filters * 4);
      f.call(copyPixels(module));
      f.get(scratch).i32(schedule.scratch.gradient).op("i32.add").set(l.dyBlock);
      f.get(l.filterCount).i32(2).op("i32.shl").set(l.dyStep);
    }

    const step = stride[1] * pixelBytes;
    const rowJump = stride[0] * rowBytes - grid[1] * step;
    store("images", () => f.get(l.imageCount));
    store("rows", rowJump === 0 ? 1 : () => f.get(l.rowCount));
    store("length", () => {
      f.i32(grid[1]);
      if (rowJump === 0) f.get(l.rowCount).op("i32.mul");
    });
    store("accumulate", () => f.get(l.accumulate));
    const [walked, dense] = filtersAsColumns ? (["a", "b"] as const) : (["b", "a"] as const);
    store(`${walked}Step`, step);
    store(`${walked}RowJump`, rowJump);
    store(`${walked}ImageJump`, imageBytes - grid[0] * stride[0] * rowBytes);
    store(`${dense}Step`, () => f.get(l.dyStep));
    store(`${dense}RowJump`, 0);
    store(`${dense}ImageJump`, 0);
  };

  const inner = layout.innerFloats;
  f.for(l.item, operands.begin, operands.end, 1, () => {
    const chunk = f.local("i32");
    f.get(l.item).i32(schedule.filterBlocks).op("i32.rem_u").set(l.filterBlock);
    f.get(l.item).i32(schedule.filterBlocks).op("i32.div_u").set(chunk);
    f.get(chunk).i32(groups).op("i32.rem_u").set(l.group);
    f.get(chunk).i32(groups).op("i32.div_u").set(chunk);
    f.i32(layout.filtersPerGroup).get(l.filterBlock).i32(filtersPerItem).op("i32.mul");
    f.op("i32.sub").tee(l.filterCount).i32(filtersPerItem).get(l.filterCount).i32(filtersPerItem);
    f.op("i32.lt_s").op("select").set(l.filterCount);
    // sums + (chunk · chunkFloats + group · groupFloats + first filter · filterFloats) · 4
    f.get(operands.sums)
      .get(chunk)
      .i32(layout.chunkFloats * 4)
      .op("i32.mul")
      .op("i32.add");
    f.get(l.group)
      .i32((layout.chunkFloats / groups) * 4)
      .op("i32.mul")
      .op("i32.add");
    f.get(l.filterBlock);
    f.i32(filtersPerItem * (filtersAsColumns ? 1 : strips.count * inner) * 4);
    f.op("i32.mul").op("i32.add").set(l.sums);
    f.get(chunk).i32(schedule.blocksPerChunk).op("i32.mul").set(l.block);
    f.get(l.block).i32(schedule.blocksPerChunk).op("i32.add").set(l.lastBlock);
    f.get(l.lastBlock).i32(schedule.blocks).get(l.lastBlock).i32(schedule.blocks);
    f.op("i32.lt_s").op("select").set(l.lastBlock);
    f.release(chunk);

    f.i32(0).set(l.accumulate);
    f.for(l.block, l.block, l.lastBlock, 1, () => {
      enterBlock();
      f.get(l.sums).set(l.sumsStrip);
      const dilatedColumns = strips.count > taps[0];
      f.for(l.tapRow, 0, taps[0], 1, () => {
        f.get(l.tapRow)
          .i32(dilation[0] * rowBytes)
          .op("i32.mul")
          .get(l.xBlock);
        f.op("i32.add").set(l.xStrip);
        f.for(l.strip, 0, dilatedColumns ? taps[1] : 1, 1, () => {
          emitStrip(f, module, schedule, l);
          f.increment(l.xStrip, dilation[1] * pixelBytes);
          f.increment(l.sumsStrip, (filtersAsColumns ? strips.width * inner : inner) * 4);
        });
      });
      f.i32(1).set(l.accumulate);
    });
  });
  f.release(...Object.values(l));
}

/** All tiles of one strip. */
function emitStrip(
  f: FunctionBuilder,
  module: KernelModule,
  schedule: PatchSchedule,
  l: Readonly<Record<"xStrip" | "dyBlock" | "sumsStrip" | "filterCount" | "descriptor", Local>>,
): void {
  const { features, strips, layout, filtersAsColumns, filtersPerItem } = schedule;
  const [left, columns, sums] = f.locals("i32", 3) as [Local, Local, Local];
  const width = features.tile.columns;
  // With filters as columns, the last range of filters may be narrower than the others.
  const widths = new Set(
    filtersAsColumns
      ? [filtersPerItem, layout.filtersPerGroup % filtersPerItem || filtersPerItem]
      : [strips.width],
  );
  const tails = new Set([...widths].map((total) => Math.ceil((total % width) / 4)));
  const panel = (vectors: number): void => {
    if (filtersAsColumns) f.i32(strips.width).get(l.xStrip).get(columns);
    else f.get(l.filterCount).get(l.dyBlock).get(columns);
    f.get(sums);
    f.i32((filtersAsColumns ? layout.innerFloats : layout.strips * layout.innerFloats) * 4);
    f.get(l.descriptor).call(patchPanel(module, vectors));
    f.increment(columns, vectors * 16);
    f.increment(sums, vectors * 16);
  };
  f.get(filtersAsColumns ? l.dyBlock : l.xStrip).set(columns);
  f.get(l.sumsStrip).set(sums);
  if (filtersAsColumns) f.get(l.filterCount).set(left);
  else f.i32(strips.width).set(left);
  if (Math.max(...widths) >= width) {
    f.block((done) => {
      f.loop((again) => {
        f.get(left).i32(width).op("i32.lt_s").branchIf(done);
        panel(width / 4);
        f.increment(left, -width).branch(again);
      });
    });
  }
  for (const vectors of tails) {
    if (vectors === 0) continue;
    f.get(left)
      .i32((vectors - 1) * 4)
      .op("i32.gt_s");
    f.get(left)
      .i32(vectors * 4)
      .op("i32.le_s")
      .op("i32.and");
    f.if(() => {
      panel(vectors);
      f.i32(0).set(left);
    });
  }
  f.release(left, columns, sums);
}
