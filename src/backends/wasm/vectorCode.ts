/**
 * Formulas on vectors of four lanes, written as nested calls instead of stack code. A `Code` pushes
 * one v128 when it is run; `evaluate` runs one and keeps the value in a local.
 */
import type { FunctionBuilder, Local } from "./assembler.ts";
import type { Instruction } from "./instructions.ts";
import type { Features } from "./kernel.ts";

/** Pushes one value. */
export type Code = () => void;

/** A vector operand: a local, code, or a number standing for four equal float32 lanes. */
export type Lanes = Local | Code | number;

export interface VectorCode {
  /** Pushes an operand. */
  push(operand: Lanes): void;
  /** Keeps the value in a fresh local. */
  evaluate(operand: Lanes): Local;
  /** Any instruction applied to operands. */
  op(name: Instruction, ...operands: readonly Lanes[]): Code;
  add(a: Lanes, b: Lanes): Code;
  sub(a: Lanes, b: Lanes): Code;
  mul(a: Lanes, b: Lanes): Code;
  div(a: Lanes, b: Lanes): Code;
  /** `a`, but at most `limit`, a number: NaN stays. One x86 instruction, where the general minimum is eight. */
  atMost(a: Lanes, limit: number): Code;
  /** `a`, but at least `limit`, a number: NaN stays, and −0 where the limit is 0. */
  atLeast(a: Lanes, limit: number): Code;
  and(a: Lanes, b: Lanes): Code;
  or(a: Lanes, b: Lanes): Code;
  /** `a` where the mask is set, `b` elsewhere. */
  choose(mask: Lanes, a: Lanes, b: Lanes): Code;
  /** Shift of four int32 lanes. */
  shift(name: "i32x4.shl" | "i32x4.shr_s" | "i32x4.shr_u", a: Lanes, bits: number): Code;
  /** Four equal int32 lanes. */
  int(value: number): Code;
  /** Two equal float64 lanes. */
  double(value: number): Code;
  /** c₀ + x (c₁ + x (c₂ + …)), float32. */
  polynomial(x: Local, coefficients: readonly number[]): Code;
  /** The same in float64. */
  polynomial64(x: Local, coefficients: readonly number[]): Code;
}

/** Vector formulas written into `f`. */
export function vectorCode(f: FunctionBuilder): VectorCode {
  const push = (operand: Lanes): void => {
    if (typeof operand === "function") operand();
    else if (typeof operand === "number") f.get(f.constant("f32x4", operand));
    else f.get(operand);
  };
  const op =
    (name: Instruction, ...operands: readonly Lanes[]): Code =>
    () => {
      for (const operand of operands) push(operand);
      f.op(name);
    };
  const horner = (x: Local, coefficients: readonly number[], lanes: "f32x4" | "f64x2"): Code => {
    const constants = coefficients.map((value) => f.constant(lanes, value));
    return () => {
      f.get(constants.at(-1)!);
      for (let i = constants.length - 2; i >= 0; i--) {
        f.get(x).op(`${lanes}.mul`).get(constants[i]!).op(`${lanes}.add`);
      }
    };
  };
  return {
    push,
    op,
    evaluate(operand) {
      push(operand);
      const local = f.local("v128");
      f.set(local);
      return local;
    },
    add: (a, b) => op("f32x4.add", a, b),
    sub: (a, b) => op("f32x4.sub", a, b),
    mul: (a, b) => op("f32x4.mul", a, b),
    div: (a, b) => op("f32x4.div", a, b),
    atMost: (a, limit) => op("f32x4.pmin", a, limit),
    atLeast: (a, limit) => op("f32x4.pmax", a, limit),
    and: (a, b) => op("v128.and", a, b),
    or: (a, b) => op("v128.or", a, b),
    choose: (mask, a, b) => op("v128.bitselect", a, b, mask),
    shift: (name, a, bits) => () => {
      push(a);
      f.i32(bits).op(name);
    },
    int: (value) => () => f.get(f.constant("i32x4", value)),
    double: (value) => () => f.get(f.constant("f64x2", value)),
    polynomial: (x, coefficients) => horner(x, coefficients, "f32x4"),
    polynomial64: (x, coefficients) => horner(x, coefficients, "f64x2"),
  };
}

/**
 * The instruction that takes whole lanes of its first operand where the mask is set and of the second
 * elsewhere. Masks of comparisons have equal bits in a lane, for which both mean the same; the
 * relaxed one is a single x86 instruction, the other three.
 */
export function laneSelect({ relaxedMadd }: Features): Instruction {
  return relaxedMadd ? "i32x4.relaxed_laneselect" : "v128.bitselect";
}
