/**
 * Reduction along memory: the innermost axis is reduced, each result is one walk.
 *
 * Up to eight vectors are accumulated side by side, which hides the latency of the addition and
 * makes a sum of n elements one of 32 short sums; they are joined pairwise, then their lanes. A
 * work item is a group of whole results, or where those are too few or too long one chunk of about
 * 16384 elements (64 KiB) of one result.
 */
import type { FunctionBuilder, Local } from "../assembler.ts";
import type { Kernel, KernelModule, KernelParameters } from "../kernel.ts";
import { emitLocate, emitPositions, type LoopAxis, positionCount } from "../loopNest.ts";
import { evaluateProgram } from "../scalarCode.ts";
import { emitRow, type RowVector, rowReader, storeLanes } from "../vectorAccess.ts";
import type { ReductionTask } from "./reduce.ts";
import { joinLanes, PairwiseTree, reductionKinds } from "./reduction.ts";

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
  if (enough && each <= 4 * chunkElements) return { chunks: 1, rows: outer, elements: inner };
  if (outer === 1) {
    const chunks = Math.ceil(inner / chunkElements);
    return { chunks, rows: 0, elements: chunkElements };
  }
  const rows = Math.min(outer, Math.max(1, Math.round(chunkElements / inner)));
  return { chunks: Math.ceil(outer / rows), rows, elements: inner };
}

/** The kernel; with more than one chunk its results are partials, dense as [kept…, chunks]. */
export function reduceRowsKernel(task: ReductionTask, outputs: number, cut: RowChunks): Kernel {
  const { kind, program, finish, dtypes, kept, reduced } = task;
  const { identity, instruction } = reductionKinds[kind];
  const inputs = dtypes.length;
  const outer = reduced.slice(0, -1);
  const inner = reduced.at(-1) ?? { size: 1, steps: new Array<number>(inputs).fill(0) };
  const results = positionCount(kept);
  const resultsPerItem = Math.max(1, Math.floor(8192 / (positionCount(outer) * inner.size)));
  const chunked = cut.chunks > 1;
  const items = chunked ? results * cut.chunks : Math.ceil(results / resultsPerItem);
  const width = Math.max(1, program.cost > 40 ? 1 : program.cost > 8 ? 2 : Math.floor(8 / outputs));
  const vectors = Math.min(width, Math.ceil(inner.size / 4));

  const emit = (f: FunctionBuilder, io: KernelParameters, module: KernelModule): void => {
    const sources = io.address.slice(0, inputs);
    const accumulators = Array.from({ length: vectors }, () => f.locals("v128", outputs));

    /** Adds one row to the accumulators. */
    const emitOneRow = (addresses: readonly Local[], length: number | Local): void => {
      const reader = rowReader(f, dtypes, inner.steps, addresses);
      const tail = inner.size % 4;
      const straight = program.cost > 8 ? 2 : 16;
      const row = { length, tail, unroll: vectors, straight, addresses, steps: inner.steps };
      emitRow(f, row, (at, group) => {
        for (const [slot, vector] of group.entries()) {
          const evaluation = evaluateProgram(f, module, program, (i) => {
            reader.load(i, at, vector);
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

    /** Joins the accumulators and stores the results at an address per output. */
    const emitStore = (targets: readonly Local[]): void => {
      const joined = Array.from({ length: outputs }, (_, k) => {
        const tree = new PairwiseTree(f, kind);
        for (const slot of accumulators) {
          f.get(slot[k]!);
          tree.add();
        }
        const value = f.local("v128");
        tree.push();
        f.set(value);
        joinLanes(f, kind, value);
        return value;
      });
      const evaluation = evaluateProgram(f, module, finish, (k) => {
        f.get(joined[k]!);
      });
      for (const [k, target] of targets.entries()) {
        storeLanes(f, target, 0, 1, 1, () => evaluation.push(k));
      }
      f.release(...joined);
    };

    const clear = (): void => {
      const start = f.constant("f32x4", identity);
      for (const slot of accumulators) for (const local of slot) f.get(start).set(local);
    };

    const first = f.local("i32");
    const last = f.local("i32");
    if (!chunked) {
      f.get(io.begin).i32(resultsPerItem).op("i32.mul").set(first);
      f.get(io.end).i32(resultsPerItem).op("i32.mul").set(last);
      f.i32(results).get(last).get(last).i32(results).op("i32.gt_s").op("select").set(last);
      // All outputs lie alike, so they move by the one step of the results.
      const loops = kept.map(({ size, steps }) => ({
        size,
        steps: [...steps.slice(0, inputs), ...new Array<number>(outputs).fill(steps[inputs]!)],
      }));
      const rowBegin = f.local("i32");
      const rowEnd = f.local("i32");
      f.i32(0).set(rowBegin).i32(cut.rows).set(rowEnd);
      emitPositions(f, loops, first, last, io.address, (addresses) => {
        clear();
        const from = addresses.slice(0, inputs);
        if (outer.length === 0) emitOneRow(from, inner.size);
        else {
          emitPositions(f, outer, rowBegin, rowEnd, from, (at) => emitOneRow(at, inner.size));
        }
        emitStore(addresses.slice(inputs));
      });
      return;
    }
    const item = f.local("i32");
    const result = f.local("i32");
    const chunk = f.local("i32");
    const located = f.locals("i32", inputs);
    const targets = f.locals("i32", outputs);
    const sourceLoops = kept.map(({ size, steps }) => ({ size, steps: steps.slice(0, inputs) }));
    f.for(item, io.begin, io.end, 1, () => {
      f.get(item).i32(cut.chunks).op("i32.div_u").set(result);
      f.get(item).i32(cut.chunks).op("i32.rem_u").set(chunk);
      const coordinate = emitLocate(f, sourceLoops, result, sources, located);
      if (coordinate !== undefined) f.release(coordinate);
      clear();
      const size = cut.rows === 0 ? cut.elements : cut.rows;
      const limit = cut.rows === 0 ? inner.size : positionCount(outer);
      f.get(chunk).i32(size).op("i32.mul").tee(first).i32(size).op("i32.add").set(last);
      f.i32(limit).get(last).get(last).i32(limit).op("i32.gt_s").op("select").set(last);
      if (cut.rows === 0) {
        for (const [i, address] of located.entries()) {
          f.get(address)
            .get(first)
            .i32(inner.steps[i]! * 4)
            .op("i32.mul")
            .op("i32.add");
          f.set(address);
        }
        f.get(last).get(first).op("i32.sub").set(last);
        emitOneRow(located, last);
      } else {
        emitPositions(f, outer, first, last, located, (at) => emitOneRow(at, inner.size));
      }
      for (const [k, target] of targets.entries()) {
        f.get(io.address[inputs + k]!)
          .get(item)
          .i32(2)
          .op("i32.shl")
          .op("i32.add")
          .set(target);
      }
      emitStore(targets);
    });
  };

  return {
    key: `reduceRows ${kind} ${program.key} ${finish.key} ${JSON.stringify([kept, reduced, dtypes, cut, outputs])}`,
    buffers: inputs + outputs,
    items,
    flops: (program.cost + outputs) * results * positionCount(reduced),
    emit,
  };
}

/** Replaces the lanes beyond the row's end by what changes nothing. */
function emitMissing(f: FunctionBuilder, { count }: RowVector, identity: number): void {
  const lanes = [0, 1, 2, 3].map((lane) => (lane < count ? -1 : 0));
  f.get(f.constant("f32x4", identity));
  f.i32x4Lanes(lanes[0]!, lanes[1]!, lanes[2]!, lanes[3]!);
  f.op("v128.bitselect");
}
