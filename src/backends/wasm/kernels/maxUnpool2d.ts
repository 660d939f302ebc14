/**
 * Values put back to where switches point: the gradient of max pooling.
 *
 * Small windows (the usual case) go the way of the windows: a work item is one row of the result,
 * kept in the L1 cache while the rows of windows that cover it are visited in their order; lanes are
 * channels, and each position of a window takes the value where the switch names it. Where windows
 * do not overlap that is a store, else an addition. Everything else scatters: a work item is an
 * image, or a block of its channels, and takes the values one by one in their order. Either way
 * each element is summed up in the order of the windows, whatever thread does it.
 */
import type { Shape } from "../../../core/shape.ts";
import type { FunctionBuilder, Local } from "../assembler.ts";
import type { Kernel, KernelModule, KernelParameters } from "../kernel.ts";
import { type KernelPlan, singleCall } from "../kernelPlan.ts";
import { emitRow, loadBits, loadLanes, storeLanes } from "../vectorAccess.ts";
import { vectorCode } from "../vectorCode.ts";
import {
  type AxisWindow,
  emitTables,
  tableBytes,
  usualWindow,
  windowBytes,
  windowTable,
} from "./constantTable.ts";

export interface MaxUnpool2dRequest {
  /** `[N, C, H, W]` of the result. */
  readonly shape: Shape;
  /** Rows and columns of the result that each row and column of the values covers. */
  readonly rows: readonly AxisWindow[];
  readonly columns: readonly AxisWindow[];
}

/**
 * `input0` [N, C, P, Q] and `input1` (int32 switches) → `output0` [N, C, H, W], the sum of all values
 * whose switch names the element. Switches must lie in their windows.
 */
export function planMaxUnpool2d(request: MaxUnpool2dRequest): KernelPlan {
  const { rows, columns } = request;
  const covers = rowCovers(request);
  const overlap = Math.max(...covers.map((list) => list.length));
  const uniform = (windows: readonly AxisWindow[]): boolean => {
    const { step } = usualWindow(windows);
    return windows.every((window) => window.count === 1 || window.step === step);
  };
  const small = overlap <= 8 && usualWindow(columns).count <= 8 && uniform(columns);
  const kernel = small && uniform(rows) ? windowKernel(request, covers) : scatterKernel(request);
  return singleCall(kernel, 2, 1);
}

/** For each row of the result, the rows of windows that cover it, ascending. */
function rowCovers({ shape, rows }: MaxUnpool2dRequest): number[][] {
  const covers = Array.from({ length: shape[2]! }, (): number[] => []);
  for (const [p, { start, count, step }] of rows.entries()) {
    for (let r = 0; r < count; r++) covers[start + r * step]!.push(p);
  }
  return covers;
}

/** Whether no column is covered twice, and whether each is covered. */
function columnCover({ shape, columns }: MaxUnpool2dRequest): { disjoint: boolean; all: boolean } {
  const times = new Array<number>(shape[3]!).fill(0);
  for (const { start, count, step } of columns) {
    for (let s = 0; s < count; s++) times[start + s * step]!++;
  }
  return { disjoint: times.every((n) => n <= 1), all: times.every((n) => n >= 1) };
}

function windowKernel(request: MaxUnpool2dRequest, covers: readonly number[][]): Kernel {
  const { shape, rows, columns } = request;
  const [images, channels, height, width] = shape as readonly [number, number, number, number];
  const most = Math.max(1, ...covers.map((list) => list.length));
  const padded = covers.flatMap((list) => [...list, ...new Array(most - list.length).fill(-1)]);
  const tables = [Int32Array.from(padded), windowTable(columns)];
  const usual = usualWindow(columns);
  const { disjoint, all } = columnCover(request);
  const exclusive = most === 1 && disjoint;
  const rowBytes = width * channels * 4;
  const valueRowBytes = columns.length * channels * 4;

  const emit = (f: FunctionBuilder, io: KernelParameters, module: KernelModule): void => {
    const v = vectorCode(f);
    const [coverTable, columnTable] = emitTables(f, module, io.scratch, tables) as [Local, Local];
    const item = f.local("i32");
    const image = f.local("i32");
    const row = f.local("i32");
    const p = f.local("i32");
    const cover = f.local("i32");
    const coverEnd = f.local("i32");
    const target = f.local("i32");
    const corner = f.local("i32");
    const values = f.local("i32");
    const switches = f.local("i32");
    const cursor = f.local("i32");
    const end = f.local("i32");
    const firstColumn = f.local("i32");
    const columnCount = f.local("i32");
    const index = f.local("v128");

    /** Adds a value vector to one position of its window. */
    const emitPosition = (
      at: Local,
      element: number,
      count: number,
      isHere: () => void,
      value: Local,
    ): void => {
      const taken = v.and(isHere, value);
      const result = exclusive ? taken : v.add(() => loadLanes(f, at, element, 1, count), taken);
      storeLanes(f, at, element, 1, count, result);
    };

    const emitWindow = (isUsual: boolean): void => {
      const addresses = [corner, values, switches];
      const row4 = { length: channels, tail: channels % 4, unroll: 1, straight: 1 };
      emitRow(f, { ...row4, addresses, steps: [1, 1, 1] }, (at, [vector]) => {
        const { element, count } = vector!;
        const value = v.evaluate(() => loadLanes(f, at[1]!, element, 1, count));
        const place = v.evaluate(
          v.op("i32x4.sub", () => loadBits(f, at[2]!, element, 1, count), index),
        );
        if (isUsual) {
          for (let s = 0; s < usual.count; s++) {
            const column = s * usual.step;
            const isHere = v.op("i32x4.eq", place, v.int(column));
            emitPosition(at[0]!, element + column * channels, count, isHere, value);
          }
        } else {
          const s = f.local("i32");
          const pointer = f.local("i32");
          f.get(at[0]!).set(pointer);
          f.for(s, 0, columnCount, 1, () => {
            const isHere = v.op("i32x4.eq", place, () =>
              f.get(s).i32(usual.step).op("i32.mul").op("i32x4.splat"),
            );
            emitPosition(pointer, element, count, isHere, value);
            f.increment(pointer, usual.step * channels * 4);
          });
          f.release(s, pointer);
        }
        f.release(value, place);
      });
    };

    const clear = (): void => {
      f.get(target).i32(0).i32(rowBytes).memoryFill();
    };

    f.for(item, io.begin, io.end, 1, () => {
      f.get(item).i32(height).op("i32.div_u").set(image);
      f.get(item).i32(height).op("i32.rem_u").set(row);
      f.get(io.address[2]!).get(item).i32(rowBytes).op("i32.mul").op("i32.add").set(target);
      f.get(coverTable)
        .get(row)
        .i32(most * 4)
        .op("i32.mul")
        .op("i32.add")
        .tee(cover);
      if (exclusive && all) {
        f.memory("i32.load").i32(0).op("i32.lt_s");
        f.if(clear);
      } else {
        f.op("drop");
        clear();
      }
      f.get(cover)
        .i32(most * 4)
        .op("i32.add")
        .set(coverEnd);
      f.block((done) => {
        f.for(cover, cover, coverEnd, 4, () => {
          f.get(cover).memory("i32.load").tee(p).i32(0).op("i32.lt_s").branchIf(done);
          f.get(image).i32(rows.length).op("i32.mul").get(p).op("i32.add");
          f.i32(valueRowBytes).op("i32.mul").tee(values);
          f.get(io.address[1]!).op("i32.add").set(switches);
          f.get(values).get(io.address[0]!).op("i32.add").set(values);
          f.get(columnTable)
            .i32(columns.length * windowBytes)
            .op("i32.add")
            .set(end);
          f.for(cursor, columnTable, end, windowBytes, () => {
            f.get(cursor).memory("i32.load").set(firstColumn);
            f.get(cursor).memory("i32.load", 4).set(columnCount);
            f.get(target)
              .get(firstColumn)
              .i32(channels * 4)
              .op("i32.mul")
              .op("i32.add");
            f.set(corner);
            f.get(row).i32(width).op("i32.mul").get(firstColumn).op("i32.add");
            f.op("i32x4.splat").set(index);
            f.get(columnCount).i32(usual.count).op("i32.eq");
            f.if(
              () => emitWindow(true),
              () => emitWindow(false),
            );
            f.increment(values, channels * 4).increment(switches, channels * 4);
          });
        });
      });
    });
  };

  return {
    key: `maxUnpool2d ${JSON.stringify([shape, rows.length])} ${tables.map((t) => t.join()).join(";")}`,
    buffers: 3,
    items: images * height,
    scratchBytes: tableBytes(tables),
    flops: images * channels * rows.length * columns.length * usual.count * usualWindow(rows).count,
    emit,
  };
}

/** Channels that one item scatters where images alone are too few to deal out. */
const channelsPerBlock = 32;

function scatterKernel({ shape, rows, columns }: MaxUnpool2dRequest): Kernel {
  const [images, channels, height, width] = shape as readonly [number, number, number, number];
  const blockChannels = images >= 8 ? channels : Math.min(channels, channelsPerBlock);
  const blocks = Math.ceil(channels / blockChannels);
  const pixels = rows.length * columns.length;

  const emit = (f: FunctionBuilder, io: KernelParameters): void => {
    const item = f.local("i32");
    const image = f.local("i32");
    const start = f.local("i32");
    const width4 = f.local("i32");
    const count = f.local("i32");
    const target = f.local("i32");
    const values = f.local("i32");
    const switches = f.local("i32");
    const pixel = f.local("i32");
    const address = f.local("i32");
    const offsets = f.local("v128");
    const value = f.local("v128");
    f.for(item, io.begin, io.end, 1, () => {
      f.get(item).i32(blocks).op("i32.div_u").set(image);
      f.get(item).i32(blocks).op("i32.rem_u").i32(blockChannels).op("i32.mul").set(start);
      f.i32(blockChannels);
      f.i32(channels).get(start).op("i32.sub").tee(count);
      f.get(count).i32(blockChannels).op("i32.gt_s").op("select").set(count);
      f.get(count).i32(2).op("i32.shl").set(width4);
      const place = (base: Local, plane: number, into: Local): void => {
        f.get(image).i32(plane).op("i32.mul").get(start).op("i32.add").i32(2).op("i32.shl");
        f.get(base).op("i32.add").set(into);
      };
      place(io.address[2]!, height * width * channels, target);
      f.get(target).set(address);
      f.for(pixel, 0, height * width, 1, () => {
        f.get(address).i32(0).get(width4).memoryFill();
        f.increment(address, channels * 4);
      });
      place(io.address[0]!, pixels * channels, values);
      place(io.address[1]!, pixels * channels, switches);
      f.for(pixel, 0, pixels, 1, () => {
        const addresses = [target, values, switches];
        const tail = channels % 4;
        const length = blocks === 1 ? channels : count;
        const row = { length, tail, unroll: 1, straight: 1, addresses, steps: [1, 1, 1] };
        emitRow(f, row, (at, [vector]) => {
          const { element, count: lanes } = vector!;
          loadLanes(f, at[1]!, element, 1, lanes);
          f.set(value);
          loadBits(f, at[2]!, element, 1, lanes);
          f.get(f.constant("i32x4", channels * 4))
            .op("i32x4.mul")
            .set(offsets);
          for (let lane = 0; lane < lanes; lane++) {
            const offset = (element + lane) * 4;
            f.get(at[0]!).get(offsets).lane("i32x4.extract_lane", lane).op("i32.add");
            f.tee(address).get(address).memory("f32.load", offset);
            f.get(value).lane("f32x4.extract_lane", lane).op("f32.add");
            f.memory("f32.store", offset);
          }
        });
        f.increment(values, channels * 4).increment(switches, channels * 4);
      });
    });
  };

  return {
    key: `scatterSwitches ${JSON.stringify([shape, rows.length, columns.length])}`,
    buffers: 3,
    items: images * blocks,
    flops: images * channels * pixels,
    emit,
  };
}
