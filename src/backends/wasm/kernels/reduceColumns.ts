/**
 * Reduction across memory: the innermost axis is kept, rows are joined lane by lane.
 *
 * Eight rows are read side by side and joined pairwise in registers before they meet the
 * accumulators, which lie in the thread's scratch memory (at most 1024 columns, 4 KiB, so in the L1
 * cache for any number of columns): per vector of input one load and one addition, and one store
 * for eight of them. A work item is one block of columns of one chunk of rows; about 16384 elements,
 * so that blocks of the same rows follow each other while those are in the L2 cache.
 */
import type { FunctionBuilder, Local } from "../assembler.ts";
import type { Kernel, KernelModule, KernelParameters } from "../kernel.ts";
import { emitLocate, emitPositions, type LoopAxis, positionCount } from "../loopNest.ts";
import { evaluateProgram } from "../scalarCode.ts";
import { emitRow, rowReader, storeLanes } from "../vectorAccess.ts";
import type { ReductionTask } from "./reduce.ts";
import { PairwiseTree, reductionKinds } from "./reduction.ts";

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

/** Decides how a reduction across memory is cut, from its loops alone. */
export function columnChunks(
  kept: readonly LoopAxis[],
  reduced: readonly LoopAxis[],
): ColumnChunks {
  const columns = kept.at(-1)?.size ?? 1;
  const columnsPerBlock = Math.min(columns, maximumColumns);
  const blocks = positionCount(kept.slice(0, -1)) * Math.ceil(columns / columnsPerBlock);
  const rows = positionCount(reduced);
  const roundUp = (count: number): number => Math.ceil(count / 8) * 8;
  const wanted = roundUp(chunkElements / columnsPerBlock);
  if (rows <= 2 * wanted || (blocks >= 16 && rows <= 2048)) {
    return { chunks: 1, rowsPerChunk: rows, columnsPerBlock };
  }
  const rowsPerChunk = Math.max(wanted, roundUp(rows / maximumChunks));
  return { chunks: Math.ceil(rows / rowsPerChunk), rowsPerChunk, columnsPerBlock };
}

/** The kernel; with several chunks, or `partial` set, its results are partials. */
export function reduceColumnsKernel(
  task: ReductionTask,
  outputs: number,
  cut: ColumnChunks,
): Kernel {
  const { kind, program, finish, dtypes, kept, reduced } = task;
  const { identity, instruction } = reductionKinds[kind];
  const inputs = dtypes.length;
  const outer = kept.slice(0, -1);
  const columns = kept.at(-1) ?? { size: 1, steps: new Array<number>(inputs + 1).fill(0) };
  const rows = positionCount(reduced);
  const { chunks, rowsPerChunk, columnsPerBlock } = cut;
  const partial = cut.partial === true || chunks > 1;
  const blocks = Math.ceil(columns.size / columnsPerBlock);
  const accumulatorBytes = Math.ceil(columnsPerBlock / 16) * 64;
  const together = program.cost <= 6 ? 8 : program.cost <= 20 ? 4 : 2;
  const columnSteps = columns.steps.slice(0, inputs);
  const accumulatorSteps = new Array<number>(outputs).fill(1);
  const rowSteps = reduced.at(-1)?.steps ?? new Array<number>(inputs).fill(0);

  const emit = (f: FunctionBuilder, io: KernelParameters, module: KernelModule): void => {
    const accumulators = Array.from({ length: outputs }, (_, k) => {
      const address = f.local("i32");
      f.get(io.scratch)
        .i32(k * accumulatorBytes)
        .op("i32.add")
        .set(address);
      return address;
    });
    const width = f.local("i32");
    const length = blocks === 1 ? columns.size : width;
    const tail = columns.size % 4;

    /** Joins `count` rows, which follow at `rowSteps`, with the accumulators. */
    const emitRows = (addresses: readonly Local[], count: number): void => {
      const row = {
        length,
        tail,
        unroll: 1,
        straight: program.cost <= 2 ? 4 : 1,
        addresses: [...addresses, ...accumulators],
        steps: [...columnSteps, ...accumulatorSteps],
      };
      const single = count === 1 ? rowReader(f, dtypes, columnSteps, addresses) : undefined;
      emitRow(f, row, (at, [vector]) => {
        // What does not change from row to row is read once for all of them.
        const still = new Map<number, Local>();
        const reader = single ?? rowReader(f, dtypes, columnSteps, at, still);
        if (count > 1) {
          for (const i of dtypes.keys()) {
            if (rowSteps[i] !== 0 || columnSteps[i] === 0) continue;
            const local = f.local("v128");
            reader.load(i, at, vector!);
            f.set(local);
            still.set(i, local);
          }
        }
        const trees = Array.from({ length: outputs }, () => new PairwiseTree(f, kind));
        for (let r = 0; r < count; r++) {
          const evaluation = evaluateProgram(f, module, program, (i) => {
            const local = still.get(i);
            if (local !== undefined) f.get(local);
            else reader.load(i, at, vector!, r * rowSteps[i]!);
          });
          for (const [k, tree] of trees.entries()) {
            evaluation.push(k);
            tree.add();
          }
        }
        for (const [k, tree] of trees.entries()) {
          const address = at[inputs + k]!;
          const element = vector!.element;
          // The accumulators are padded to whole vectors, so a tail may use all four lanes.
          f.get(address)
            .get(address)
            .memory("v128.load", element * 4);
          tree.push();
          f.op(instruction).memory("v128.store", element * 4);
        }
        f.release(...still.values());
        if (single === undefined) reader.release();
      });
      single?.release();
    };

    const item = f.local("i32");
    const rest = f.local("i32");
    const block = f.local("i32");
    const chunk = f.local("i32");
    const first = f.local("i32");
    const last = f.local("i32");
    const cursor = f.local("i32");
    const located = f.locals("i32", inputs);
    const targets = f.locals("i32", outputs);
    const results = io.address.slice(inputs);
    const loops = outer.map(({ size, steps }) => ({
      size,
      steps: [
        ...steps.slice(0, inputs),
        ...new Array<number>(outputs).fill(partial ? 0 : steps[inputs]!),
      ],
    }));
    const resultStep = partial ? 1 : columns.steps[inputs]!;

    f.for(item, io.begin, io.end, 1, () => {
      f.get(item).set(rest);
      f.i32(0).set(block).i32(0).set(chunk);
      if (blocks > 1) {
        f.get(rest).i32(blocks).op("i32.rem_u").set(block);
        f.get(rest).i32(blocks).op("i32.div_u").set(rest);
      }
      const row = rest;
      if (partial) {
        // Number of the row of partials: results and chunks together.
        for (const [k, target] of targets.entries()) {
          f.get(results[k]!)
            .get(row)
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
      const coordinate = emitLocate(
        f,
        loops,
        rest,
        [...io.address.slice(0, inputs), ...(partial ? targets : results)],
        [...located, ...targets],
      );
      if (coordinate !== undefined) f.release(coordinate);
      if (blocks > 1) {
        const steps = [...columnSteps, ...new Array<number>(outputs).fill(resultStep)];
        for (const [i, address] of [...located, ...targets].entries()) {
          f.get(address)
            .get(block)
            .i32(columnsPerBlock * 4 * steps[i]!);
          f.op("i32.mul").op("i32.add").set(address);
        }
        f.i32(columnsPerBlock);
        f.i32(columns.size).get(block).i32(columnsPerBlock).op("i32.mul").op("i32.sub").tee(width);
        f.get(width).i32(columnsPerBlock).op("i32.gt_s").op("select").set(width);
      }

      f.for(cursor, 0, accumulatorBytes, 16, () => {
        for (const address of accumulators) {
          f.get(address).get(cursor).op("i32.add");
          f.get(f.constant("f32x4", identity)).memory("v128.store");
        }
      });

      f.get(chunk).i32(rowsPerChunk).op("i32.mul").tee(first);
      f.i32(rowsPerChunk).op("i32.add").set(last);
      f.i32(rows).get(last).get(last).i32(rows).op("i32.gt_s").op("select").set(last);
      emitPositions(f, reduced, first, last, located, (at) => emitRows(at, 1), {
        group: together,
        body: (at) => emitRows(at, together),
      });

      const steps = [...accumulatorSteps, ...new Array<number>(outputs).fill(resultStep)];
      const addresses = [...accumulators, ...targets];
      emitRow(f, { length, tail, unroll: 1, straight: 1, addresses, steps }, (at, [vector]) => {
        const { element, count } = vector!;
        const evaluation = evaluateProgram(f, module, finish, (k) => {
          f.get(at[k]!).memory("v128.load", element * 4);
        });
        for (let k = 0; k < outputs; k++) {
          const value = (): void => evaluation.push(k);
          storeLanes(f, at[outputs + k]!, element * resultStep, resultStep, count, value);
        }
      });
    });
  };

  return {
    key: `reduceColumns ${kind} ${program.key} ${finish.key} ${JSON.stringify([kept, reduced, dtypes, cut, outputs])}`,
    buffers: inputs + outputs,
    items: positionCount(outer) * chunks * blocks,
    scratchBytes: accumulatorBytes * outputs,
    flops: (program.cost + outputs) * positionCount(kept) * rows,
    emit,
  };
}
