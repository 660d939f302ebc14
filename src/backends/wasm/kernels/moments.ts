/**
 * Mean and biased variance in one pass over memory: `μ = 1/n Σ x`, `σ² = 1/n Σ (x − μ)²`.
 *
 * The elements of a chunk (64 KiB, in the L2 cache) are visited twice: once for their mean, counted
 * from one of them so that a large common offset costs no digits, once for the squares round it.
 * Chunks are joined in a second kernel, in their order:
 * `μ = Σ nᵢ μᵢ / n`, `Σ (x − μ)² = Σ M₂ᵢ + nᵢ (μᵢ − μ)²`. Chunks depend on the shape alone.
 *
 * Source: T. Chan, G. Golub, R. LeVeque, "Updating formulae and a pairwise algorithm for computing
 * sample variances" (1979), for any number of parts at once.
 */
import type { Shape } from "../../../core/shape.ts";
import { input, scalar } from "../../../graph/expression.ts";
import type { FunctionBuilder, Local } from "../assembler.ts";
import type { Kernel } from "../kernel.ts";
import type { KernelPlan } from "../kernelPlan.ts";
import { denseView, physicalOrder } from "../layout.ts";
import { type LoopAxis, loopsOver, positionCount } from "../loopNest.ts";
import { type ScalarProgram, scalarProgram } from "../scalarCode.ts";
import { emitRow, loadLanes, storeLanes } from "../vectorAccess.ts";
import { vectorCode } from "../vectorCode.ts";
import { foldRows, partialLoops, resultView } from "./reduce.ts";
import {
  accumulatorArrays,
  accumulatorBytes,
  type ColumnLoops,
  columnChunks,
  columnItemCount,
  columnLoop,
  emitColumnItems,
  emitColumnPass,
  emitColumnStore,
} from "./reduceColumns.ts";
import { emitRowItems, emitRowPass, type RowLoops, rowChunks, rowItemCount } from "./reduceRows.ts";

export interface MomentsRequest {
  /** Shape of the float32 input. */
  readonly shape: Shape;
  /** Axes that are reduced, from 0 on. */
  readonly axes: readonly number[];
  /** Keep reduced axes with size 1, or leave them out. */
  readonly keepDims: boolean;
}

/** Kernels from `input0` to `output0` (mean) and `output1` (variance). */
export function planMoments({ shape, axes, keepDims }: MomentsRequest): KernelPlan {
  const view = denseView(shape);
  const result = resultView(shape, axes, keepDims);
  const order = physicalOrder(shape.length).filter((axis) => shape[axis] !== 1);
  const isReduced = (axis: number): boolean => axes.includes(axis);
  const kept = loopsOver(
    [view, result],
    order.filter((axis) => !isReduced(axis)),
  );
  const reduced = loopsOver([view], order.filter(isReduced));
  const count = positionCount(reduced);
  const inner = order.at(-1);
  const finals = ["output0", "output1"];

  if (inner !== undefined && isReduced(inner)) {
    const cut = rowChunks(kept, reduced);
    const loops = { inputs: 1, outputs: 2, kept, reduced, cut };
    const kernel = rowMomentsKernel(loops, count);
    if (cut.chunks === 1) return finalPlan(kernel);
    const each = cut.rows === 0 ? cut.elements : cut.rows * cut.elements;
    const last = count - (cut.chunks - 1) * each;
    const parts = { count: cut.chunks, perChunk: 1, each, last };
    return joinedPlan(kernel, joinKernel(partialLoops(kept, cut.chunks, 2), 1, parts, count));
  }
  const { fold, ...wide } = foldRows(kept, reduced);
  const chosen = columnChunks(wide.kept, wide.reduced, 0);
  const cut = { ...chosen, partial: chosen.chunks > 1 || fold > 1 };
  const loops = { inputs: 1, outputs: 2, ...wide, cut };
  const kernel = columnMomentsKernel(loops);
  if (!cut.partial) return finalPlan(kernel);
  const columns = (wide.kept.at(-1)?.size ?? 1) / fold;
  const last = positionCount(wide.reduced) - (cut.chunks - 1) * cut.rowsPerChunk;
  const parts = { count: cut.chunks * fold, perChunk: fold, each: cut.rowsPerChunk, last };
  const outer = partialLoops(wide.kept.slice(0, -1), parts.count * columns, 2);
  const along = kept.slice(-1).flatMap((loop) => partialLoops([loop], 1, 2));
  return joinedPlan(kernel, joinKernel([...outer, ...along], columns, parts, count));

  function finalPlan(single: Kernel): KernelPlan {
    const call = { kernel: single, buffers: ["input0", ...finals], writes: [1, 2] };
    return { temporaries: [], calls: [call] };
  }

  function joinedPlan(first: Kernel, join: { kernel: Kernel; elements: number }): KernelPlan {
    const partials = ["mean", "squares"];
    return {
      temporaries: partials.map((name) => ({ name, bytes: join.elements * 4 })),
      calls: [
        { kernel: first, buffers: ["input0", ...partials], writes: [1, 2] },
        { kernel: join.kernel, buffers: [...partials, ...finals], writes: [2, 3] },
      ],
    };
  }
}

/** x − origin, and its square. */
function deviationPrograms(): { deviation: ScalarProgram; square: ScalarProgram } {
  const difference = scalar.sub(input(0), input(1));
  return {
    deviation: scalarProgram([difference]),
    square: scalarProgram([scalar.mul(difference, difference)]),
  };
}

/** Pushes the number that `value` pushes as an i32, as four float32 lanes. */
function pushCount(f: FunctionBuilder, value: number | (() => void)): void {
  if (typeof value === "number") f.get(f.constant("f32x4", value));
  else {
    value();
    f.op("f32.convert_i32_s").op("f32x4.splat");
  }
}

function columnMomentsKernel(loops: ColumnLoops): Kernel {
  const { kept, reduced, cut } = loops;
  const step = columnLoop(loops).steps[0]!;
  const rows = reduced.map(({ size, steps }) => ({ size, steps: [steps[0]!, 0] }));
  const finish = [input(0), cut.partial ? input(1) : scalar.div(input(1), positionCount(reduced))];
  return {
    key: `columnMoments ${JSON.stringify([kept, reduced, cut])}`,
    buffers: 3,
    items: columnItemCount(loops),
    scratchBytes: 2 * accumulatorBytes(loops),
    flops: 5 * positionCount(kept) * positionCount(reduced),
    emit(f, io, module) {
      const v = vectorCode(f);
      const { deviation, square } = deviationPrograms();
      const [mean, squares] = accumulatorArrays(f, io, loops, 2) as [Local, Local];
      emitColumnItems(f, io, loops, (item) => {
        const { first, last, length, tail } = item;
        const source = item.sources[0]!;
        const pass = { kind: "sum", dtypes: ["float32", "float32"], rows } as const;
        emitColumnPass(f, module, item, {
          ...pass,
          program: deviation,
          addresses: [source, source],
          columnSteps: [step, step],
          accumulators: [mean],
        });
        const addresses = [mean, source];
        const row = { length, tail, unroll: 1, straight: 4, addresses, steps: [1, step] };
        emitRow(f, row, (at, [vector]) => {
          const { element, count } = vector!;
          const value = v.evaluate(() => {
            f.get(at[0]!).memory("v128.load", element * 4);
            pushCount(f, () => f.get(last).get(first).op("i32.sub"));
            f.op("f32x4.div");
            loadLanes(f, at[1]!, element * step, step, count);
            f.op("f32x4.add");
          });
          f.get(at[0]!)
            .get(value)
            .memory("v128.store", element * 4);
          f.release(value);
        });
        emitColumnPass(f, module, item, {
          ...pass,
          program: square,
          addresses: [source, mean],
          columnSteps: [step, 1],
          accumulators: [squares],
          cached: true,
        });
        emitColumnStore(f, module, item, scalarProgram(finish), [mean, squares]);
      });
    },
  };
}

function rowMomentsKernel(loops: RowLoops, count: number): Kernel {
  const { kept, reduced, cut } = loops;
  return {
    key: `rowMoments ${JSON.stringify([kept, reduced, cut])}`,
    buffers: 3,
    items: rowItemCount(loops),
    flops: 5 * positionCount(kept) * positionCount(reduced),
    emit(f, io, module) {
      const v = vectorCode(f);
      const { deviation, square } = deviationPrograms();
      emitRowItems(f, io, loops, (item) => {
        const { sources, targets, first, last, length } = item;
        const size =
          cut.chunks === 1
            ? count
            : cut.rows === 0
              ? () => f.push(length)
              : () => f.get(last).get(first).op("i32.sub").i32(cut.elements).op("i32.mul");
        const pass = { kind: "sum", dtypes: ["float32"], outputs: 1 } as const;
        const shift = v.evaluate(() => loadLanes(f, sources[0]!, 0, 0, 4));
        const [sum] = emitRowPass(f, module, loops, item, {
          ...pass,
          program: deviation,
          known: new Map([[1, shift]]),
        }) as [Local];
        const mean = v.evaluate(() => {
          f.get(sum).get(sum).shuffle(0, 0, 0, 0);
          pushCount(f, size);
          f.op("f32x4.div").get(shift).op("f32x4.add");
        });
        const [squares] = emitRowPass(f, module, loops, item, {
          ...pass,
          program: square,
          known: new Map([[1, mean]]),
        }) as [Local];
        storeLanes(f, targets[0]!, 0, 1, 1, () => v.push(mean));
        const result = cut.chunks === 1 ? v.div(squares, count) : squares;
        storeLanes(f, targets[1]!, 0, 1, 1, () => v.push(result));
        f.release(shift, sum, mean, squares);
      });
    },
  };
}

/** The parts that a result is joined from, and their numbers of elements. */
interface Parts {
  readonly count: number;
  /** Parts that a chunk left; those of the last chunk have `last` elements, the others `each`. */
  readonly perChunk: number;
  readonly each: number;
  readonly last: number;
}

/** Joins means and squares that lie as [kept…, parts, columns]. */
function joinKernel(
  kept: readonly LoopAxis[],
  columns: number,
  parts: Parts,
  total: number,
): { kernel: Kernel; elements: number } {
  const withColumns = columns === 1 ? [...kept, { size: 1, steps: [0, 0, 0] }] : kept;
  const loops: ColumnLoops = {
    inputs: 2,
    outputs: 2,
    kept: withColumns,
    reduced: [],
    cut: { chunks: 1, rowsPerChunk: 1, columnsPerBlock: Math.min(columns, 64) },
  };
  const results = positionCount(withColumns);
  const ranges = [
    { from: 0, to: parts.count - parts.perChunk, elements: parts.each },
    { from: parts.count - parts.perChunk, to: parts.count, elements: parts.last },
  ];
  const kernel: Kernel = {
    key: `joinMoments ${JSON.stringify([withColumns, columns, parts, total])}`,
    buffers: 4,
    items: columnItemCount(loops),
    flops: 6 * results * parts.count,
    emit(f, io) {
      const v = vectorCode(f);
      emitColumnItems(f, io, loops, ({ sources, targets, targetStep, length, tail }) => {
        const step = columnLoop(loops).steps[0]!;
        const steps = [step, step, targetStep, targetStep];
        const addresses = [...sources, ...targets];
        emitRow(f, { length, tail, unroll: 1, straight: 1, addresses, steps }, (at, [vector]) => {
          const { element, count } = vector!;
          const load = (address: Local) => (): void =>
            loadLanes(f, address, element * step, step === 0 ? 0 : 1, count);
          const part = f.local("i32");
          const cursors = f.locals("i32", 2);
          const sum = f.local("v128");
          /** Adds `term(elements of the part)` over all parts to `sum`. */
          const accumulate = (term: (elements: number) => () => void): void => {
            v.push(0);
            f.set(sum);
            for (const [i, cursor] of cursors.entries()) f.get(at[i]!).set(cursor);
            for (const { from, to, elements } of ranges) {
              f.for(part, from, to, 1, () => {
                v.push(v.add(sum, term(elements)));
                f.set(sum);
                for (const cursor of cursors) f.increment(cursor, columns * 4);
              });
            }
          };
          const origin = v.evaluate(load(at[0]!));
          accumulate((elements) => v.mul(v.sub(load(cursors[0]!), origin), elements));
          const mean = v.evaluate(v.add(origin, v.div(sum, total)));
          const difference = f.local("v128");
          accumulate((elements) => () => {
            v.push(v.sub(load(cursors[0]!), mean));
            f.set(difference);
            v.push(v.add(v.mul(v.mul(difference, difference), elements), load(cursors[1]!)));
          });
          const target = element * targetStep;
          storeLanes(f, at[2]!, target, targetStep, count, () => v.push(mean));
          storeLanes(f, at[3]!, target, targetStep, count, v.div(sum, total));
          f.release(part, ...cursors, sum, origin, mean, difference);
        });
      });
    },
  };
  return { kernel, elements: results * parts.count };
}
