/**
 * Reduction across memory: the innermost axis is kept, rows are joined lane by lane.
 *
 * The accumulators lie in the thread's scratch memory, at most 1024 columns (4 KiB), so in the L1
 * cache for any number of columns. Up to eight rows are read side by side and joined pairwise in
 * registers before they meet them. Rows that follow each other in memory are taken together only up
 * to 512 bytes: one stream is prefetched best (512 columns: 20 GB/s row by row, 9 with eight rows;
 * 16 columns: 18 and 26). A work item is one block of columns of one chunk of rows; about 16384
 * elements, so that blocks of the same rows follow each other while those are in the L2 cache.
 */
import type { DType } from "../../../core/dtype.ts";
import type { FunctionBuilder, Local } from "../assembler.ts";
import type { Kernel, KernelModule, KernelParameters } from "../kernel.ts";
import { emitLocate, emitPositions, type LoopAxis, positionCount } from "../loopNest.ts";
import { evaluateProgram, type ScalarProgram } from "../scalarCode.ts";
import { emitRow, rowReader, storeLanes } from "../vectorAccess.ts";
import type { ReductionTask } from "./reduce.ts";
import { PairwiseTree, type ReductionKind, reductionKinds } from "./reduction.ts";

/** How rows and columns are cut into items. */
export interface ColumnChunks {
  readonly chunks: number;
  readonly rowsPerChunk: number;
  readonly columnsPerBlock: number;
  /** Results are partials, dense as [kept…, chunks, columns], even if there is one chunk. */
  readonly partial?: boolean;
}

const maximumColumns = 1024;
const chunkElements = 16384;
const maximumChunks = 512;

/**
 * Decides how a reduction across memory is cut, from its loops alone. Up to `rowsAtOnce` rows stay
 * together where there are results enough to deal out.
 */
export function columnChunks(
  kept: readonly LoopAxis[],
  reduced: readonly LoopAxis[],
  rowsAtOnce = 2048,
): ColumnChunks {
  const columns = kept.at(-1)?.size ?? 1;
  const columnsPerBlock = Math.min(columns, maximumColumns);
  const blocks = positionCount(kept.slice(0, -1)) * Math.ceil(columns / columnsPerBlock);
  const rows = positionCount(reduced);
  const roundUp = (count: number): number => Math.ceil(count / 8) * 8;
  const wanted = roundUp(chunkElements / columnsPerBlock);
  if (rows <= 2 * wanted || (blocks >= 16 && rows <= rowsAtOnce)) {
    return { chunks: 1, rowsPerChunk: rows, columnsPerBlock };
  }
  const rowsPerChunk = Math.max(wanted, roundUp(rows / maximumChunks));
  return { chunks: Math.ceil(rows / rowsPerChunk), rowsPerChunk, columnsPerBlock };
}

/** Loops and their cut, with the number of buffers that are read and written. */
export interface ColumnLoops {
  readonly inputs: number;
  readonly outputs: number;
  /** Steps of the inputs, then of the results. */
  readonly kept: readonly LoopAxis[];
  readonly reduced: readonly LoopAxis[];
  readonly cut: ColumnChunks;
}

/** One item: a block of columns of a chunk of rows. */
export interface ColumnItem {
  /** Address of each input at the block's first column and the result's first row. */
  readonly sources: readonly Local[];
  /** Address of each result at the block's first column. */
  readonly targets: readonly Local[];
  /** Step of the results from column to column. */
  readonly targetStep: number;
  /** Rows of the chunk, counted over all reduced loops. */
  readonly first: Local;
  readonly last: Local;
  /** Columns of the block, and what remains of them by 4. */
  readonly length: number | Local;
  readonly tail: number;
}

/** Number of items that {@link emitColumnItems} expects. */
export function columnItemCount({ kept, cut }: ColumnLoops): number {
  const blocks = Math.ceil((kept.at(-1)?.size ?? 1) / cut.columnsPerBlock);
  return positionCount(kept.slice(0, -1)) * cut.chunks * blocks;
}

/** Bytes of one array of accumulators: whole cache lines, so that tails may use whole vectors. */
export function accumulatorBytes({ cut }: ColumnLoops): number {
  return Math.ceil(cut.columnsPerBlock / 16) * 64;
}

/** Visits the items of this thread. */
export function emitColumnItems(
  f: FunctionBuilder,
  io: KernelParameters,
  loops: ColumnLoops,
  body: (item: ColumnItem) => void,
): void {
  const { inputs, outputs, kept, reduced, cut } = loops;
  const { chunks, rowsPerChunk, columnsPerBlock } = cut;
  const columns = columnLoop(loops);
  const partial = cut.partial === true || chunks > 1;
  const blocks = Math.ceil(columns.size / columnsPerBlock);
  const rows = positionCount(reduced);
  const item = f.local("i32");
  const rest = f.local("i32");
  const block = f.local("i32");
  const chunk = f.local("i32");
  const first = f.local("i32");
  const last = f.local("i32");
  const width = f.local("i32");
  const sources = f.locals("i32", inputs);
  const targets = f.locals("i32", outputs);
  const results = io.address.slice(inputs);
  const outer = kept.slice(0, -1).map(({ size, steps }) => ({
    size,
    steps: [
      ...steps.slice(0, inputs),
      ...new Array<number>(outputs).fill(partial ? 0 : steps[inputs]!),
    ],
  }));
  const targetStep = partial ? 1 : columns.steps[inputs]!;

  f.for(item, io.begin, io.end, 1, () => {
    f.get(item).set(rest);
    f.i32(0).set(block).i32(0).set(chunk);
    if (blocks > 1) {
      f.get(rest).i32(blocks).op("i32.rem_u").set(block);
      f.get(rest).i32(blocks).op("i32.div_u").set(rest);
    }
    if (partial) {
      // `rest` counts results and chunks together, and so the rows of the partials.
      for (const [k, target] of targets.entries()) {
        f.get(results[k]!)
          .get(rest)
          .i32(columns.size * 4)
          .op("i32.mul")
          .op("i32.add");
        f.set(target);
      }
    }
    if (chunks > 1) {
      f.get(rest).i32(chunks).op("i32.rem_u").set(chunk);
      f.get(rest).i32(chunks).op("i32.div_u").set(rest);
    }
    const bases = [...io.address.slice(0, inputs), ...(partial ? targets : results)];
    const coordinate = emitLocate(f, outer, rest, bases, [...sources, ...targets]);
    if (coordinate !== undefined) f.release(coordinate);
    if (blocks > 1) {
      const steps = [...columns.steps.slice(0, inputs), ...targets.map(() => targetStep)];
      for (const [i, address] of [...sources, ...targets].entries()) {
        f.get(address)
          .get(block)
          .i32(columnsPerBlock * 4 * steps[i]!);
        f.op("i32.mul").op("i32.add").set(address);
      }
      f.i32(columnsPerBlock);
      f.i32(columns.size).get(block).i32(columnsPerBlock).op("i32.mul").op("i32.sub").tee(width);
      f.get(width).i32(columnsPerBlock).op("i32.gt_s").op("select").set(width);
    }
    f.get(chunk).i32(rowsPerChunk).op("i32.mul").tee(first);
    f.i32(rowsPerChunk).op("i32.add").set(last);
    f.i32(rows).get(last).get(last).i32(rows).op("i32.gt_s").op("select").set(last);
    const length = blocks === 1 ? columns.size : width;
    body({ sources, targets, targetStep, first, last, length, tail: columns.size % 4 });
  });
}

/** The loop over columns; a single one if there is none. */
export function columnLoop({ kept, inputs }: ColumnLoops): LoopAxis {
  return kept.at(-1) ?? { size: 1, steps: new Array<number>(inputs + 1).fill(0) };
}

/** What a pass reads per element: steps along the rows are in `rows`, along the columns in `columnSteps`. */
export interface ColumnPass {
  readonly kind: ReductionKind;
  readonly program: ScalarProgram;
  readonly dtypes: readonly DType[];
  readonly addresses: readonly Local[];
  readonly columnSteps: readonly number[];
  readonly rows: readonly LoopAxis[];
  /** Address of an array per output of the program, one element per column. */
  readonly accumulators: readonly Local[];
  /** The rows were read just before, so they need not come as one stream. */
  readonly cached?: boolean;
}

/** Bytes of neighbouring rows that are read side by side. */
const sideBySideBytes = 512;

/** Rows that are joined in registers: a power of two, at most 8. */
function rowsTogether(
  program: ScalarProgram,
  length: number | Local,
  columnSteps: readonly number[],
  rowSteps: readonly number[],
  cached: boolean,
): number {
  const most = program.cost <= 6 ? 8 : program.cost <= 20 ? 4 : 2;
  if (typeof length !== "number") return most;
  const adjoin = !cached && columnSteps.some((step, i) => step === 1 && rowSteps[i] === length);
  if (!adjoin) return most;
  const fitting = 2 ** Math.floor(Math.log2(sideBySideBytes / (length * 4)));
  return Math.min(most, Math.max(1, fitting));
}

/** Sets the accumulators to the reduction of all rows of an item. */
export function emitColumnPass(
  f: FunctionBuilder,
  module: KernelModule,
  { first, last, length, tail }: ColumnItem,
  pass: ColumnPass,
): void {
  const { kind, program, dtypes, columnSteps, rows, accumulators } = pass;
  const { identity, instruction } = reductionKinds[kind];
  const rowSteps = rows.at(-1)?.steps ?? columnSteps.map(() => 0);
  const together = rowsTogether(program, length, columnSteps, rowSteps, pass.cached ?? false);
  const accumulatorSteps = accumulators.map(() => 1);

  /** Joins `count` rows, which follow at `rowSteps`, with the accumulators. */
  const emitRows = (addresses: readonly Local[], count: number): void => {
    const row = {
      length,
      tail,
      unroll: Math.max(1, 4 / together),
      straight: program.cost <= 2 ? 4 : 1,
      addresses: [...addresses, ...accumulators],
      steps: [...columnSteps, ...accumulatorSteps],
    };
    const single = count === 1 ? rowReader(f, dtypes, columnSteps, addresses) : undefined;
    emitRow(f, row, (at, vectors) => {
      const reader = single ?? rowReader(f, dtypes, columnSteps, at);
      const joined = vectors.map((vector) => {
        // What does not change from row to row is read once for all of them.
        const still = new Map<number, Local>();
        for (const i of dtypes.keys()) {
          if (count === 1 || rowSteps[i] !== 0 || columnSteps[i] === 0) continue;
          const local = f.local("v128");
          reader.load(i, at, vector);
          f.set(local);
          still.set(i, local);
        }
        const trees = accumulators.map(() => new PairwiseTree(f, kind));
        for (let r = 0; r < count; r++) {
          const evaluation = evaluateProgram(f, module, program, (i) => {
            const local = still.get(i);
            if (local !== undefined) f.get(local);
            else reader.load(i, at, vector, r * rowSteps[i]!);
          });
          for (const [k, tree] of trees.entries()) {
            evaluation.push(k);
            tree.add();
          }
        }
        f.release(...still.values());
        return trees.map((tree, k) => {
          const value = f.local("v128");
          f.get(at[dtypes.length + k]!).memory("v128.load", vector.element * 4);
          tree.push();
          f.op(instruction).set(value);
          return value;
        });
      });
      for (const k of accumulators.keys()) {
        for (const [i, { element }] of vectors.entries()) {
          f.get(at[dtypes.length + k]!).get(joined[i]![k]!);
          f.memory("v128.store", element * 4);
        }
      }
      f.release(...joined.flat());
      if (single === undefined) reader.release();
    });
    single?.release();
  };

  const cleared = { length, tail, unroll: 1, straight: 4 };
  emitRow(f, { ...cleared, addresses: accumulators, steps: accumulatorSteps }, (at, [vector]) => {
    for (const address of at) {
      f.get(address).get(f.constant("f32x4", identity));
      f.memory("v128.store", vector!.element * 4);
    }
  });
  emitPositions(f, rows, first, last, pass.addresses, (at) => emitRows(at, 1), {
    group: together,
    body: (at) => emitRows(at, together),
  });
}

/** Stores the outputs of `program`, whose inputs are the accumulators, as an item's results. */
export function emitColumnStore(
  f: FunctionBuilder,
  module: KernelModule,
  item: ColumnItem,
  program: ScalarProgram,
  accumulators: readonly Local[],
  load: (index: number, at: readonly Local[], element: number) => void = (k, at, element) => {
    f.get(at[k]!).memory("v128.load", element * 4);
  },
): void {
  const { length, tail, targets, targetStep } = item;
  const steps = [...accumulators.map(() => 1), ...targets.map(() => targetStep)];
  const addresses = [...accumulators, ...targets];
  emitRow(f, { length, tail, unroll: 1, straight: 1, addresses, steps }, (at, [vector]) => {
    const { element, count } = vector!;
    const evaluation = evaluateProgram(f, module, program, (k) => load(k, at, element));
    for (const k of targets.keys()) {
      const value = (): void => evaluation.push(k);
      const target = at[accumulators.length + k]!;
      storeLanes(f, target, element * targetStep, targetStep, count, value);
    }
  });
}

/** Locals with the addresses of `count` arrays of accumulators in the scratch memory. */
export function accumulatorArrays(
  f: FunctionBuilder,
  io: KernelParameters,
  loops: ColumnLoops,
  count: number,
): Local[] {
  return Array.from({ length: count }, (_, k) => {
    const address = f.local("i32");
    f.get(io.scratch)
      .i32(k * accumulatorBytes(loops))
      .op("i32.add")
      .set(address);
    return address;
  });
}

/** The kernel; with several chunks, or `partial` set, its results are partials. */
export function reduceColumnsKernel(
  task: ReductionTask,
  outputs: number,
  cut: ColumnChunks,
): Kernel {
  const { kind, program, finish, dtypes, kept, reduced } = task;
  const inputs = dtypes.length;
  const loops: ColumnLoops = { inputs, outputs, kept, reduced, cut };
  const columnSteps = columnLoop(loops).steps.slice(0, inputs);

  return {
    key: `reduceColumns ${kind} ${program.key} ${finish.key} ${JSON.stringify([kept, reduced, dtypes, cut, outputs])}`,
    buffers: inputs + outputs,
    items: columnItemCount(loops),
    scratchBytes: accumulatorBytes(loops) * outputs,
    flops: (program.cost + outputs) * positionCount(kept) * positionCount(reduced),
    emit(f, io, module) {
      const accumulators = accumulatorArrays(f, io, loops, outputs);
      emitColumnItems(f, io, loops, (item) => {
        const addresses = item.sources;
        const rows = reduced;
        const pass = { kind, program, dtypes, addresses, columnSteps, rows, accumulators };
        emitColumnPass(f, module, item, pass);
        emitColumnStore(f, module, item, finish, accumulators);
      });
    },
  };
}
