/**
 * What happens to the sums of a product while they are still in the cache: the bias is added, then an
 * element-wise expression is applied. It also moves the last, narrow panel from its own tile into the
 * result.
 */
import { type Expression, formatExpression } from "../../../graph/expression.ts";
import type { FunctionBuilder, Local } from "../assembler.ts";
import type { Kernel, KernelModule, KernelParameters } from "../kernel.ts";
import type { KernelCall } from "../kernelPlan.ts";
import { emitExpression, scalarProgram } from "../scalarCode.ts";

/** How a further operand of the expression goes with the result. */
export type ExtraOperand = "scalar" | "channel" | "full";

/** An element-wise expression over the result and further operands. */
export interface ElementwiseEpilogue {
  /** `input(0)` is the result (with bias), `input(1 + i)` is `extras[i]`. */
  readonly expression: Expression;
  /**
   * `scalar`: one number; `channel`: one per channel; `full`: dense, of the shape and layout of the
   * result, in memory of its own.
   */
  readonly extras: readonly ExtraOperand[];
}

/** The epilogue with the addresses of its operands. */
export interface Epilogue {
  readonly bias: Local | undefined;
  readonly elementwise: ElementwiseEpilogue | undefined;
  /** Addresses of the expression's further operands. */
  readonly extras: readonly Local[];
}

/** Names everything that the emitted code depends on. */
function epilogueKey(bias: boolean, elementwise: ElementwiseEpilogue | undefined): string {
  const text =
    elementwise === undefined
      ? ""
      : `${formatExpression(elementwise.expression)} ${elementwise.extras.join(",")}`;
  return `${bias ? "bias " : ""}${text}`;
}

/** Applies an epilogue to vectors of sums; made once, outside the loops. */
export interface VectorEpilogue {
  /**
   * Replaces the sums in `values`, neighbouring vectors. The first belongs at address `target` + `offset` of
   * the result and to the channels at `channelBytes` + `offset`.
   */
  apply(values: readonly Local[], target: Local, channelBytes: Local, offset: number): void;
  release(): void;
}

/** Loads what does not change from pixel to pixel; `result` is the address of the whole result. */
export function vectorEpilogue(
  f: FunctionBuilder,
  module: KernelModule,
  epilogue: Epilogue | undefined,
  result: Local,
): VectorEpilogue {
  const elementwise = epilogue?.elementwise;
  const own: Local[] = [];
  const operands = (epilogue?.extras ?? []).map((address, i) => {
    const kind = elementwise?.extras[i];
    const local = f.local(kind === "scalar" ? "v128" : "i32");
    own.push(local);
    f.get(address);
    if (kind === "scalar") f.memory("v128.load32_splat");
    if (kind === "full") f.get(result).op("i32.sub");
    f.set(local);
    return local;
  });
  return {
    apply(values, target, channelBytes, firstOffset) {
      for (const [i, value] of values.entries()) {
        const offset = firstOffset + i * 16;
        if (epilogue?.bias !== undefined) {
          f.get(value).get(epilogue.bias).get(channelBytes).op("i32.add");
          f.memory("v128.load", offset).op("f32x4.add").set(value);
        }
        if (elementwise === undefined) continue;
        emitExpression(f, module, elementwise.expression, (index) => {
          const kind = elementwise.extras[index - 1];
          const operand = operands[index - 1];
          if (kind === undefined || operand === undefined) f.get(value);
          else if (kind === "scalar") f.get(operand);
          else {
            f.get(kind === "full" ? target : channelBytes);
            f.get(operand).op("i32.add").memory("v128.load", offset);
          }
        });
        f.set(value);
      }
    },
    release: () => f.release(...own),
  };
}

/** Cost of the expression, in additions. */
export function epilogueCost(epilogue: Epilogue | undefined): number {
  const elementwise = epilogue?.elementwise;
  return elementwise === undefined ? 0 : scalarProgram([elementwise.expression]).cost;
}

/** Stores `columns` floats from vectors at `target` + `offset`. */
export function emitStoreColumns(
  f: FunctionBuilder,
  values: readonly Local[],
  target: Local,
  offset: number,
  columns: number,
): void {
  for (const [i, value] of values.entries()) {
    const lanes = Math.min(4, columns - i * 4);
    if (lanes === 4)
      f.get(target)
        .get(value)
        .memory("v128.store", offset + i * 16);
    for (let lane = 0; lane < lanes && lanes < 4; lane++) {
      f.get(target).get(value);
      f.memoryLane("v128.store32_lane", lane, offset + i * 16 + lane * 4);
    }
  }
}

/** What a product with an epilogue works on. */
export interface EpilogueOptions {
  /** A bias, one number per channel, is added. */
  readonly bias?: boolean;
  /** Applied after the bias. */
  readonly epilogue?: ElementwiseEpilogue;
}

/** A kernel whose first two buffers are the operands of a product and whose last one is the result. */
export type ProductKernel = Omit<Kernel, "buffers" | "emit"> & {
  emit(
    f: FunctionBuilder,
    io: KernelParameters,
    module: KernelModule,
    operands: { readonly source: Local; readonly weights: Local; readonly result: Local },
    epilogue: Epilogue | undefined,
  ): void;
};

/** Gives a kernel the buffers of an epilogue: source, weights, bias, further operands, result. */
export function withEpilogue(
  { bias = false, epilogue }: EpilogueOptions,
  kernel: ProductKernel,
): Kernel {
  return {
    ...kernel,
    key: `${kernel.key} ${epilogueKey(bias, epilogue)}`,
    buffers: 3 + (bias ? 1 : 0) + (epilogue?.extras.length ?? 0),
    emit(f, io, module) {
      const [source, weights, ...rest] = io.address;
      const result = rest.pop();
      const biasAddress = bias ? rest.shift() : undefined;
      kernel.emit(
        f,
        io,
        module,
        { source: source!, weights: weights!, result: result! },
        bias || epilogue !== undefined
          ? { bias: biasAddress, elementwise: epilogue, extras: rest }
          : undefined,
      );
    },
  };
}

/** The call of such a kernel: the bias and further operands are `input2`, `input3`, …. */
export function productCall(kernel: Kernel, source: string, weights: string): KernelCall {
  const further = Array.from({ length: kernel.buffers - 3 }, (_, i) => `input${i + 2}`);
  return {
    kernel,
    buffers: [source, weights, ...further, "output0"],
    writes: [kernel.buffers - 1],
  };
}

/** A panel of columns in the rows of a block. */
export interface EpiloguePlace {
  readonly cRows: Local;
  readonly count: Local;
  /** Address of the whole result. */
  readonly result: Local;
  /** Address in the result that the offsets `cRows` start from. */
  readonly to: Local;
  /** Where the sums lie, if not in the result: dense rows `step` bytes apart. */
  readonly from: { readonly address: Local; readonly step: number } | undefined;
  /** First column of the panel, in the group. */
  readonly channel: Local;
  readonly columns: number;
  readonly group: Local;
  readonly columnsPerGroup: number;
}

/** Expressions up to this cost are unrolled over the vectors of a panel. */
const unrolledCost = 8;

/** Writes the code for one panel. */
export function emitEpilogue(
  f: FunctionBuilder,
  module: KernelModule,
  epilogue: Epilogue | undefined,
  place: EpiloguePlace,
): void {
  const { columns, from } = place;
  const names = ["row", "sums", "target", "firstChannel", "channelBytes", "vector"] as const;
  const [row, sums, target, firstChannel, channelBytes, vector] = names.map(() =>
    f.local("i32"),
  ) as [Local, Local, Local, Local, Local, Local];
  const values = f.locals("v128", Math.ceil(columns / 4));
  const finisher = vectorEpilogue(f, module, epilogue, place.result);
  // Byte offset of the panel's first channel among all channels.
  f.get(place.group).i32(place.columnsPerGroup).op("i32.mul").get(place.channel).op("i32.add");
  f.i32(2).op("i32.shl").set(firstChannel);

  /** Finishes `count` columns. All loads come before the stores, so that vectors can be joined. */
  const finish = (count: number): void => {
    const part = values.slice(0, Math.ceil(count / 4));
    for (const [i, value] of part.entries())
      f.get(sums)
        .memory("v128.load", i * 16)
        .set(value);
    finisher.apply(part, target, channelBytes, 0);
    emitStoreColumns(f, part, target, 0, count);
  };

  const whole = Math.floor(columns / 4);
  if (from !== undefined) f.get(from.address).set(sums);
  f.for(row, 0, place.count, 1, () => {
    f.get(place.to).get(place.channel).i32(2).op("i32.shl").op("i32.add");
    f.get(place.cRows).get(row).i32(2).op("i32.shl").op("i32.add").memory("i32.load");
    f.op("i32.add").set(target);
    if (from === undefined) f.get(target).set(sums);
    f.get(firstChannel).set(channelBytes);
    if (epilogueCost(epilogue) <= unrolledCost || whole <= 1) {
      finish(columns);
      if (from !== undefined) f.increment(sums, from.step);
      return;
    }
    f.for(vector, 0, whole, 1, () => {
      finish(4);
      for (const pointer of [sums, target, channelBytes]) f.increment(pointer, 16);
    });
    if (columns % 4 > 0) finish(columns % 4);
    if (from !== undefined) f.increment(sums, from.step - whole * 16);
  });
  finisher.release();
  f.release(row, sums, target, firstChannel, channelBytes, vector, ...values);
}
