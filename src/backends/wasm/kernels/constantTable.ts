/** Pooling windows as numbers in memory, from where kernels read them. */
import type { FunctionBuilder, Local } from "../assembler.ts";
import type { KernelModule } from "../kernel.ts";

/** Positions `start`, `start + step`, … of an axis, `count` of them, all inside the input. */
export interface AxisWindow {
  readonly start: number;
  readonly count: number;
  readonly step: number;
}

/** Bytes of one window in a table: start, count, step as int32. */
export const windowBytes = 12;

/** Windows as a table of int32. */
export function windowTable(windows: readonly AxisWindow[]): Int32Array {
  return Int32Array.from(windows.flatMap(({ start, count, step }) => [start, count, step]));
}

/** The most frequent form of windows, for which code is unrolled. */
export interface UsualWindow {
  readonly count: number;
  readonly step: number;
}

/** Count and step of the longest windows; the steps of single positions do not matter. */
export function usualWindow(windows: readonly AxisWindow[]): UsualWindow {
  let usual: UsualWindow = { count: 1, step: 1 };
  for (const { count, step } of windows) if (count > usual.count) usual = { count, step };
  return usual;
}

/** Bytes of tables joined, rounded up to a cache line. */
export function tableBytes(tables: readonly Int32Array[]): number {
  const words = tables.reduce((sum, table) => sum + table.length, 0);
  return Math.ceil((words * 4) / 64) * 64;
}

/**
 * Copies tables, one behind the other, to the thread's scratch memory, and returns a local with the
 * address of each.
 */
export function emitTables(
  f: FunctionBuilder,
  module: KernelModule,
  scratch: Local,
  tables: readonly Int32Array[],
): Local[] {
  const words = tables.reduce((sum, table) => sum + table.length, 0);
  const all = new Int32Array(words);
  let offset = 0;
  const addresses = tables.map((table) => {
    all.set(table, offset);
    const address = f.local("i32");
    f.get(scratch)
      .i32(offset * 4)
      .op("i32.add")
      .set(address);
    offset += table.length;
    return address;
  });
  const segment = module.builder.data(new Uint8Array(all.buffer));
  f.get(scratch)
    .i32(0)
    .i32(words * 4)
    .memoryInit(segment);
  return addresses;
}
