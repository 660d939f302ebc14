/**
 * Reductions (sum, product, maximum, minimum) over any axes of an expression of broadcast inputs.
 *
 * Two kernels do it, chosen by the axis that is innermost in memory. Where it is kept, whole rows
 * are joined lane by lane (reduceColumns.ts: batch norm's sums over N, H and W, biases, global
 * pooling); where it is reduced, each result is a walk along memory (reduceRows.ts: softmax, layer
 * norm, losses). Too few results to deal out, or very long ones, are cut into chunks whose size
 * depends on the shapes alone; the chunks' results go to a temporary and are reduced in their turn.
 */
import type { DType } from "../../../core/dtype.ts";
import { elementCount, type Shape } from "../../../core/shape.ts";
import { type Expression, input } from "../../../graph/expression.ts";
import type { KernelCall, KernelPlan, Temporary } from "../kernelPlan.ts";
import { broadcastView, denseView, memoryOrder, type View } from "../layout.ts";
import { type LoopAxis, loopsOver, positionCount } from "../loopNest.ts";
import { type ScalarProgram, scalarProgram } from "../scalarCode.ts";
import type { OperandType } from "./elementwise.ts";
import { columnChunks, reduceColumnsKernel } from "./reduceColumns.ts";
import { reduceRowsKernel, rowChunks } from "./reduceRows.ts";
import type { ReductionKind } from "./reduction.ts";

export interface ReduceRequest {
  readonly kind: ReductionKind;
  /** Shape that the inputs are broadcast to before anything is reduced. */
  readonly shape: Shape;
  readonly inputs: readonly OperandType[];
  /** Axes that are reduced, from 0 on. */
  readonly axes: readonly number[];
  /** Keep reduced axes with size 1, or leave them out. */
  readonly keepDims: boolean;
  /**
   * One result each. `expression` of the inputs is what is reduced; `finish`, if given, is applied
   * to the results, of which `input(k)` is the one of output k.
   */
  readonly outputs: readonly { readonly expression: Expression; readonly finish?: Expression }[];
}

/** A reduction as loops; steps are those of the inputs, for kept loops with that of the results last. */
export interface ReductionTask {
  readonly kind: ReductionKind;
  readonly program: ScalarProgram;
  /** Applied to complete results. */
  readonly finish: ScalarProgram;
  readonly dtypes: readonly DType[];
  readonly kept: readonly LoopAxis[];
  readonly reduced: readonly LoopAxis[];
}

/** Kernels from `input…` to `output…` (float32), with temporaries where the work is cut into chunks. */
export function planReduce(request: ReduceRequest): KernelPlan {
  const { kind, shape, inputs, axes, keepDims, outputs } = request;
  const views = inputs.map((operand) => broadcastView(denseView(operand.shape), shape));
  const result = resultView(shape, axes, keepDims);
  const order = memoryOrder(largest(inputs, views)).filter((axis) => shape[axis] !== 1);
  const isReduced = (axis: number): boolean => axes.includes(axis);
  const expressions = outputs.map(({ expression }) => expression);
  const task: ReductionTask = {
    kind,
    program: scalarProgram(expressions),
    finish: scalarProgram(outputs.map(({ finish }, k) => finish ?? input(k))),
    dtypes: inputs.map(({ dtype }) => dtype),
    kept: loopsOver(
      [...views, result],
      order.filter((axis) => !isReduced(axis)),
    ),
    reduced: loopsOver(views, order.filter(isReduced)),
  };
  const inner = order.at(-1);
  const plan = { temporaries: [] as Temporary[], calls: [] as KernelCall[] };
  const names = inputs.map((_, i) => `input${i}`);
  if (inner !== undefined && isReduced(inner)) addRowStages(plan, task, names, outputs.length);
  else addColumnStages(plan, task, names, outputs.length);
  return plan;
}

/** Results seen with the axes of the inputs: reduced ones do not move. */
export function resultView(shape: Shape, axes: readonly number[], keepDims: boolean): View {
  const keptShape = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const dense = denseView(keepDims ? keptShape : shape.filter((_, axis) => !axes.includes(axis)));
  let next = 0;
  const strides = shape.map((_, axis) => {
    if (axes.includes(axis)) return 0;
    return dense.strides[keepDims ? axis : next++]!;
  });
  return { shape, strides, offset: 0 };
}

/** The operand that most memory is read of: its order is the order of the loops. */
function largest(inputs: readonly OperandType[], views: readonly View[]): View {
  let best = 0;
  for (const [i, operand] of inputs.entries()) {
    if (elementCount(operand.shape) > elementCount(inputs[best]!.shape)) best = i;
  }
  return views[best] ?? { shape: [], strides: [], offset: 0 };
}

/** Adds a temporary per output and returns their names. */
function addPartials(
  plan: { temporaries: Temporary[]; calls: KernelCall[] },
  elements: number,
  outputs: number,
): string[] {
  const level = plan.calls.length;
  return Array.from({ length: outputs }, (_, k) => {
    const name = `partial${level}.${k}`;
    plan.temporaries.push({ name, bytes: elements * 4 });
    return name;
  });
}

function finalNames(outputs: number): string[] {
  return Array.from({ length: outputs }, (_, k) => `output${k}`);
}

function addCall(
  plan: { calls: KernelCall[] },
  kernel: KernelCall["kernel"],
  reads: readonly string[],
  writes: readonly string[],
): void {
  plan.calls.push({
    kernel,
    buffers: [...reads, ...writes],
    writes: writes.map((_, k) => reads.length + k),
  });
}

/** The same number of results from partials, one input per result and nothing to compute on the way. */
function joinPartials(
  task: ReductionTask,
  outputs: number,
  kept: readonly LoopAxis[],
  reduced: readonly LoopAxis[],
): ReductionTask {
  return {
    ...task,
    program: scalarProgram(Array.from({ length: outputs }, (_, k) => input(k))),
    dtypes: new Array<DType>(outputs).fill("float32"),
    kept,
    reduced,
  };
}

function withoutFinish(task: ReductionTask, outputs: number): ReductionTask {
  const same = Array.from({ length: outputs }, (_, k) => input(k));
  return { ...task, finish: scalarProgram(same) };
}

/** Kept loops as they lie in partials that are dense in `inner` elements, the result's steps last. */
export function partialLoops(
  loops: readonly LoopAxis[],
  inner: number,
  outputs: number,
): LoopAxis[] {
  let step = inner;
  return loops
    .toReversed()
    .map(({ size, steps }) => {
      const loop = { size, steps: [...new Array<number>(outputs).fill(step), steps.at(-1)!] };
      step *= size;
      return loop;
    })
    .toReversed();
}

function addRowStages(
  plan: { temporaries: Temporary[]; calls: KernelCall[] },
  task: ReductionTask,
  names: readonly string[],
  outputs: number,
): void {
  const cut = rowChunks(task.kept, task.reduced);
  if (cut.chunks === 1) {
    addCall(plan, reduceRowsKernel(task, outputs, cut), names, finalNames(outputs));
    return;
  }
  const partials = addPartials(plan, positionCount(task.kept) * cut.chunks, outputs);
  const first = withoutFinish(task, outputs);
  addCall(plan, reduceRowsKernel(first, outputs, cut), names, partials);
  const kept = partialLoops(task.kept, cut.chunks, outputs);
  const reduced = [{ size: cut.chunks, steps: new Array<number>(outputs).fill(1) }];
  addRowStages(plan, joinPartials(task, outputs, kept, reduced), partials, outputs);
}

function addColumnStages(
  plan: { temporaries: Temporary[]; calls: KernelCall[] },
  task: ReductionTask,
  names: readonly string[],
  outputs: number,
): void {
  const { fold, ...wide } = foldRows(task.kept, task.reduced);
  const cut = columnChunks(wide.kept, wide.reduced);
  if (cut.chunks === 1 && fold === 1) {
    addCall(plan, reduceColumnsKernel(task, outputs, cut), names, finalNames(outputs));
    return;
  }
  const outer = wide.kept.slice(0, -1);
  const columns = (wide.kept.at(-1)?.size ?? 1) / fold;
  const rows = cut.chunks * fold;
  const partials = addPartials(plan, positionCount(outer) * rows * columns, outputs);
  const first = withoutFinish({ ...task, ...wide }, outputs);
  addCall(plan, reduceColumnsKernel(first, outputs, { ...cut, partial: true }), names, partials);
  const last = task.kept.at(-1);
  const kept = [
    ...partialLoops(outer, rows * columns, outputs),
    ...(last === undefined ? [] : partialLoops([last], 1, outputs)),
  ];
  const reduced = [{ size: rows, steps: new Array<number>(outputs).fill(columns) }];
  addColumnStages(plan, joinPartials(task, outputs, kept, reduced), partials, outputs);
}

/**
 * Few columns that do not fill vectors (a bias of 3 or 6 channels) are read as rows of `fold` times
 * as many columns where rows follow each other in memory; the next stage joins the copies.
 */
export function foldRows(
  kept: readonly LoopAxis[],
  reduced: readonly LoopAxis[],
): { kept: readonly LoopAxis[]; reduced: readonly LoopAxis[]; fold: number } {
  const columns = kept.at(-1);
  const rows = reduced.at(-1);
  const same = { kept, reduced, fold: 1 };
  if (columns === undefined || rows === undefined || columns.size % 4 === 0) return same;
  const fold = columns.size % 2 === 0 ? 2 : 4;
  if (rows.size % fold !== 0 || rows.size < 64 || columns.size > 256) return same;
  const follows = rows.steps.every((step, i) => {
    const within = columns.steps[i]!;
    return (within === 0 || within === 1) && step === within * columns.size;
  });
  if (!follows) return same;
  const wide = { size: columns.size * fold, steps: columns.steps };
  const fewer = { size: rows.size / fold, steps: rows.steps.map((step) => step * fold) };
  return { kept: kept.with(-1, wide), reduced: reduced.with(-1, fewer), fold };
}
