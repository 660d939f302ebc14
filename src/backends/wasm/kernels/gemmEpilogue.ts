/**
 * What happens to the sums of a product while they are still in the cache: the bias is added, then an
 * element-wise expression is applied. It also moves the last, narrow panel from its own tile into the
 * result.
 */
import { type Expression, formatExpression } from "../../../graph/expression.ts";
import type { FunctionBuilder, Local } from "../assembler.ts";
import type { KernelModule } from "../kernel.ts";
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
export function epilogueKey(bias: boolean, elementwise: ElementwiseEpilogue | undefined): string {
  const text =
    elementwise === undefined
      ? ""
      : `${formatExpression(elementwise.expression)} ${elementwise.extras.join(",")}`;
  return `${bias ? "bias " : ""}${text}`;
}

/** A panel of columns in the rows of a block. */
export interface EpiloguePlace {
  readonly cRows: Local;
  readonly count: Local;
  /** Address of the whole result; `full` operands lie at the same distance from theirs. */
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
  const [row, sums, target, firstChannel, channelBytes, vector] = f.locals("i32", 6) as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  const value = f.local("v128");
  const elementwise = epilogue?.elementwise;
  const extraDistance = (epilogue?.extras ?? []).map((address, i) => {
    const distance = f.local("i32");
    if (elementwise?.extras[i] === "full") f.get(address).get(place.result).op("i32.sub");
    else f.get(address);
    f.set(distance);
    return distance;
  });
  const scalars = extraDistance.map((distance, i) => {
    const splat = f.local("v128");
    if (elementwise?.extras[i] === "scalar") {
      f.get(distance).memory("v128.load32_splat").set(splat);
    }
    return splat;
  });
  // Byte offset of the panel's first channel among all channels.
  f.get(place.group).i32(place.columnsPerGroup).op("i32.mul").get(place.channel).op("i32.add");
  f.i32(2).op("i32.shl").set(firstChannel);

  /** Finishes four columns at `target` + `offset`; `lanes` of them are stored. */
  const finish = (offset: number, lanes: number): void => {
    f.get(sums).memory("v128.load", offset);
    if (epilogue?.bias !== undefined) {
      f.get(epilogue.bias).get(channelBytes).op("i32.add").memory("v128.load", offset);
      f.op("f32x4.add");
    }
    f.set(value);
    if (elementwise !== undefined) {
      emitExpression(f, module, elementwise.expression, (index) => {
        const kind = elementwise.extras[index - 1];
        const distance = extraDistance[index - 1];
        if (kind === undefined || distance === undefined) f.get(value);
        else if (kind === "scalar") f.get(scalars[index - 1]!);
        else {
          f.get(kind === "full" ? target : channelBytes)
            .get(distance)
            .op("i32.add");
          f.memory("v128.load", offset);
        }
      });
      f.set(value);
    }
    if (lanes === 4) f.get(target).get(value).memory("v128.store", offset);
    else {
      for (let lane = 0; lane < lanes; lane++) {
        f.get(target)
          .get(value)
          .memoryLane("v128.store32_lane", lane, offset + lane * 4);
      }
    }
  };

  const whole = Math.floor(columns / 4);
  const cost = elementwise === undefined ? 0 : scalarProgram([elementwise.expression]).cost;
  if (from !== undefined) f.get(from.address).set(sums);
  f.for(row, 0, place.count, 1, () => {
    f.get(place.to).get(place.channel).i32(2).op("i32.shl").op("i32.add");
    f.get(place.cRows).get(row).i32(2).op("i32.shl").op("i32.add").memory("i32.load");
    f.op("i32.add").set(target);
    if (from === undefined) f.get(target).set(sums);
    f.get(firstChannel).set(channelBytes);
    if (cost <= unrolledCost || whole <= 1) {
      for (let i = 0; i < whole; i++) finish(i * 16, 4);
      if (columns % 4 > 0) finish(whole * 16, columns % 4);
      if (from !== undefined) f.increment(sums, from.step);
    } else {
      const start = from === undefined ? undefined : f.local("i32");
      if (start !== undefined) f.get(sums).set(start);
      f.for(vector, 0, whole, 1, () => {
        finish(0, 4);
        for (const pointer of [sums, target, channelBytes]) f.increment(pointer, 16);
      });
      if (columns % 4 > 0) finish(0, columns % 4);
      if (start !== undefined && from !== undefined) {
        f.get(start).i32(from.step).op("i32.add").set(sums);
        f.release(start);
      }
    }
  });
  f.release(row, sums, target, firstChannel, channelBytes, vector, value);
  f.release(...extraDistance, ...scalars);
}
