/**
 * The product that dense convolutions, their data gradients and matrix products share: an implicit
 * matrix product whose rows are pixels of the result, whose columns are its channels and whose
 * reduction runs over taps and source channels.
 *
 * Blocking, from the inside out: a register tile (rowTile) runs over one block of the reduction; all
 * rows of a row block pass by one panel of columns, which so stays in the first-level cache; all panels
 * pass by one block of the reduction; the row block itself (a few rows of the result, or a few images)
 * keeps its source in the second-level cache. Where zero padding, or groups, keep the taps of a pixel
 * from lying evenly in the source, the source of a row block is first copied into the thread's scratch
 * memory with its zeros, so that the tiles know no border.
 *
 * A work item is a row block times a range of panels. Block sizes of rows and columns never reach the
 * results; the blocks of the reduction do, and depend on the shape alone.
 */
import type { FunctionBuilder, Local } from "../assembler.ts";
import type { Features, KernelModule } from "../kernel.ts";
import { type PixelBlocks, pixelBlocks } from "./gemmBlocks.ts";
import { type Epilogue, emitEpilogue } from "./gemmEpilogue.ts";
import { reductionBlocks } from "./gemmReduction.ts";
import { emitStaging, type StagedRegion, stagedRegion } from "./gemmStaging.ts";
import { rowPanel, segmentBytes, segmentFields } from "./microKernel.ts";
import { type ColumnPanels, columnPanels, emitPanelRun, emitPanelsOfRows } from "./packing.ts";

type Pair = readonly [number, number];

/** The geometry of a product; sizes are in pixels and channels. */
export interface RowProduct {
  readonly images: number;
  /** Dense [images, height, width, channels]. */
  readonly source: { readonly height: number; readonly width: number; readonly channels: number };
  /** Source channels and columns are cut into this many independent parts. */
  readonly groups: number;
  readonly taps: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  /** Zero rows above and zero columns left of the source; negative where they are cut off. */
  readonly padding: Pair;
  /** Rows and columns of the result per image. */
  readonly grid: Pair;
  /** Where the pixels of the grid lie in the result. */
  readonly result: {
    readonly first: number;
    readonly rowStep: number;
    readonly columnStep: number;
    readonly imageStep: number;
    readonly channels: number;
    /** Floats from pixel to pixel: more than channels where those of other values lie between. */
    readonly pitch: number;
  };
  /** Offset of the packed weights in their buffer, bytes. */
  readonly weightStart: number;
  /** Every image has weights of its own, one after the other. */
  readonly weightsPerImage: boolean;
  /**
   * The weights are not packed in advance: every work item packs what it needs, a block of the reduction at a
   * time. Floats from column to column, step to step and image to image; one of the first two is 1. For
   * products of few rows, which would not read packed weights often enough to pay for writing them.
   */
  readonly unpacked?: {
    readonly columnStep: number;
    readonly step: number;
    readonly imageStep: number;
  };
}

/** How a product is cut into work items, and what a thread needs to compute them. */
export interface RowSchedule extends PixelBlocks {
  readonly product: RowProduct;
  readonly panels: ColumnPanels;
  readonly columnBlocks: number;
  readonly panelsPerBlock: number;
  readonly staged: StagedRegion | undefined;
  readonly items: number;
  readonly scratchBytes: number;
  readonly flops: number;
}

/** Rows of a row block to aim for: enough that loading a panel costs little. */
const targetRows = 128;
/**
 * Products with few steps and rows of the result as long as a page of memory only write. Blocks of two tiles then
 * keep to a few pages at a time, where larger ones would touch another page with every 64 bytes.
 */
const shortReduction = 64;
const pageBytes = 4096;
/** What the copied source of a row block may take, so that it stays in the second-level cache. */
const targetStagedBytes = 256 * 1024;
/** Work items to aim for, so that a few threads finish together … */
const targetItems = 16;
/** … unless items would become so small (multiply-adds) that dealing them costs more. */
const smallestItem = 1 << 16;

/** Panels of an item that packs its own weights, at most: with 16 columns a strip of 384 KiB. */
const mostUnpackedPanels = 16;

/** Steps of the reduction of one group. */
export function reductionLength(product: RowProduct): number {
  return product.taps[0] * product.taps[1] * (product.source.channels / product.groups);
}

/** Bytes of the packed weights of one product. */
export function packedWeightBytes(product: RowProduct, features: Features): number {
  const panels = columnPanels(product.result.channels / product.groups, features);
  const copies = product.weightsPerImage ? product.images : 1;
  return copies * product.groups * panels.floatsPerStep * reductionLength(product) * 4;
}

/** Pixels that are read one by one need no grid: all images become one column of rows. */
function flattened(product: RowProduct): RowProduct {
  const { images, source, taps, stride, padding, grid, result } = product;
  const [rows, columns] = grid;
  const plain =
    !product.weightsPerImage &&
    taps[0] * taps[1] === 1 &&
    stride[0] * stride[1] === 1 &&
    padding[0] === 0 &&
    padding[1] === 0 &&
    rows === source.height &&
    columns === source.width &&
    result.columnStep === 1 &&
    result.rowStep === columns &&
    (images === 1 || result.imageStep === rows * columns);
  if (!plain) return product;
  const pixels = images * rows * columns;
  return {
    ...product,
    images: 1,
    source: { height: pixels, width: 1, channels: source.channels },
    grid: [pixels, 1],
    result: { ...result, rowStep: 1, imageStep: pixels },
  };
}

/** Whether the tiles can read the source where it lies. */
function readsInPlace(product: RowProduct): boolean {
  const { source, taps, stride, dilation, padding, grid } = product;
  if (product.groups > 1 && taps[0] * taps[1] > 1) return false;
  const reach = (axis: 0 | 1): number =>
    (grid[axis] - 1) * stride[axis] + (taps[axis] - 1) * dilation[axis] - padding[axis];
  return padding[0] <= 0 && padding[1] <= 0 && reach(0) < source.height && reach(1) < source.width;
}

/** Cuts a product into work items. */
export function scheduleRows(given: RowProduct, features: Features): RowSchedule {
  const product = flattened(given);
  const { images, groups, grid } = product;
  const inPlace = readsInPlace(product);
  const columns = product.result.channels / groups;
  const panels = columnPanels(columns, features);
  const reduction = reductionLength(product);

  const isFlat = reduction <= shortReduction && product.result.pitch * 4 >= pageBytes;
  const blockRows = isFlat ? 2 * features.tile.rows : targetRows;
  const blocks = pixelBlocks(images, grid, blockRows, (imageCount, rowCount) => {
    if (product.weightsPerImage && imageCount > 1) return false;
    return inPlace || stagedRegion(product, imageCount, rowCount).bytes <= targetStagedBytes;
  });
  const { imagesPerBlock, rowsPerBlock, imageBlocks, rowBlocks } = blocks;

  const multiplyAdds = images * grid[0] * grid[1] * columns * groups * reduction;
  const wanted = Math.min(targetItems, Math.floor(multiplyAdds / smallestItem));
  const parts = Math.ceil(wanted / (imageBlocks * rowBlocks * groups));
  const dealt = Math.ceil(panels.count / Math.max(1, Math.min(panels.count, parts)));
  const panelsPerBlock =
    product.unpacked === undefined ? dealt : Math.min(dealt, mostUnpackedPanels);
  const columnBlocks = Math.ceil(panels.count / panelsPerBlock);

  const staged = inPlace ? undefined : stagedRegion(product, imagesPerBlock, rowsPerBlock);
  const schedule = {
    product,
    panels,
    ...blocks,
    columnBlocks,
    panelsPerBlock,
    staged,
    items: imageBlocks * rowBlocks * groups * columnBlocks,
    flops: 2 * multiplyAdds,
  };
  return { ...schedule, scratchBytes: scratchLayout(schedule).bytes };
}

type Unmeasured = Omit<RowSchedule, "scratchBytes">;

/** Offsets of what lies in a thread's scratch memory. */
function scratchLayout(schedule: Unmeasured): {
  aRows: number;
  cRows: number;
  tailRows: number;
  segments: number;
  tail: number;
  staged: number;
  packed: number;
  bytes: number;
} {
  let bytes = 0;
  const take = (size: number): number => {
    const offset = bytes;
    bytes += Math.ceil(size / 64) * 64;
    return offset;
  };
  const rows = rowsOfBlock(schedule);
  const longest = Math.max(...segmentsOf(schedule).map(({ length }) => length));
  const tailBytes = schedule.panels.tailVectors * 16;
  return {
    aRows: take(rows * 4),
    cRows: take(rows * 4),
    tailRows: take(tailBytes > 0 ? rows * 4 : 0),
    segments: take(segmentsOf(schedule).length * segmentBytes),
    tail: take(rows * tailBytes),
    staged: take(schedule.staged?.bytes ?? 0),
    packed: take(
      schedule.product.unpacked === undefined
        ? 0
        : schedule.panelsPerBlock * schedule.panels.vectors * 16 * longest,
    ),
    get bytes() {
      return bytes;
    },
  };
}

function rowsOfBlock(schedule: Unmeasured): number {
  return schedule.imagesPerBlock * schedule.rowsPerBlock * schedule.product.grid[1];
}

/** Steps in bytes through the source as the tiles read it. */
function sourceSteps(schedule: Unmeasured): { pixel: number; row: number; image: number } {
  const { product, staged } = schedule;
  if (staged !== undefined) {
    const pixel = staged.channels * 4;
    const row = staged.width * pixel;
    return { pixel, row, image: staged.height * row };
  }
  const pixel = product.source.channels * 4;
  const row = product.source.width * pixel;
  return { pixel, row, image: product.source.height * row };
}

function segmentsOf(schedule: Unmeasured): ReturnType<typeof reductionBlocks> {
  const { product } = schedule;
  const steps = sourceSteps(schedule);
  return reductionBlocks({
    taps: product.taps,
    channels: product.source.channels / product.groups,
    tapSteps: [product.dilation[0] * steps.row, product.dilation[1] * steps.pixel],
  });
}

/** Operands of an emitted product. */
export interface RowOperands {
  readonly source: Local;
  readonly weights: Local;
  readonly result: Local;
  readonly scratch: Local;
  /** Work items of this thread among those of the product, which begin at 0. */
  readonly begin: Local;
  readonly end: Local;
}

/** Writes the code that computes the work items `begin` … `end` − 1 of a product. */
export function emitRowProduct(
  f: FunctionBuilder,
  module: KernelModule,
  schedule: RowSchedule,
  operands: RowOperands,
  epilogue?: Epilogue,
): void {
  f.get(operands.begin).get(operands.end).op("i32.lt_s");
  f.if(() => emitItems(f, module, schedule, operands, epilogue));
}

function emitItems(
  f: FunctionBuilder,
  module: KernelModule,
  schedule: RowSchedule,
  operands: RowOperands,
  epilogue: Epilogue | undefined,
): void {
  const { product, panels, staged, imageBlocks, rowBlocks, columnBlocks } = schedule;
  const { groups, result } = product;
  const [gridRows, gridColumns] = product.grid;
  const layout = scratchLayout(schedule);
  const steps = sourceSteps(schedule);
  const segments = segmentsOf(schedule);
  const reduction = reductionLength(product);
  const columnsPerGroup = result.channels / groups;
  const { scratch } = operands;

  const own: Local[] = [];
  const number = (): Local => {
    const local = f.local("i32");
    own.push(local);
    return local;
  };
  const inScratch = (offset: number): Local => {
    const local = number();
    f.get(scratch).i32(offset).op("i32.add").set(local);
    return local;
  };
  const aRows = inScratch(layout.aRows);
  const cRows = inScratch(layout.cRows);
  const tailRows = panels.tailVectors > 0 ? inScratch(layout.tailRows) : aRows;
  const tail = panels.tailVectors > 0 ? inScratch(layout.tail) : aRows;

  emitRowTables(f, schedule, steps, { aRows, cRows, tailRows });
  for (const [index, segment] of segments.entries()) {
    const fields = Object.entries({ ...segment, accumulate: index === 0 ? 0 : 1 });
    for (const [name, value] of fields) {
      const field = segmentFields[name as keyof typeof segmentFields];
      f.get(scratch)
        .i32(value)
        .memory("i32.store", layout.segments + index * segmentBytes + field);
    }
  }

  const [item, block, current, group, image, row] = Array.from({ length: 6 }, number) as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  const [count, a, c, weights] = Array.from({ length: 4 }, number) as [Local, Local, Local, Local];
  const [panel, panelCount, b, cPanel, segment, segmentIndex, aSegment] = Array.from(
    { length: 7 },
    number,
  ) as [Local, Local, Local, Local, Local, Local, Local];

  /** Row block of the item: its position, its row count, and its source. */
  const enterBlock = (): void => {
    f.get(block).set(current);
    const rest = number();
    f.get(block).set(rest);
    const take = (target: Local, size: number): void => {
      if (size === 1) f.i32(0).set(target);
      else {
        f.get(rest).i32(size).op("i32.rem_u").set(target);
        f.get(rest).i32(size).op("i32.div_u").set(rest);
      }
    };
    take(group, groups);
    take(row, rowBlocks);
    take(image, imageBlocks);
    f.get(row).i32(schedule.rowsPerBlock).op("i32.mul").set(row);
    f.get(image).i32(schedule.imagesPerBlock).op("i32.mul").set(image);

    const images = number();
    f.i32(schedule.imagesPerBlock).set(images);
    if (product.images % schedule.imagesPerBlock !== 0) {
      emitMinimum(f, images, () => f.i32(product.images).get(image).op("i32.sub"));
    }
    f.i32(schedule.rowsPerBlock).set(count);
    if (gridRows % schedule.rowsPerBlock !== 0) {
      emitMinimum(f, count, () => f.i32(gridRows).get(row).op("i32.sub"));
    }
    f.get(count).i32(gridColumns).op("i32.mul").get(images).op("i32.mul").set(count);

    if (staged === undefined) {
      // source + image · imageStep + (row · stride − padding) · rowStep − padding · pixelStep + group
      f.get(operands.source).get(image).i32(steps.image).op("i32.mul").op("i32.add");
      f.get(row)
        .i32(product.stride[0] * steps.row)
        .op("i32.mul")
        .op("i32.add");
      f.get(group)
        .i32((product.source.channels / groups) * 4)
        .op("i32.mul")
        .op("i32.add");
      f.i32(-product.padding[0] * steps.row - product.padding[1] * steps.pixel);
      f.op("i32.add").set(a);
    } else {
      f.get(scratch).i32(layout.staged).op("i32.add").set(a);
      emitStaging(f, module, product, staged, {
        source: operands.source,
        target: a,
        image,
        images,
        row,
        group,
      });
    }
    // result + ((first + image · imageStep + row · rowStep) · pitch + group · columns) · 4
    f.get(operands.result)
      .i32(result.first * result.pitch * 4)
      .op("i32.add");
    f.get(image)
      .i32(result.imageStep * result.pitch * 4)
      .op("i32.mul")
      .op("i32.add");
    f.get(row)
      .i32(result.rowStep * result.pitch * 4)
      .op("i32.mul")
      .op("i32.add");
    f.get(group)
      .i32(columnsPerGroup * 4)
      .op("i32.mul")
      .op("i32.add")
      .set(c);

    const groupBytes = panels.floatsPerStep * reduction * 4;
    f.get(operands.weights).i32(product.weightStart).op("i32.add");
    f.get(group).i32(groupBytes).op("i32.mul").op("i32.add");
    if (product.weightsPerImage) {
      f.get(image)
        .i32(product.unpacked === undefined ? groupBytes * groups : product.unpacked.imageStep * 4)
        .op("i32.mul")
        .op("i32.add");
    }
    f.set(weights);
  };

  /** Packs a block of the reduction of the item's panels, or of the narrow panel. */
  const packOwn = (unpacked: NonNullable<RowProduct["unpacked"]>, narrowPanel: boolean): void => {
    const [from, to, steps] = [number(), number(), number()];
    f.get(weights).get(segment).memory("i32.load", segmentFields.bStart);
    f.i32(unpacked.step * 4)
      .op("i32.mul")
      .op("i32.add")
      .push(narrowPanel ? panels.full : panel);
    f.i32(panels.vectors * 16 * unpacked.columnStep)
      .op("i32.mul")
      .op("i32.add")
      .set(from);
    f.get(scratch).i32(layout.packed).op("i32.add").set(to);
    f.get(segment).memory("i32.load", segmentFields.length).set(steps);
    if (narrowPanel) {
      emitPanelRun(f, unpacked, panels.tail, from, to, steps);
      return;
    }
    if (unpacked.columnStep === 1) {
      emitPanelsOfRows(f, unpacked.step, panels.vectors, { from, to, steps, panelCount });
      return;
    }
    const [index, at, left] = [number(), number(), number()];
    f.for(index, 0, panelCount, 1, () => {
      f.get(from).set(at);
      f.get(steps).set(left);
      emitPanelRun(f, unpacked, panels.vectors * 4, at, to, left);
      f.increment(from, panels.vectors * 16 * unpacked.columnStep);
    });
  };

  // What an item packs itself is near.
  const weightBytes =
    product.unpacked === undefined ? packedWeightBytes(product, module.features) : 0;
  const wide = rowPanel(module, panels.vectors, weightBytes);
  const narrow = panels.tailVectors > 0 ? rowPanel(module, panels.tailVectors, weightBytes) : 0;
  const panelBytes = panels.vectors * 16 * reduction;
  const tailOffset = panels.full * panelBytes;

  f.i32(-1).set(current);
  f.for(item, operands.begin, operands.end, 1, () => {
    f.get(item).i32(columnBlocks).op("i32.div_u").set(block);
    f.get(block).get(current).op("i32.ne").if(enterBlock);
    f.get(item).i32(columnBlocks).op("i32.rem_u").i32(schedule.panelsPerBlock);
    f.op("i32.mul").set(panel);
    f.i32(schedule.panelsPerBlock).set(panelCount);
    emitMinimum(f, panelCount, () => f.i32(panels.full).get(panel).op("i32.sub"));
    const withTail = (body: () => void): void => {
      if (panels.tailVectors === 0) return;
      f.get(panel).i32(schedule.panelsPerBlock).op("i32.add").i32(panels.full).op("i32.gt_s");
      f.if(body);
    };

    f.get(scratch).i32(layout.segments).op("i32.add").set(segment);
    f.for(segmentIndex, 0, segments.length, 1, () => {
      f.get(a).get(segment).memory("i32.load", segmentFields.aStart).op("i32.add").set(aSegment);
      if (panels.full > 0) {
        const left = number();
        const panelStep = number();
        f.get(panelCount).set(left);
        f.get(c)
          .get(panel)
          .i32(panels.vectors * 16)
          .op("i32.mul")
          .op("i32.add")
          .set(cPanel);
        if (product.unpacked === undefined) {
          f.get(weights).get(panel).i32(panelBytes).op("i32.mul").op("i32.add");
          f.get(segment).memory("i32.load", segmentFields.bStart);
          f.i32(panels.vectors * 16)
            .op("i32.mul")
            .op("i32.add")
            .set(b);
          f.i32(panelBytes).set(panelStep);
        } else {
          packOwn(product.unpacked, false);
          f.get(scratch).i32(layout.packed).op("i32.add").set(b);
          f.get(segment).memory("i32.load", segmentFields.length);
          f.i32(panels.vectors * 16)
            .op("i32.mul")
            .set(panelStep);
        }
        f.block((done) => {
          f.loop((again) => {
            f.get(left).i32(0).op("i32.le_s").branchIf(done);
            for (const local of [aRows, cRows, count, aSegment, b, cPanel, segment]) f.get(local);
            f.call(wide);
            f.increment(b, panelStep);
            f.increment(cPanel, panels.vectors * 16);
            f.increment(left, -1).branch(again);
          });
        });
      }
      withTail(() => {
        if (product.unpacked === undefined) {
          f.get(weights).i32(tailOffset).op("i32.add");
          f.get(segment).memory("i32.load", segmentFields.bStart);
          f.i32(panels.tailVectors * 16)
            .op("i32.mul")
            .op("i32.add")
            .set(b);
        } else {
          packOwn(product.unpacked, true);
          f.get(scratch).i32(layout.packed).op("i32.add").set(b);
        }
        for (const local of [aRows, tailRows, count, aSegment, b, tail, segment]) f.get(local);
        f.call(narrow);
      });
      f.increment(segment, segmentBytes);
    });

    const channel = number();
    const place = { cRows, count, result: operands.result, group, columnsPerGroup };
    if (epilogue !== undefined && panels.full > 0) {
      const last = number();
      f.get(panel).get(panelCount).op("i32.add").set(last);
      f.for(b, panel, last, 1, () => {
        f.get(b)
          .i32(panels.vectors * 4)
          .op("i32.mul")
          .set(channel);
        emitEpilogue(f, module, epilogue, {
          ...place,
          channel,
          from: undefined,
          to: c,
          columns: panels.vectors * 4,
        });
      });
    }
    withTail(() => {
      f.i32(panels.full * panels.vectors * 4).set(channel);
      emitEpilogue(f, module, epilogue, {
        ...place,
        channel,
        from: { address: tail, step: panels.tailVectors * 16 },
        to: c,
        columns: panels.tail,
      });
    });
  });
  f.release(...own);
}

/** `target = min(target, value)`, signed. */
export function emitMinimum(f: FunctionBuilder, target: Local, value: () => void): void {
  const other = f.local("i32");
  value();
  f.tee(other).get(target).get(other).get(target).op("i32.lt_s").op("select").set(target);
  f.release(other);
}

/** Byte offsets of the rows of a block: in the source, in the result, in the tile of the last panel. */
function emitRowTables(
  f: FunctionBuilder,
  schedule: RowSchedule,
  steps: { pixel: number; row: number; image: number },
  tables: { aRows: Local; cRows: Local; tailRows: Local },
): void {
  const { product, panels } = schedule;
  const { result, stride } = product;
  const [image, row, column, at, aRow, cRow, aPixel, cPixel, tail] = f.locals("i32", 9) as [
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
  const pixelBytes = result.pitch * 4;
  f.i32(0).set(at);
  f.i32(0).set(tail);
  f.for(image, 0, schedule.imagesPerBlock, 1, () => {
    f.get(image).i32(steps.image).op("i32.mul").set(aRow);
    f.get(image)
      .i32(result.imageStep * pixelBytes)
      .op("i32.mul")
      .set(cRow);
    f.for(row, 0, schedule.rowsPerBlock, 1, () => {
      f.get(aRow).set(aPixel);
      f.get(cRow).set(cPixel);
      f.for(column, 0, product.grid[1], 1, () => {
        f.get(tables.aRows).get(at).op("i32.add").get(aPixel).memory("i32.store");
        f.get(tables.cRows).get(at).op("i32.add").get(cPixel).memory("i32.store");
        if (panels.tailVectors > 0) {
          f.get(tables.tailRows).get(at).op("i32.add").get(tail).memory("i32.store");
          f.increment(tail, panels.tailVectors * 16);
        }
        f.increment(at, 4);
        f.increment(aPixel, stride[1] * steps.pixel);
        f.increment(cPixel, result.columnStep * pixelBytes);
      });
      f.increment(aRow, stride[0] * steps.row);
      f.increment(cRow, result.rowStep * pixelBytes);
    });
  });
  f.release(image, row, column, at, aRow, cRow, aPixel, cPixel, tail);
}
