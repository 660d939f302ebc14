import type { FunctionBuilder, Local } from "../assembler.ts";
import type { Kernel } from "../kernel.ts";
import { emitTransposedSquare } from "./packing.ts";

/** Columns of the source that a work item turns into rows. */
const columnsPerItem = 16;

/** Transposes a batch of matrices: buffers [batch, rows, columns], [batch, columns, rows]. */
export function transposeKernel(batch: number, rows: number, columns: number): Kernel {
  const blocks = Math.ceil(columns / columnsPerItem);
  return {
    key: `transpose ${batch}x${rows}x${columns}`,
    buffers: 2,
    items: batch * blocks,
    emit(f, io) {
      const [source, result] = io.address as [Local, Local];
      const [item, first, count, from, to, row] = f.locals("i32", 6) as [
        Local,
        Local,
        Local,
        Local,
        Local,
        Local,
      ];
      f.for(item, io.begin, io.end, 1, () => {
        f.get(item).i32(blocks).op("i32.rem_u").i32(columnsPerItem).op("i32.mul").set(first);
        const matrix = (address: Local): void => {
          f.get(item)
            .i32(blocks)
            .op("i32.div_u")
            .i32(rows * columns * 4)
            .op("i32.mul");
          f.get(address).op("i32.add");
        };
        matrix(source);
        f.get(first).i32(2).op("i32.shl").op("i32.add").set(from);
        matrix(result);
        f.get(first)
          .i32(rows * 4)
          .op("i32.mul")
          .op("i32.add")
          .set(to);
        f.i32(columns).get(first).op("i32.sub").tee(count).i32(columnsPerItem);
        f.get(count).i32(columnsPerItem).op("i32.lt_s").op("select").set(count);
        emitStrip(f, rows, columns, { from, to, count, row });
      });
      f.release(item, first, count, from, to, row);
    },
  };
}

/** Turns `count` columns of all rows into rows; a whole strip goes by squares of four. */
function emitStrip(
  f: FunctionBuilder,
  rows: number,
  columns: number,
  { from, to, count, row }: { from: Local; to: Local; count: Local; row: Local },
): void {
  const wholeRows = rows - (rows % 4);
  const [column, at, target] = f.locals("i32", 3) as [Local, Local, Local];
  const single = (firstRow: number): void => {
    f.for(row, firstRow, rows, 1, () => {
      f.for(column, 0, count, 1, () => {
        f.get(to)
          .get(column)
          .i32(rows * 4)
          .op("i32.mul")
          .op("i32.add");
        f.get(row).i32(2).op("i32.shl").op("i32.add");
        f.get(from)
          .get(row)
          .i32(columns * 4)
          .op("i32.mul")
          .op("i32.add");
        f.get(column).i32(2).op("i32.shl").op("i32.add").memory("f32.load").memory("f32.store");
      });
    });
  };
  f.get(count).i32(columnsPerItem).op("i32.eq");
  f.if(
    () => {
      f.get(from).set(at);
      f.get(to).set(target);
      f.for(row, 0, wholeRows, 4, () => {
        for (let square = 0; square < columnsPerItem / 4; square++) {
          emitTransposedSquare(
            f,
            (line) => f.get(at).memory("v128.load", line * columns * 4 + square * 16),
            (line, push) => {
              f.get(target);
              push();
              f.memory("v128.store", (square * 4 + line) * rows * 4);
            },
          );
        }
        f.increment(at, columns * 16);
        f.increment(target, 16);
      });
      single(wholeRows);
    },
    () => single(0),
  );
  f.release(column, at, target);
}
