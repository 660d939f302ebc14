/**
 * Convolutions with r × r taps and stride 1 by Winograd's minimal filtering: tiles of m × m results from (m + r − 1)²
 * products instead of r² m². Transformed tiles and transformed weights are multiplied by the register tiles
 * of the matrix product, one product per position ξ in the tile.
 *
 * A row block of tiles goes through all stages in the thread's own memory: its source is copied with zeros,
 * transformed (V, [ξ, tiles, channels]), multiplied with the weights (M, [ξ, tiles, filters of the item]) and
 * transformed back into the result. V and M should stay in the second-level cache. Consecutive ξ are a line apart more than
 * a power of two, or the stores of a tile would all fall into one set of the first-level cache.
 *
 * A result does not depend on how tiles are grouped, only on which tile and position it has in its image.
 */
import type { FunctionBuilder, Local } from "../assembler.ts";
import type { Features, KernelModule } from "../kernel.ts";
import { emitMinimum, type RowOperands } from "./gemm.ts";
import { type PixelBlocks, pixelBlocks } from "./gemmBlocks.ts";
import {
  type Epilogue,
  emitStoreColumns,
  type VectorEpilogue,
  vectorEpilogue,
} from "./gemmEpilogue.ts";
import { reductionBlocks } from "./gemmReduction.ts";
import { emitStaging, type StagingGeometry, stagedRegion } from "./gemmStaging.ts";
import { rowPanel, segmentBytes, segmentFields } from "./microKernel.ts";
import { type ColumnPanels, columnPanels } from "./packing.ts";
import { emitSquare, emitTiles, emitVectorLoop } from "./winogradTiles.ts";
import { type TileForm, tileInputs } from "./winogradTransforms.ts";
import { winogradWeightBytes, winogradWeightStep } from "./winogradWeights.ts";

/** A convolution of `form.taps` × `form.taps` taps with stride 1 from [images, height, width, channels] to [images, rows, columns, filters]. */
export interface WinogradProduct {
  readonly images: number;
  readonly size: readonly [number, number];
  readonly channels: number;
  readonly filters: number;
  /** Floats from pixel to pixel of the result: filters, or more where other channels lie between. */
  readonly pitch: number;
  /** Zeros above and left of the source; negative where it is cut off. */
  readonly padding: readonly [number, number];
  /** Rows and columns of the result. */
  readonly result: readonly [number, number];
  readonly form: TileForm;
}

/**
 * Tiles of a row block to aim for. With fewer, the weights are read too often; with many more, V and M leave
 * the second-level cache. Weights that do not even fit into the third level are read less often.
 */
const targetTiles = 32;
export const largeWeightBytes = 12 << 20;
/** Work items to aim for. */
const targetItems = 32;
/**
 * Filters of a work item, at least: one panel. Items of the same row block share its transform, also from one call to the next
 * of a launch, so that only the first of a thread's pays for it.
 */
const fewestFilters = 16;

export interface WinogradSchedule extends PixelBlocks {
  readonly product: WinogradProduct;
  readonly panels: ColumnPanels;
  readonly tiles: StagingGeometry;
  readonly panelsPerBlock: number;
  /** Columns of M: those of a work item's panels, in whole vectors. */
  readonly columns: number;
  readonly columnBlocks: number;
  readonly items: number;
  readonly scratch: ScratchLayout;
  readonly flops: number;
}

interface ScratchLayout {
  /** The row block that lies in `v`; the first word, for the kernel keeps its scratch memory. */
  readonly kept: number;
  readonly vRows: number;
  readonly mRows: number;
  readonly segments: number;
  readonly columns: number;
  readonly v: number;
  readonly m: number;
  readonly staged: number;
  readonly bytes: number;
  /** Bytes from ξ to ξ. */
  readonly vStep: number;
  readonly mStep: number;
}

export function scheduleWinograd(product: WinogradProduct, features: Features): WinogradSchedule {
  const { images, size, channels, filters, padding, result, form } = product;
  const { outputs, taps } = form;
  const inner = tileInputs(form);
  const positions = inner ** 2;
  const grid = [Math.ceil(result[0] / outputs), Math.ceil(result[1] / outputs)] as const;
  const tiles: StagingGeometry = {
    images,
    source: { height: size[0], width: size[1], channels },
    groups: 1,
    taps: [inner, inner],
    stride: [outputs, outputs],
    dilation: [1, 1],
    padding,
    grid,
  };
  const panels = columnPanels(filters, features);
  const weightBytes = winogradWeightBytes(product);
  const target = weightBytes > largeWeightBytes ? 2 * targetTiles : targetTiles;
  const blocks = pixelBlocks(images, grid, target);
  const { imagesPerBlock, rowsPerBlock, imageBlocks, rowBlocks } = blocks;
  const most = Math.max(1, Math.floor(filters / fewestFilters));
  const parts = Math.min(most, Math.ceil(targetItems / (imageBlocks * rowBlocks)));
  const panelsPerBlock = Math.ceil(panels.count / parts);
  const columnBlocks = Math.ceil(panels.count / panelsPerBlock);

  const blockTiles = imagesPerBlock * rowsPerBlock * grid[1];
  const columns = Math.min(Math.ceil(filters / 4), panelsPerBlock * panels.vectors) * 4;
  const vStep = Math.ceil((blockTiles * channels * 4) / 64) * 64 + 64;
  const mStep = Math.ceil((blockTiles * columns * 4) / 64) * 64 + 64;
  let bytes = 0;
  const take = (count: number): number => {
    const offset = bytes;
    bytes += Math.ceil(count / 64) * 64;
    return offset;
  };
  const scratch = {
    kept: take(4),
    vRows: take(blockTiles * 4),
    mRows: take(blockTiles * 4),
    segments: take(reductionOf(channels).length * segmentBytes),
    columns: take(positions * 32),
    v: take(positions * vStep),
    m: take(positions * mStep),
    // The last vector of the last pixel may reach past it.
    staged: take(stagedRegion(tiles, imagesPerBlock, rowsPerBlock).bytes + 16),
    vStep,
    mStep,
    get bytes() {
      return bytes;
    },
  };
  return {
    product,
    panels,
    tiles,
    ...blocks,
    panelsPerBlock,
    columns,
    columnBlocks,
    items: imageBlocks * rowBlocks * columnBlocks,
    scratch,
    flops: 2 * taps ** 2 * images * result[0] * result[1] * channels * filters,
  };
}

function reductionOf(channels: number): ReturnType<typeof reductionBlocks> {
  return reductionBlocks({ taps: [1, 1], channels, tapSteps: [0, 0] });
}

/** Writes the code that computes work items `begin` … `end` − 1. */
export function emitWinograd(
  f: FunctionBuilder,
  module: KernelModule,
  schedule: WinogradSchedule,
  operands: RowOperands,
  epilogue?: Epilogue,
): void {
  const { product, panels, tiles, scratch: layout, columns, columnBlocks } = schedule;
  const { channels, form } = product;
  const positions = tileInputs(form) ** 2;
  const { scratch } = operands;
  const segments = reductionOf(channels);
  const names = [
    "item",
    "block",
    "current",
    "image",
    "row",
    "images",
    "rows",
    "count",
    "vRows",
    "mRows",
    "staged",
    "v",
    "m",
    "panel",
    "panelCount",
    "left",
    "position",
    "segment",
    "segmentIndex",
    "a",
    "b",
    "c",
    "weights",
  ] as const;
  const l = Object.fromEntries(names.map((name) => [name, f.local("i32")])) as Record<
    (typeof names)[number],
    Local
  >;
  const at = (target: Local, offset: number): void => {
    f.get(scratch).i32(offset).op("i32.add").set(target);
  };
  const blockTiles = schedule.imagesPerBlock * schedule.rowsPerBlock * tiles.grid[1];
  const finisher = vectorEpilogue(f, module, epilogue, operands.result);
  at(l.vRows, layout.vRows);
  at(l.mRows, layout.mRows);
  at(l.staged, layout.staged);
  f.for(l.left, 0, blockTiles, 1, () => {
    for (const [table, step] of [
      [l.vRows, channels * 4],
      [l.mRows, columns * 4],
    ] as const) {
      f.get(table).get(l.left).i32(2).op("i32.shl").op("i32.add");
      f.get(l.left).i32(step).op("i32.mul").memory("i32.store");
    }
  });
  for (const [index, segment] of segments.entries()) {
    for (const [name, value] of Object.entries({ ...segment, accumulate: Math.min(1, index) })) {
      const field = segmentFields[name as keyof typeof segmentFields];
      f.get(scratch)
        .i32(value)
        .memory("i32.store", layout.segments + index * segmentBytes + field);
    }
  }

  const enterBlock = (): void => {
    f.get(l.block).set(l.current);
    f.get(l.block).i32(schedule.rowBlocks).op("i32.rem_u").i32(schedule.rowsPerBlock);
    f.op("i32.mul").set(l.row);
    f.get(l.block).i32(schedule.rowBlocks).op("i32.div_u").i32(schedule.imagesPerBlock);
    f.op("i32.mul").set(l.image);
    f.i32(schedule.imagesPerBlock).set(l.images);
    emitMinimum(f, l.images, () => f.i32(product.images).get(l.image).op("i32.sub"));
    f.i32(schedule.rowsPerBlock).set(l.rows);
    emitMinimum(f, l.rows, () => f.i32(tiles.grid[0]).get(l.row).op("i32.sub"));
    f.get(l.images).get(l.rows).op("i32.mul").i32(tiles.grid[1]).op("i32.mul").set(l.count);
    f.get(scratch).memory("i32.load", layout.kept).get(l.block).op("i32.ne").if(transformBlock);
  };
  const transformBlock = (): void => {
    f.get(scratch).get(l.block).memory("i32.store", layout.kept);
    const group = f.local("i32");
    f.i32(0).set(group);
    const region = stagedRegion(tiles, schedule.imagesPerBlock, schedule.rowsPerBlock);
    emitStaging(f, module, tiles, region, {
      source: operands.source,
      target: l.staged,
      image: l.image,
      images: l.images,
      row: l.row,
      group,
    });
    f.release(group);
    emitTiles(
      f,
      module,
      {
        kind: "input",
        form,
        region,
        tileColumns: tiles.grid[1],
        between: layout.columns,
        to: layout.v,
        step: layout.vStep,
      },
      { ...l, scratch },
    );
  };

  const weightBytes = winogradWeightBytes(product);
  const wide = rowPanel(module, panels.vectors, weightBytes);
  const narrow = panels.tailVectors > 0 ? rowPanel(module, panels.tailVectors, weightBytes) : 0;
  const panelBytes = panels.vectors * 16 * channels;
  const multiply = (panelFunction: number, vectors: number): void => {
    f.get(l.vRows).get(l.mRows).get(l.count).get(l.a);
    f.get(l.b).get(l.segment).memory("i32.load", segmentFields.bStart);
    f.i32(vectors * 16)
      .op("i32.mul")
      .op("i32.add");
    f.get(l.c).get(l.segment).call(panelFunction);
  };

  f.i32(-1).set(l.current);
  f.for(l.item, operands.begin, operands.end, 1, () => {
    f.get(l.item).i32(columnBlocks).op("i32.div_u").set(l.block);
    f.get(l.block).get(l.current).op("i32.ne").if(enterBlock);
    f.get(l.item).i32(columnBlocks).op("i32.rem_u").i32(schedule.panelsPerBlock);
    f.op("i32.mul").set(l.panel);
    f.i32(schedule.panelsPerBlock).set(l.panelCount);
    emitMinimum(f, l.panelCount, () => f.i32(panels.full).get(l.panel).op("i32.sub"));
    at(l.v, layout.v);
    at(l.m, layout.m);
    f.get(operands.weights).get(l.panel).i32(panelBytes).op("i32.mul").op("i32.add");
    f.set(l.weights);
    f.for(l.position, 0, positions, 1, () => {
      at(l.segment, layout.segments);
      f.for(l.segmentIndex, 0, segments.length, 1, () => {
        f.get(l.v).get(l.segment).memory("i32.load", segmentFields.aStart).op("i32.add").set(l.a);
        f.get(l.weights).set(l.b);
        f.get(l.m).set(l.c);
        f.get(l.panelCount).set(l.left);
        f.block((done) => {
          f.loop((again) => {
            f.get(l.left).i32(0).op("i32.le_s").branchIf(done);
            multiply(wide, panels.vectors);
            f.increment(l.b, panelBytes);
            f.increment(l.c, panels.vectors * 16);
            f.increment(l.left, -1).branch(again);
          });
        });
        if (panels.tailVectors > 0) {
          f.get(l.panel).i32(schedule.panelsPerBlock).op("i32.add").i32(panels.full).op("i32.gt_s");
          f.if(() => multiply(narrow, panels.tailVectors));
        }
        f.increment(l.segment, segmentBytes);
      });
      f.increment(l.v, layout.vStep);
      f.increment(l.m, layout.mStep);
      f.increment(l.weights, winogradWeightStep(product));
    });
    emitOutput(f, module, schedule, operands, finisher, l);
  });
  finisher.release();
  f.release(...Object.values(l));
}

/** M → result, with the epilogue. */
function emitOutput(
  f: FunctionBuilder,
  module: KernelModule,
  schedule: WinogradSchedule,
  operands: RowOperands,
  finisher: VectorEpilogue,
  l: Readonly<Record<"image" | "row" | "images" | "rows" | "panel", Local>>,
): void {
  const { product, panels, tiles, scratch: layout, columns } = schedule;
  const { filters, pitch, form, result } = product;
  const { outputs } = form;
  const [height, width] = result;
  const pixelBytes = pitch * 4;
  const rowBytes = width * pixelBytes;
  const inner = tileInputs(form);
  const names = ["image", "row", "column", "from", "to", "channel", "y", "m"] as const;
  const more = ["bytes", "rowsLeft", "columnsLeft", "place"] as const;
  const [image, row, column, from, to, channel, y, m, bytes, rowsLeft, columnsLeft, place] = [
    ...names,
    ...more,
  ].map(() => f.local("i32")) as [
    Local,
    Local,
    Local,
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
  // Columns of the item that are whole vectors, in bytes; the last item has those left over after them.
  const leftOver = filters % 4;
  f.i32(columns * 4).set(bytes);
  emitMinimum(f, bytes, () =>
    f
      .i32(filters - leftOver)
      .get(l.panel)
      .i32(panels.vectors * 4)
      .op("i32.mul")
      .op("i32.sub")
      .i32(2)
      .op("i32.shl"),
  );
  f.get(operands.scratch).i32(layout.m).op("i32.add").set(from);
  const pairsOnly = filters % 8 === 0 && columns % 8 === 0;
  const clipped = height % outputs > 0 || width % outputs > 0;
  f.for(image, 0, l.images, 1, () => {
    f.for(row, 0, l.rows, 1, () => {
      f.get(image).get(l.image).op("i32.add").i32(height).op("i32.mul");
      f.get(row).get(l.row).op("i32.add").i32(outputs).op("i32.mul").op("i32.add");
      f.i32(rowBytes).op("i32.mul").get(operands.result).op("i32.add");
      f.get(l.panel)
        .i32(panels.vectors * 16)
        .op("i32.mul")
        .op("i32.add")
        .set(to);
      f.i32(height).get(row).get(l.row).op("i32.add").i32(outputs).op("i32.mul").op("i32.sub");
      f.set(rowsLeft);
      f.i32(width).set(columnsLeft);
      f.for(column, 0, tiles.grid[1], 1, () => {
        const tile = (partial: boolean): void => {
          const finish = (vectors: number, count: number): void => {
            f.get(from).get(channel).op("i32.add").set(m);
            f.get(to).get(channel).op("i32.add").set(y);
            f.get(l.panel)
              .i32(panels.vectors * 16)
              .op("i32.mul")
              .get(channel)
              .op("i32.add");
            f.set(place);
            const within = (position: number, left: Local, body: () => void): void => {
              if (!partial || position === 0) {
                body();
                return;
              }
              f.get(left).i32(position).op("i32.gt_s");
              f.if(body);
            };
            emitSquare(
              f,
              module.features,
              "output",
              form,
              vectors,
              { address: operands.scratch, offset: layout.columns },
              (r, s, vector) => {
                f.get(m).memory("v128.load", (r * inner + s) * layout.mStep + vector * 16);
              },
              (p, results) => {
                within(p, rowsLeft, () => {
                  for (const [q, lane] of results.entries()) {
                    within(q, columnsLeft, () => {
                      const values = lane.map((value) => {
                        const copy = f.local("v128");
                        f.get(value).set(copy);
                        return copy;
                      });
                      finisher.apply(values, y, place, 0);
                      emitStoreColumns(f, values, y, 0, count);
                      f.release(...values);
                    });
                    f.increment(y, pixelBytes);
                  }
                  f.increment(y, rowBytes - outputs * pixelBytes);
                });
              },
            );
          };
          f.i32(0).set(channel);
          emitVectorLoop(f, channel, bytes, pairsOnly, (vectors) => finish(vectors, vectors * 4));
          if (leftOver === 0) return;
          f.get(bytes)
            .i32(columns * 4)
            .op("i32.lt_s");
          f.if(() => {
            f.get(bytes).set(channel);
            finish(1, leftOver);
          });
        };
        if (clipped) {
          f.get(rowsLeft).i32(outputs).op("i32.ge_s");
          f.get(columnsLeft).i32(outputs).op("i32.ge_s").op("i32.and");
          f.if(
            () => tile(false),
            () => tile(true),
          );
        } else tile(false);
        f.increment(from, columns * 4);
        f.increment(to, outputs * pixelBytes);
        f.increment(columnsLeft, -outputs);
      });
    });
  });
  f.release(image, row, column, from, to, channel, y, m, bytes, rowsLeft, columnsLeft, place);
}
