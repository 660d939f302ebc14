/**
 * Reduction along memory: the innermost axis is reduced, each result is one walk.
 *
 * Up to eight vectors are accumulated side by side, which hides the latency of the addition and
 * makes a sum of n elements one of 32 short sums; they are joined pairwise, then their lanes. A
 * work item is a group of whole results, or where those are too few or too long one chunk of about
 * 16384 elements (64 KiB) of one result.
 */
import type { DType } from "../../../core/dtype.ts";
import type { FunctionBuilder, Local } from "../assembler.ts";
import type { Kernel, KernelModule, KernelParameters } from "../kernel.ts";
import { emitLocate, emitPositions, type LoopAxis, positionCount } from "../loopNest.ts";
import { evaluateProgram, type ScalarProgram } from "../scalarCode.ts";
import { emitRow, type RowVector, rowReader, storeLanes } from "../vectorAccess.ts";
import type { ReductionTask } from "./reduce.ts";
import { joinLanes, PairwiseTree, type ReductionKind, reductionKinds } from "./reduction.ts";

/** How the elements of one result are cut: a number of outer rows, or of elements of the only row. */
export interface RowChunks {
  readonly chunks: number;
  /** Positions of the outer reduced loops in a chunk; 0 if the inner loop is cut. */
  readonly rows: number;
  /** Elements of the inner loop in a chunk. */
  readonly elements: number;
}

const chunkElements = 16384;

/** Decides how a reduction along memory is cut, from its loops alone. */
export function rowChunks(kept: readonly LoopAxis[], reduced: readonly LoopAxis[]): RowChunks {
  const results = positionCount(kept);
  const outer = positionCount(reduced.slice(0, -1));
  const inner = reduced.at(-1)?.size ?? 1;
  const each = outer * inner;
  const enough = results >= 16 || results * each <= 2 * chunkElements;
  const whole = { chunks: 1, rows: outer, elements: inner };
  if (enough && each <= 4 * chunkElements) return whole;
  if (outer === 1) {
    const chunks = Math.ceil(inner / chunkElements);
    return chunks === 1 ? whole : { chunks, rows: 0, elements: chunkElements };
  }
  const rows = Math.max(1, Math.round(chunkElements / inner));
  const chunks = Math.ceil(outer / rows);
  return chunks === 1 ? whole : { chunks, rows, elements: inner };
}

/** Loops and their cut, with the number of buffers that are read and written. */
export interface RowLoops {
  readonly inputs: number;
  readonly outputs: number;
  /** Steps of the inputs, then of the results. */
  readonly kept: readonly LoopAxis[];
  readonly reduced: readonly LoopAxis[];
  readonly cut: RowChunks;
}

/** One result, or one chunk of one. */
export interface RowItem {
  /** Address of each input at the first element of the innermost loop. */
  readonly sources: readonly Local[];
  /** Address of each result. */
  readonly targets: readonly Local[];
  /** Positions of the outer reduced loops; none if those are one position. */
  readonly first: Local;
  readonly last: Local;
  /** Elements along the innermost loop. */
  readonly length: number | Local;
}

function innerLoop({ reduced, inputs }: RowLoops): LoopAxis {
  return reduced.at(-1) ?? { size: 1, steps: new Array<number>(inputs).fill(0) };
}

function resultsPerItem({ reduced }: RowLoops): number {
  return Math.max(1, Math.floor(8192 / positionCount(reduced)));
}

/** Number of items that {@link emitRowItems} expects. */
export function rowItemCount(loops: RowLoops): number {
  const results = positionCount(loops.kept);
  if (loops.cut.chunks > 1) return results * loops.cut.chunks;
  return Math.ceil(results / resultsPerItem(loops));
}

/** Visits the results, or with more than one chunk the partials, of this thread. */
export function emitRowItems(
  f: FunctionBuilder,
  io: KernelParameters,
  loops: RowLoops,
  body: (item: RowItem) => void,
): void {
  const { inputs, outputs, kept, reduced, cut } = loops;
  const inner = innerLoop(loops);
  const results = positionCount(kept);
  const first = f.local("i32");
  const last = f.local("i32");
  if (cut.chunks === 1) {
    const each = resultsPerItem(loops);
    const begin = f.local("i32");
    const end = f.local("i32");
    f.get(io.begin).i32(each).op("i32.mul").set(begin);
    f.get(io.end).i32(each).op("i32.mul").set(end);
    f.i32(results).get(end).get(end).i32(results).op("i32.gt_s").op("select").set(end);
    f.i32(0).set(first).i32(cut.rows).set(last);
    // All results lie alike, so they move by the one step of the results.
    const all = kept.map(({ size, steps }) => ({
      size,
      steps: [...steps.slice(0, inputs), ...new Array<number>(outputs).fill(steps[inputs]!)],
    }));
    emitPositions(f, all, begin, end, io.address, (addresses) => {
      const sources = addresses.slice(0, inputs);
      body({ sources, targets: addresses.slice(inputs), first, last, length: inner.size });
    });
    return;
  }
  const item = f.local("i32");
  const result = f.local("i32");
  const chunk = f.local("i32");
  const length = f.local("i32");
  const sources = f.locals("i32", inputs);
  const targets = f.locals("i32", outputs);
  const sourceLoops = kept.map(({ size, steps }) => ({ size, steps: steps.slice(0, inputs) }));
  const size = cut.rows === 0 ? cut.elements : cut.rows;
  const limit = cut.rows === 0 ? inner.size : positionCount(reduced.slice(0, -1));
  f.for(item, io.begin, io.end, 1, () => {
    f.get(item).i32(cut.chunks).op("i32.div_u").set(result);
    f.get(item).i32(cut.chunks).op("i32.rem_u").set(chunk);
    const bases = io.address.slice(0, inputs);
    const coordinate = emitLocate(f, sourceLoops, result, bases, sources);
    if (coordinate !== undefined) f.release(coordinate);
    f.get(chunk).i32(size).op("i32.mul").tee(first).i32(size).op("i32.add").set(last);
    f.i32(limit).get(last).get(last).i32(limit).op("i32.gt_s").op("select").set(last);
    for (const [k, target] of targets.entries()) {
      f.get(io.address[inputs + k]!)
        .get(item)
        .i32(2)
        .op("i32.shl")
        .op("i32.add")
        .set(target);
    }
    if (cut.rows === 0) {
      for (const [i, address] of sources.entries()) {
        f.get(address)
          .get(first)
          .i32(inner.steps[i]! * 4)
          .op("i32.mul")
          .op("i32.add");
        f.set(address);
      }
      f.get(last).get(first).op("i32.sub").set(length);
      body({ sources, targets, first, last, length });
    } else {
      body({ sources, targets, first, last, length: inner.size });
    }
  });
}

/** What a pass reads per element. */
export interface RowPass {
  readonly kind: ReductionKind;
  readonly program: ScalarProgram;
  readonly dtypes: readonly DType[];
  /** Number of results. */
  readonly outputs: number;
  /** Inputs of the program whose lanes are in locals. */
  readonly known?: ReadonlyMap<number, Local>;
}

/** Reduces an item; returns a local per output with the value in all lanes or in lane 0. */
export function emitRowPass(
  f: FunctionBuilder,
  module: KernelModule,
  loops: RowLoops,
  { sources, first, last, length }: RowItem,
  pass: RowPass,
): Local[] {
  const { kind, program, dtypes, outputs, known } = pass;
  const { identity, instruction } = reductionKinds[kind];
  const inner = innerLoop(loops);
  const outer = loops.reduced.slice(0, -1);
  const most = program.cost > 40 ? 1 : program.cost > 8 ? 2 : Math.max(1, Math.floor(8 / outputs));
  const vectors = Math.min(most, Math.ceil(inner.size / 4));
  const accumulators = Array.from({ length: vectors }, () => f.locals("v128", outputs));
  for (const slot of accumulators) {
    for (const local of slot) f.get(f.constant("f32x4", identity)).set(local);
  }

  const emitOneRow = (addresses: readonly Local[]): void => {
    const reader = rowReader(f, dtypes, inner.steps, addresses, known);
    const straight = program.cost > 8 ? 2 : 16;
    const row = { length, tail: inner.size % 4, unroll: vectors, straight, addresses };
    emitRow(f, { ...row, steps: inner.steps }, (at, group) => {
      for (const [slot, vector] of group.entries()) {
        const evaluation = evaluateProgram(f, module, program, (i) => {
          const local = known?.get(i);
          if (local !== undefined) f.get(local);
          else reader.load(i, at, vector);
        });
        for (const [k, accumulator] of accumulators[slot]!.entries()) {
          evaluation.push(k);
          if (vector.count < 4) emitMissing(f, vector, identity);
          f.get(accumulator).op(instruction).set(accumulator);
        }
      }
    });
    reader.release();
  };
  if (outer.length === 0) emitOneRow(sources);
  else emitPositions(f, outer, first, last, sources, emitOneRow);

  return Array.from({ length: outputs }, (_, k) => {
    const tree = new PairwiseTree(f, kind);
    for (const slot of accumulators) {
      f.get(slot[k]!);
      tree.add();
      f.release(slot[k]!);
    }
    const value = f.local("v128");
    tree.push();
    f.set(value);
    joinLanes(f, kind, value);
    return value;
  });
}

/** Replaces the lanes beyond the row's end by what changes nothing. */
function emitMissing(f: FunctionBuilder, { count }: RowVector, identity: number): void {
  const lanes = [0, 1, 2, 3].map((lane) => (lane < count ? -1 : 0));
  f.get(f.constant("f32x4", identity));
  f.i32x4Lanes(lanes[0]!, lanes[1]!, lanes[2]!, lanes[3]!);
  f.op("v128.bitselect");
}

/** The kernel; with more than one chunk its results are partials, dense as [kept…, chunks]. */
export function reduceRowsKernel(task: ReductionTask, outputs: number, cut: RowChunks): Kernel {
  const { kind, program, finish, dtypes, kept, reduced } = task;
  const inputs = dtypes.length;
  const loops: RowLoops = { inputs, outputs, kept, reduced, cut };

  return {
    key: `reduceRows ${kind} ${program.key} ${finish.key} ${JSON.stringify([kept, reduced, dtypes, cut, outputs])}`,
    buffers: inputs + outputs,
    items: rowItemCount(loops),
    flops: (program.cost + outputs) * positionCount(kept) * positionCount(reduced),
    emit(f, io, module) {
      emitRowItems(f, io, loops, (item) => {
        const joined = emitRowPass(f, module, loops, item, { kind, program, dtypes, outputs });
        const evaluation = evaluateProgram(f, module, finish, (k) => {
          f.get(joined[k]!);
        });
        for (const [k, target] of item.targets.entries()) {
          storeLanes(f, target, 0, 1, 1, () => evaluation.push(k));
        }
        f.release(...joined);
      });
    },
  };
}
