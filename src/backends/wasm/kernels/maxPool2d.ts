/**
 * Max pooling over windows that are given per axis, with the place of each maximum.
 *
 * A work item is one row of the output of one image; lanes are channels. Windows of the usual size
 * are unrolled (2x2, 3x3, up to 16 positions): per position one load, a comparison, two selections
 * and an addition whose sum is NaN only if a position is (or infinities of both signs meet); then
 * the vector goes once more through the general loop, which minds NaN. Windows that the border
 * clips and large ones always take that loop.
 */
import type { Shape } from "../../../core/shape.ts";
import type { FunctionBuilder, Local } from "../assembler.ts";
import type { Kernel, KernelModule, KernelParameters } from "../kernel.ts";
import { type KernelPlan, singleCall } from "../kernelPlan.ts";
import { emitRow, loadBits, loadLanes, type RowVector, storeLanes } from "../vectorAccess.ts";
import { laneSelect, vectorCode } from "../vectorCode.ts";
import {
  type AxisWindow,
  emitTables,
  tableBytes,
  usualWindow,
  windowBytes,
  windowTable,
} from "./constantTable.ts";

export interface MaxPool2dRequest {
  /** `[N, C, H, W]` of the input. */
  readonly shape: Shape;
  /** Rows and columns of the input that each row and column of the output covers. */
  readonly rows: readonly AxisWindow[];
  readonly columns: readonly AxisWindow[];
  /** Whether `output1`, the switches, is wanted. */
  readonly switches: boolean;
}

/**
 * `input0` [N, C, H, W] → `output0` [N, C, P, Q], the largest element of each window, and `output1`
 * (int32), its index row · W + column in the input plane. The first of equals wins; NaN wins always,
 * the last of several, as in PyTorch.
 */
export function planMaxPool2d(request: MaxPool2dRequest): KernelPlan {
  return singleCall(maxPool2dKernel(request), 1, request.switches ? 2 : 1);
}

const unrolledPositions = 16;

function maxPool2dKernel({ shape, rows, columns, switches }: MaxPool2dRequest): Kernel {
  const [images, channels, height, width] = shape as readonly [number, number, number, number];
  const tables = [windowTable(rows), windowTable(columns)];
  const tall = usualWindow(rows);
  const wide = usualWindow(columns);
  const positions = tall.count * wide.count;

  const emit = (f: FunctionBuilder, io: KernelParameters, module: KernelModule): void => {
    const v = vectorCode(f);
    const select = laneSelect(module.features);
    const [rowTable, columnTable] = emitTables(f, module, io.scratch, tables) as [Local, Local];
    const item = f.local("i32");
    const row = f.local("i32");
    const image = f.local("i32");
    const firstRow = f.local("i32");
    const rowCount = f.local("i32");
    const rowStep = f.local("i32");
    const firstColumn = f.local("i32");
    const columnCount = f.local("i32");
    const columnStep = f.local("i32");
    const source = f.local("i32");
    const corner = f.local("i32");
    const target = f.local("i32");
    const places = f.local("i32");
    const cursor = f.local("i32");
    const end = f.local("i32");
    const best = f.local("v128");
    const place = f.local("v128");
    const value = f.local("v128");
    const first = f.local("v128");

    /** Any window, position by position. */
    const emitGeneral = (at: readonly Local[], { element, count }: RowVector): void => {
      const r = f.local("i32");
      const s = f.local("i32");
      const line = f.local("i32");
      const pointer = f.local("i32");
      const lineIndex = f.local("i32");
      const index = f.local("i32");
      v.push(-Infinity);
      f.set(best).get(f.constant("i32x4", 0)).set(place);
      f.get(at[0]!).set(line).i32(0).set(lineIndex);
      f.for(r, 0, rowCount, 1, () => {
        f.get(line).set(pointer).get(lineIndex).set(index);
        f.for(s, 0, columnCount, 1, () => {
          loadLanes(f, pointer, element, 1, count);
          f.set(value);
          const isBetter = v.evaluate(
            v.or(v.op("f32x4.gt", value, best), v.op("f32x4.ne", value, value)),
          );
          f.get(value).get(best).get(isBetter).op(select).set(best);
          if (switches) {
            f.get(index).op("i32x4.splat").get(place).get(isBetter).op(select).set(place);
          }
          f.release(isBetter);
          f.get(pointer)
            .get(columnStep)
            .i32(channels * 4)
            .op("i32.mul")
            .op("i32.add");
          f.set(pointer).increment(index, columnStep);
        });
        f.get(line)
          .get(rowStep)
          .i32(width * channels * 4)
          .op("i32.mul")
          .op("i32.add")
          .set(line);
        f.get(lineIndex).get(rowStep).i32(width).op("i32.mul").op("i32.add").set(lineIndex);
      });
      f.release(r, s, line, pointer, lineIndex, index);
    };

    /** The largest values and their places, stored as the results of some vectors. */
    const emitStores = (
      at: readonly Local[],
      vectors: readonly RowVector[],
      results: readonly { readonly best: Local; readonly place: Local }[],
    ): void => {
      for (const [i, { element, count }] of vectors.entries()) {
        storeLanes(f, at[1]!, element, 1, count, () => v.push(results[i]!.best));
      }
      if (!switches) return;
      for (const [i, { element, count }] of vectors.entries()) {
        const index = v.op("i32x4.add", results[i]!.place, first);
        storeLanes(f, at[2]!, element, 1, count, index);
      }
    };

    const emitGeneralVectors = (at: readonly Local[], vectors: readonly RowVector[]): void => {
      for (const vector of vectors) {
        emitGeneral(at, vector);
        emitStores(at, [vector], [{ best, place }]);
      }
    };

    /** Windows of the usual size. */
    const emitUsualVectors = (at: readonly Local[], vectors: readonly RowVector[]): void => {
      const results = vectors.map(({ element, count }) => {
        const [largest, where, sum] = f.locals("v128", 3) as [Local, Local, Local];
        for (let r = 0; r < tall.count; r++) {
          for (let s = 0; s < wide.count; s++) {
            const index = r * tall.step * width + s * wide.step;
            loadLanes(f, at[0]!, element + index * channels, 1, count);
            if (index === 0) {
              f.tee(largest).set(sum);
              if (switches) f.get(f.constant("i32x4", 0)).set(where);
              continue;
            }
            f.set(value);
            if (switches) {
              f.get(f.constant("i32x4", index)).get(where);
              f.get(value).get(largest).op("f32x4.gt").op(select).set(where);
            }
            f.get(largest).get(value).op("f32x4.pmax").set(largest);
            f.get(sum).get(value).op("f32x4.add").set(sum);
          }
        }
        return { best: largest, place: where, sum };
      });
      for (const [i, { sum }] of results.entries()) {
        f.get(sum).get(sum).op("f32x4.ne");
        if (i > 0) f.op("v128.or");
      }
      f.op("v128.any_true");
      f.if(
        () => emitGeneralVectors(at, vectors),
        () => emitStores(at, vectors, results),
      );
      for (const { best: largest, place: where, sum } of results) f.release(largest, where, sum);
    };

    const emitChannels = (
      unroll: number,
      body: (at: readonly Local[], vectors: readonly RowVector[]) => void,
    ): void => {
      const addresses = switches ? [corner, target, places] : [corner, target];
      const steps = addresses.map(() => 1);
      const all = { length: channels, tail: channels % 4, unroll, straight: 1 };
      emitRow(f, { ...all, addresses, steps }, body);
    };

    f.for(item, io.begin, io.end, 1, () => {
      f.get(item).i32(rows.length).op("i32.div_u").set(image);
      f.get(item).i32(rows.length).op("i32.rem_u").set(row);
      f.get(rowTable).get(row).i32(windowBytes).op("i32.mul").op("i32.add").set(cursor);
      f.get(cursor).memory("i32.load").set(firstRow);
      f.get(cursor).memory("i32.load", 4).set(rowCount);
      f.get(cursor).memory("i32.load", 8).set(rowStep);
      f.get(image).i32(height).op("i32.mul").get(firstRow).op("i32.add");
      f.i32(width * channels * 4)
        .op("i32.mul")
        .get(io.address[0]!)
        .op("i32.add")
        .set(source);
      const rowBytes = columns.length * channels * 4;
      f.get(io.address[1]!).get(item).i32(rowBytes).op("i32.mul").op("i32.add").set(target);
      if (switches) {
        f.get(io.address[2]!).get(item).i32(rowBytes).op("i32.mul").op("i32.add").set(places);
      }
      f.get(columnTable)
        .i32(columns.length * windowBytes)
        .op("i32.add")
        .set(end);
      f.for(cursor, columnTable, end, windowBytes, () => {
        f.get(cursor).memory("i32.load").set(firstColumn);
        f.get(cursor).memory("i32.load", 4).set(columnCount);
        f.get(cursor).memory("i32.load", 8).set(columnStep);
        f.get(source)
          .get(firstColumn)
          .i32(channels * 4)
          .op("i32.mul")
          .op("i32.add")
          .set(corner);
        f.get(firstRow).i32(width).op("i32.mul").get(firstColumn).op("i32.add");
        f.op("i32x4.splat").set(first);
        if (positions > unrolledPositions) {
          emitChannels(1, emitGeneralVectors);
        } else {
          f.get(rowCount).i32(tall.count).op("i32.eq");
          f.get(columnCount).i32(wide.count).op("i32.eq").op("i32.and");
          // Steps may differ from window to window too, though they hardly ever do.
          f.get(rowStep).i32(tall.step).op("i32.eq").op("i32.and");
          f.get(columnStep).i32(wide.step).op("i32.eq").op("i32.and");
          f.if(
            () => emitChannels(2, emitUsualVectors),
            () => emitChannels(1, emitGeneralVectors),
          );
        }
        f.increment(target, channels * 4);
        if (switches) f.increment(places, channels * 4);
      });
    });
  };

  return {
    key: `maxPool2d ${JSON.stringify([shape, switches])} ${tables.map((t) => t.join()).join(";")}`,
    buffers: switches ? 3 : 2,
    items: images * rows.length,
    scratchBytes: tableBytes(tables),
    flops: images * channels * rows.length * columns.length * positions,
    emit,
  };
}

/**
 * `input0` [N, C, H, W] read at the places `input1` (int32, [N, C, P, Q]) points to:
 * `output0[n, c, p, q] = input0[n, c, switch]`.
 */
export function planGatherSwitches(shape: Shape, switches: Shape): KernelPlan {
  const [images, channels, height, width] = shape as readonly [number, number, number, number];
  const pixels = switches[2]! * switches[3]!;
  const kernel: Kernel = {
    key: `gatherSwitches ${JSON.stringify([shape, switches])}`,
    buffers: 3,
    items: images * switches[2]!,
    emit(f, io) {
      const plane = f.local("i32");
      const cursor = f.local("i32");
      const target = f.local("i32");
      const item = f.local("i32");
      const column = f.local("i32");
      const offsets = f.local("v128");
      const value = f.local("v128");
      const rowBytes = switches[3]! * channels * 4;
      f.for(item, io.begin, io.end, 1, () => {
        f.get(item).i32(switches[2]!).op("i32.div_u");
        f.i32(height * width * channels * 4).op("i32.mul");
        f.get(io.address[0]!).op("i32.add").set(plane);
        f.get(io.address[1]!).get(item).i32(rowBytes).op("i32.mul").op("i32.add").set(cursor);
        f.get(io.address[2]!).get(item).i32(rowBytes).op("i32.mul").op("i32.add").set(target);
        f.for(column, 0, switches[3]!, 1, () => {
          const addresses = [plane, cursor, target];
          const row = { length: channels, tail: channels % 4, unroll: 1, straight: 1 };
          emitRow(f, { ...row, addresses, steps: [1, 1, 1] }, (at, [vector]) => {
            const { element, count } = vector!;
            loadBits(f, at[1]!, element, 1, count);
            f.get(f.constant("i32x4", channels * 4))
              .op("i32x4.mul")
              .set(offsets);
            for (let lane = 0; lane < count; lane++) {
              f.get(at[0]!).get(offsets).lane("i32x4.extract_lane", lane).op("i32.add");
              const offset = (element + lane) * 4;
              if (lane === 0) f.memory("v128.load32_zero", offset);
              else f.get(value).memoryLane("v128.load32_lane", lane, offset);
              f.set(value);
            }
            storeLanes(f, at[2]!, element, 1, count, () => f.get(value));
          });
          f.increment(cursor, channels * 4).increment(target, channels * 4);
        });
      });
    },
    flops: images * channels * pixels,
  };
  return singleCall(kernel, 2, 1);
}
