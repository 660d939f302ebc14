/**
 * Vectors of four elements in memory: neighbours, one element for all lanes, or elements a step
 * apart; fewer than four at the end of a row. Lanes beyond the end are computed like the others and
 * not stored, so a result never depends on its place in a vector.
 */
import type { DType } from "../../core/dtype.ts";
import type { FunctionBuilder, Local } from "./assembler.ts";
import type { Code } from "./vectorCode.ts";

/** Pushes an address moved by a constant, with what is left for the immediate of the access. */
function pushAddress(f: FunctionBuilder, address: Local, offset: number): number {
  f.get(address);
  if (offset >= 0) return offset;
  f.i32(offset).op("i32.add");
  return 0;
}

/**
 * Pushes `count` elements, `step` apart, as float32 lanes. `element` counts from `address` in
 * elements; int32 is converted. Lanes from `count` on are 0, or repeat where `step` is 0.
 */
export function loadLanes(
  f: FunctionBuilder,
  address: Local,
  element: number,
  step: number,
  count: number,
  dtype: DType = "float32",
): void {
  loadBits(f, address, element, step, count);
  if (dtype === "int32") f.op("f32x4.convert_i32x4_s");
}

/** {@link loadLanes} without conversion. */
export function loadBits(
  f: FunctionBuilder,
  address: Local,
  element: number,
  step: number,
  count: number,
): void {
  const offset = element * 4;
  if (step === 0) {
    f.memory("v128.load32_splat", pushAddress(f, address, offset));
  } else if (step === 1 && count === 4) {
    f.memory("v128.load", pushAddress(f, address, offset));
  } else if (step === 1 && count >= 2) {
    const lane = f.local("v128");
    f.memory("v128.load64_zero", pushAddress(f, address, offset));
    if (count === 3) {
      f.set(lane);
      const rest = pushAddress(f, address, offset + 8);
      f.get(lane).memoryLane("v128.load32_lane", 2, rest);
    }
    f.release(lane);
  } else {
    const lanes = f.local("v128");
    f.memory("v128.load32_zero", pushAddress(f, address, offset));
    for (let lane = 1; lane < count; lane++) {
      f.set(lanes);
      const at = pushAddress(f, address, offset + lane * step * 4);
      f.get(lanes).memoryLane("v128.load32_lane", lane, at);
    }
    f.release(lanes);
  }
}

/** Stores the first `count` lanes of what `value` pushes, `step` apart; int32 truncates. */
export function storeLanes(
  f: FunctionBuilder,
  address: Local,
  element: number,
  step: number,
  count: number,
  value: Code,
  dtype: DType = "float32",
): void {
  const offset = element * 4;
  const convert = (): void => {
    value();
    if (dtype === "int32") f.op("i32x4.trunc_sat_f32x4_s");
  };
  if (step === 1 && count === 4) {
    const at = pushAddress(f, address, offset);
    convert();
    f.memory("v128.store", at);
    return;
  }
  const lanes = f.local("v128");
  convert();
  f.set(lanes);
  let lane = 0;
  if (step === 1 && count >= 2) {
    const at = pushAddress(f, address, offset);
    f.get(lanes).memoryLane("v128.store64_lane", 0, at);
    lane = 2;
  }
  for (; lane < count; lane++) {
    const at = pushAddress(f, address, offset + lane * step * 4);
    f.get(lanes).memoryLane("v128.store32_lane", lane, at);
  }
  f.release(lanes);
}

/** A vector of a row: its first element, counted from the addresses given with it, and its lanes. */
export interface RowVector {
  readonly element: number;
  readonly count: number;
}

/** A row to be visited; a length that is a local is known when the code runs. */
export interface Row {
  /** Elements. A length in a local is a multiple of 4, or has the remainder `tail`. */
  readonly length: number | Local;
  /** Remainder of the length by 4, which code is written for. */
  readonly tail: number;
  /** Vectors that are worked on together. */
  readonly unroll: number;
  /** Rows of at most so many vectors are written without a loop. */
  readonly straight: number;
  /** Address of the first element and distance of elements, in elements, per operand. */
  readonly addresses: readonly Local[];
  readonly steps: readonly number[];
}

/** Visits the vectors of a row in order, up to `unroll` of them at once. */
export function emitRow(
  f: FunctionBuilder,
  row: Row,
  body: (addresses: readonly Local[], vectors: readonly RowVector[]) => void,
): void {
  const { length, tail, unroll, addresses, steps } = row;
  const visit = (from: readonly Local[], first: number, count: number): void => {
    const vectors: RowVector[] = [];
    for (let i = 0; i < count; i++) vectors.push({ element: (first + i) * 4, count: 4 });
    body(from, vectors);
  };
  if (typeof length === "number") {
    const vectors = Math.floor(length / 4);
    if (vectors <= Math.max(row.straight, unroll)) {
      for (let i = 0; i < vectors; i += unroll) {
        visit(addresses, i, Math.min(unroll, vectors - i));
      }
      if (tail > 0) body(addresses, [{ element: vectors * 4, count: tail }]);
      return;
    }
  }
  const moving = addresses.map((address, i) => {
    if (steps[i] === 0) return address;
    const local = f.local("i32");
    f.get(address).set(local);
    return local;
  });
  const advance = (elements: number): void => {
    for (const [i, address] of moving.entries()) {
      if (steps[i] !== 0) f.increment(address, elements * steps[i]! * 4);
    }
  };
  const left = f.local("i32");
  f.push(length).set(left);
  const loop = (vectors: number): void => {
    f.block((exit) => {
      f.loop((again) => {
        f.get(left)
          .i32(vectors * 4)
          .op("i32.lt_s")
          .branchIf(exit);
        visit(moving, 0, vectors);
        advance(vectors * 4);
        f.increment(left, -vectors * 4).branch(again);
      });
    });
  };
  loop(unroll);
  if (typeof length === "number") {
    const rest = Math.floor(length / 4) % unroll;
    if (rest > 0) visit(moving, 0, rest);
    if (tail > 0) body(moving, [{ element: rest * 4, count: tail }]);
  } else {
    if (unroll > 1) loop(1);
    if (tail > 0) {
      f.get(left).i32(0).op("i32.gt_s");
      f.if(() => body(moving, [{ element: 0, count: tail }]));
    }
  }
  f.release(left, ...moving.filter((_, i) => steps[i] !== 0));
}

/** Reads the inputs of a row: those that are the same along it once, before the row. */
export interface RowReader {
  /** Pushes lanes of input `i` of a vector, `shift` elements further on. */
  load(i: number, at: readonly Local[], vector: RowVector, shift?: number): void;
  /** Gives the locals of the reader back. */
  release(): void;
}

/** Starts reading a row; `known` are inputs whose lanes are in locals already. */
export function rowReader(
  f: FunctionBuilder,
  dtypes: readonly DType[],
  steps: readonly number[],
  addresses: readonly Local[],
  known: ReadonlyMap<number, Local> = new Map(),
): RowReader {
  const own = new Map<number, Local>();
  for (const [i, dtype] of dtypes.entries()) {
    if (steps[i] !== 0 || known.has(i)) continue;
    const local = f.local("v128");
    loadLanes(f, addresses[i]!, 0, 0, 4, dtype);
    f.set(local);
    own.set(i, local);
  }
  return {
    load(i, at, { element, count }, shift = 0) {
      const splat = own.get(i) ?? known.get(i);
      const step = steps[i]!;
      if (splat !== undefined && shift === 0) f.get(splat);
      else loadLanes(f, at[i]!, element * step + shift, step, count, dtypes[i]!);
    },
    release() {
      f.release(...own.values());
    },
  };
}
