/**
 * Element-wise kernels: every element of the outputs is an expression of the elements of broadcast
 * inputs at the same place.
 *
 * The loops follow the order of the outputs in memory and are merged where all operands allow it,
 * so that operands of one shape make one long loop. A work item is a block of about 4096 elements
 * (16 KiB per operand: small enough to deal out evenly, long enough to hide its start). Vectors are
 * worked on in groups with all loads before all stores, which lets V8 join neighbours into 256-bit
 * operations, and makes it safe that an output lies in the memory of an input of the same shape.
 * The limit is the memory; docs/decisions/0320 and 0322 have the arithmetic and its cost.
 */
import type { DType } from "../../../core/dtype.ts";
import { elementCount, type Shape } from "../../../core/shape.ts";
import type { Expression } from "../../../graph/expression.ts";
import type { FunctionBuilder, Local } from "../assembler.ts";
import type { Kernel, KernelModule, KernelParameters } from "../kernel.ts";
import { type KernelPlan, singleCall } from "../kernelPlan.ts";
import { broadcastView, denseView, physicalOrder, type View } from "../layout.ts";
import { emitPositions, type LoopAxis, loopsOver, positionCount } from "../loopNest.ts";
import { evaluateProgram, type ScalarProgram, scalarProgram } from "../scalarCode.ts";
import { emitRow, loadLanes, rowReader, storeLanes } from "../vectorAccess.ts";

/** An operand as the graph knows it. */
export interface OperandType {
  readonly shape: Shape;
  readonly dtype: DType;
}

export interface ElementwiseRequest {
  /** Shape of every output. */
  readonly shape: Shape;
  /** Inputs, broadcast to `shape` from their last axes on; int32 is converted when read. */
  readonly inputs: readonly OperandType[];
  /** One expression of the inputs per output; int32 outputs drop what is behind the point. */
  readonly outputs: readonly { readonly expression: Expression; readonly dtype: DType }[];
}

/**
 * One kernel from `input…` to `output…`. An output may share the memory of an input that has the
 * shape of the outputs, and no other.
 */
export function planElementwise(request: ElementwiseRequest): KernelPlan {
  const { shape, inputs, outputs } = request;
  const output = denseView(shape);
  const views = inputs.map((input) => broadcastView(denseView(input.shape), shape));
  const kernel = elementwiseKernel(
    scalarProgram(outputs.map(({ expression }) => expression)),
    views.map((view, i) => ({ view, dtype: inputs[i]!.dtype })),
    outputs.map(({ dtype }) => ({ view: output, dtype })),
    physicalOrder(shape.length),
  );
  return singleCall(kernel, inputs.length, outputs.length);
}

interface Placed {
  readonly view: View;
  readonly dtype: DType;
}

const blockElements = 4096;

/** The kernel over views of one shape, whose axes are visited in `order`. */
function elementwiseKernel(
  program: ScalarProgram,
  inputs: readonly Placed[],
  outputs: readonly Placed[],
  order: readonly number[],
): Kernel {
  const operands = [...inputs, ...outputs];
  const views = operands.map(({ view }) => view);
  const { outer, inner } = splitInner(loopsOver(views, order), operands.length);
  const rows = positionCount(outer);
  const rowsPerItem = Math.max(1, Math.round(blockElements / inner.size));
  const whole = outer.length === 0;
  const items = Math.ceil(whole ? inner.size / blockElements : rows / rowsPerItem);
  const unroll = program.cost <= 8 ? 4 : 2;
  // Short rows of short expressions are written out; others would only make the code long.
  const straight = program.cost <= 8 ? 16 : program.cost <= 40 ? 4 : 1;

  const emit = (f: FunctionBuilder, io: KernelParameters, module: KernelModule): void => {
    const bases = io.address;
    const scalars = new Map<number, Local>();
    for (const [i, { dtype }] of inputs.entries()) {
      if (inner.steps[i] !== 0 || outer.some(({ steps }) => steps[i] !== 0)) continue;
      const local = f.local("v128");
      loadLanes(f, bases[i]!, 0, 0, 4, dtype);
      f.set(local);
      scalars.set(i, local);
    }

    const emitElements = (addresses: readonly Local[], length: number | Local): void => {
      const dtypes = inputs.map(({ dtype }) => dtype);
      const reader = rowReader(f, dtypes, inner.steps, addresses, scalars);
      const tail = inner.size % 4;
      const row = { length, tail, unroll, straight, addresses, steps: inner.steps };
      emitRow(f, row, (at, vectors) => {
        const results = vectors.map((vector) => {
          const evaluation = evaluateProgram(f, module, program, (i) => {
            reader.load(i, at, vector);
          });
          return outputs.map((_, o) => {
            evaluation.push(o);
            const local = f.local("v128");
            f.set(local);
            return local;
          });
        });
        for (const [o, { dtype }] of outputs.entries()) {
          const step = inner.steps[inputs.length + o]!;
          for (const [i, { element, count }] of vectors.entries()) {
            const value = (): void => {
              f.get(results[i]![o]!);
            };
            storeLanes(f, at[inputs.length + o]!, element * step, step, count, value, dtype);
          }
        }
        f.release(...results.flat());
      });
      reader.release();
    };

    const first = f.local("i32");
    const last = f.local("i32");
    const perItem = whole ? blockElements : rowsPerItem;
    const limit = whole ? inner.size : rows;
    f.get(io.begin).i32(perItem).op("i32.mul").set(first);
    f.get(io.end).i32(perItem).op("i32.mul").set(last);
    f.i32(limit).get(last).get(last).i32(limit).op("i32.gt_s").op("select").set(last);
    if (whole) {
      f.get(last).get(first).op("i32.sub").set(last);
      const addresses = bases.map((base, i) => {
        const address = f.local("i32");
        const step = inner.steps[i]! * 4;
        f.get(base).get(first).i32(step).op("i32.mul").op("i32.add").set(address);
        return address;
      });
      emitElements(addresses, inner.size <= blockElements ? inner.size : last);
    } else {
      emitPositions(f, outer, first, last, bases, (addresses) =>
        emitElements(addresses, inner.size),
      );
    }
  };

  const elements = elementCount(views[0]!.shape);
  const dtypes = operands.map(({ dtype }) => dtype);
  return {
    key: `elementwise ${program.key} ${JSON.stringify([outer, inner, dtypes])}`,
    buffers: operands.length,
    items,
    flops: program.cost * elements,
    emit,
  };
}

/** The innermost loop, and those around it; a single element is a loop of one round. */
function splitInner(
  loops: readonly LoopAxis[],
  operands: number,
): { outer: LoopAxis[]; inner: LoopAxis } {
  const inner = loops.at(-1) ?? { size: 1, steps: new Array<number>(operands).fill(0) };
  const outer = loops.slice(0, -1);
  // One or a few very long rows: cut them, so that there is work to deal out.
  if (outer.length > 0 && inner.size >= 2 * blockElements && positionCount(outer) < 16) {
    for (let length = blockElements; length >= 512; length -= 4) {
      if (inner.size % length !== 0) continue;
      outer.push({
        size: inner.size / length,
        steps: inner.steps.map((step) => step * length),
      });
      return { outer, inner: { size: length, steps: inner.steps } };
    }
  }
  return { outer, inner };
}
