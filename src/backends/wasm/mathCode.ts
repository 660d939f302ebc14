/**
 * Elementary functions on four float32 lanes, from additions, multiplications and divisions that
 * IEEE 754 rounds in one way only. No fused multiply-add is used here: what these functions return
 * is then the same in every engine, with or without relaxed SIMD.
 *
 * Each function reduces its argument to a short interval and evaluates a minimax polynomial there
 * (Remez exchange on the weighted error, coefficients rounded to float32). Largest errors, in units
 * in the last place, against float64 (mathCode.test.ts): exponential 1.0, logarithm 0.8, tanh 1.3,
 * erf 1.5, sine and cosine 1.6, power 1.0.
 */
import type { FunctionBuilder, Local } from "./assembler.ts";
import { type Code, type VectorCode, vectorCode } from "./vectorCode.ts";

/** Functions of this file and their number of arguments. */
export const mathFunctions = {
  exponential: 1,
  logarithm: 1,
  tanh: 1,
  erf: 1,
  sine: 1,
  cosine: 1,
  power: 2,
} as const;

export type MathFunction = keyof typeof mathFunctions;

/** Writes a function's code: takes the arguments in locals, which stay as they are, and pushes the result. */
type Emitter = (f: FunctionBuilder, ...operands: Local[]) => void;

const emitters: { readonly [Name in MathFunction]: Emitter } = {
  exponential: emitExponential,
  logarithm: emitLogarithm,
  tanh: emitTanh,
  erf: emitErf,
  sine: (f, x) => emitTrigonometric(f, x, 0),
  cosine: (f, x) => emitTrigonometric(f, x, 1),
  power: emitPower,
};

/**
 * Takes the arguments from the stack and pushes the function's value. All functions are written in
 * line: V8's joining of vectors ends the process at neighbouring stores of what calls return (Node
 * 26.10), and in line even the longest are faster.
 */
export function emitMath(f: FunctionBuilder, name: MathFunction): void {
  const operands = f.locals("v128", mathFunctions[name]);
  for (const operand of operands.toReversed()) f.set(operand);
  emitters[name](f, ...operands);
  f.release(...operands);
}

/** ln 2 in two parts; the first has so few bits that its product with an exponent is exact. */
const ln2High = 0.693359375;
const ln2Low = -0.00021219444170128554;

/** e^r for |r| ≤ ln2/2. */
function exponentialCore(v: VectorCode, r: Local): Code {
  const q = v.polynomial(
    r,
    [
      0.5000000095516036, 0.16666518605249506, 0.041666204814674264, 0.008368917695310485,
      0.001395055417605466,
    ],
  );
  return v.add(v.add(v.mul(v.mul(r, r), q), r), 1);
}

/**
 * Added to a small float32 it leaves the nearest integer in the low bits of the sum: rounding and
 * conversion in one addition, where V8's conversion takes eight instructions to mind the limits.
 */
const rounding = 1.5 * 2 ** 23;

/** The same for float64. */
const rounding64 = 1.5 * 2 ** 52;

/** 2^n for an integer from −126 to 127 in the low bits of `n`; what is above them does not matter. */
function powerOfTwo(v: VectorCode, n: Code | Local): Code {
  return v.op("i32x4.add", v.shift("i32x4.shl", n, 23), v.int(127 << 23));
}

/** Pushes e^r 2^n, |r| ≤ ln2/2 and n an int32 from −252 to 254: two factors, as 2^n may not be normal. */
function emitScaled(f: FunctionBuilder, v: VectorCode, r: Local, n: Local): void {
  const half = v.evaluate(v.shift("i32x4.shr_s", n, 1));
  const rest = v.op("i32x4.sub", n, half);
  v.push(v.mul(v.mul(exponentialCore(v, r), powerOfTwo(v, half)), powerOfTwo(v, rest)));
  f.release(half);
}

/** x = n ln2 + r with |r| ≤ ln2/2; `sum` has n in its low bits. */
function reduceExponential(f: FunctionBuilder, v: VectorCode, x: Code): { sum: Local; r: Local } {
  const clamped = v.evaluate(x);
  const sum = v.evaluate(v.add(v.mul(clamped, Math.LOG2E), rounding));
  const n = v.evaluate(v.sub(sum, rounding));
  const r = v.evaluate(v.sub(v.sub(clamped, v.mul(n, ln2High)), v.mul(n, ln2Low)));
  f.release(clamped, n);
  return { sum, r };
}

function emitExponential(f: FunctionBuilder, x: Local): void {
  const v = vectorCode(f);
  const { sum, r } = reduceExponential(f, v, v.atMost(v.atLeast(x, -104), 89));
  const exponent = v.evaluate(v.op("i32x4.sub", sum, rounding));
  emitScaled(f, v, r, exponent);
  f.release(sum, r, exponent);
}

/** x = m 2^e with m in [√½, √2): both float32. For x ≤ 0, infinite or NaN the values mean nothing. */
function splitExponent(f: FunctionBuilder, v: VectorCode, x: Local): { m: Local; e: Local } {
  const smallestNormal = 2 ** -126;
  const tiny = v.evaluate(v.op("f32x4.lt", x, smallestNormal));
  const bits = v.evaluate(v.choose(tiny, v.mul(x, 2 ** 23), x));
  // Counting from √½, so that the exponent steps at √2 and not at 1.
  const offset = v.evaluate(v.op("i32x4.sub", bits, v.int(0x3f3504f3)));
  const exponent = v.op("f32x4.convert_i32x4_s", v.shift("i32x4.shr_s", offset, 23));
  const e = v.evaluate(v.sub(exponent, v.and(tiny, 23)));
  const m = v.evaluate(v.op("i32x4.add", v.and(offset, v.int(0x7fffff)), v.int(0x3f3504f3)));
  f.release(tiny, bits, offset);
  return { m, e };
}

function emitLogarithm(f: FunctionBuilder, x: Local): void {
  const v = vectorCode(f);
  const { m, e } = splitExponent(f, v, x);
  const t = v.evaluate(v.sub(m, 1));
  const square = v.evaluate(v.mul(t, t));
  const cubic = v.polynomial(
    t,
    [
      0.3333331044225205, -0.2499998659500612, 0.20002226440665577, -0.16669250805063773,
      0.14218661311690795, -0.12384350712688773, 0.11872956748408334, -0.11789791275732486,
      0.06915392752998858,
    ],
  );
  const low = v.add(v.mul(v.mul(t, square), cubic), v.mul(e, ln2Low));
  const finite = v.evaluate(v.add(v.add(v.sub(low, v.mul(square, 0.5)), t), v.mul(e, ln2High)));
  // Outside (0, ∞): +∞ stays, 0 gives −∞, what is below or NaN gives NaN.
  const edge = v.choose(v.op("f32x4.eq", x, 0), -Infinity, v.op("f32x4.sqrt", x));
  const inside = v.and(v.op("f32x4.gt", x, 0), v.op("f32x4.lt", x, Infinity));
  v.push(v.choose(inside, finite, edge));
  f.release(m, e, t, square, finite);
}

/** Magnitude of `a` with the sign of `b`. */
function withSign(v: VectorCode, a: Code | Local, b: Local): Code {
  return v.choose(v.int(0x7fffffff), a, b);
}

function emitTanh(f: FunctionBuilder, x: Local): void {
  const v = vectorCode(f);
  const z = v.evaluate(v.mul(x, x));
  const cubic = v.polynomial(
    z,
    [
      -0.33333283924937057, 0.13331491277694332, -0.05374349722280222, 0.020650584319810848,
      -0.005717041639225494,
    ],
  );
  const near = v.evaluate(v.add(v.mul(v.mul(x, z), cubic), x));
  // 1 − 2/(e^{2|x|} + 1); it is 1 long before 2|x| = 30.
  const magnitude = v.evaluate(v.op("f32x4.abs", x));
  const { sum, r } = reduceExponential(f, v, v.atMost(v.add(magnitude, magnitude), 30));
  const scale = powerOfTwo(v, sum);
  const exponential = v.mul(exponentialCore(v, r), scale);
  const far = v.sub(1, v.div(2, v.add(exponential, 1)));
  const isNear = v.op("f32x4.lt", magnitude, 0.625);
  v.push(withSign(v, v.choose(isNear, near, far), x));
  f.release(z, near, magnitude, sum, r);
}

function emitErf(f: FunctionBuilder, x: Local): void {
  const v = vectorCode(f);
  const z = v.evaluate(v.mul(x, x));
  const q = v.polynomial(
    z,
    [
      0.12837915379871442, -0.376125232734651, 0.1128214077002257, -0.026778907172165467,
      0.00501196008039695, -0.0006090345509365457,
    ],
  );
  const near = v.evaluate(v.add(v.mul(x, q), x));
  // erf = 1 − 2^p(|x|) with p = log₂ erfc, which is smooth; from 3.93 on erf is 1. What is taken
  // from 1 is at most 0.2, so the power needs fewer digits than the exponential has.
  const magnitude = v.evaluate(v.atMost(v.op("f32x4.abs", x), 4));
  const p = v.evaluate(
    v.polynomial(
      magnitude,
      [
        0.0002460545502952692, -1.6295170648537227, -0.9137837731467245, -0.15615243532012532,
        0.03619937916195969, -0.006002372240794234, 0.0006236815534194552, -3.0166128678013383e-5,
      ],
    ),
  );
  const sum = v.evaluate(v.add(p, rounding));
  const r = v.evaluate(v.sub(p, v.sub(sum, rounding)));
  const power = v.polynomial(
    r,
    [
      1, 0.6931472152690049, 0.24022231575568154, 0.05550307613073515, 0.009672077229259557,
      0.0013407534263743465,
    ],
  );
  const far = v.sub(1, v.mul(power, powerOfTwo(v, sum)));
  const isNear = v.op("f32x4.lt", magnitude, 0.9);
  v.push(withSign(v, v.choose(isNear, near, far), x));
  f.release(z, near, magnitude, p, sum, r);
}

/** The upper two float32 lanes as float64. */
function promoteHigh(f: FunctionBuilder, x: Local): Code {
  return () => f.get(x).get(x).shuffle(2, 3, 2, 3).op("f64x2.promote_low_f32x4");
}

/** Four float32 lanes from two pairs of float64 lanes. */
function demoted(f: FunctionBuilder, low: Local, high: Local): Code {
  const instruction = "f32x4.demote_f64x2_zero";
  return () => f.get(low).op(instruction).get(high).op(instruction).shuffle(0, 1, 4, 5);
}

/** The low 32 bits of two pairs of float64 lanes. */
function lowBits(f: FunctionBuilder, low: Local, high: Local): Code {
  return () => f.get(low).get(high).shuffle(0, 2, 4, 6);
}

/** Pieces of 2/π of 24 bits each: their products with a float32 are exact in float64. */
const twoOverPi = [
  10680707, 7228996, 1387004, 2578385, 16069853, 12639074, 9804092, 4427841, 16666979,
] as const;

/**
 * sin(x + quadrant π/2). The argument is reduced in float64: x = k π/2 + r by a two-part π/2 while
 * |x| < 2¹⁸; beyond, x · 2/π modulo 4 from exact products with the pieces of 2/π, each reduced
 * before it is added, so that even 2¹²⁷ keeps all its bits.
 */
function emitTrigonometric(f: FunctionBuilder, x: Local, quadrant: 0 | 1): void {
  const v = vectorCode(f);
  const k = f.local("v128");
  const r = f.local("v128");
  /** Rounds a count of quarter turns; its integer is in the low bits of the sum. */
  const roundTurns = (count: Code | Local): { sum: Local; turn: Local } => {
    const sum = v.evaluate(v.op("f64x2.add", count, v.double(rounding64)));
    return { sum, turn: v.evaluate(v.op("f64x2.sub", sum, v.double(rounding64))) };
  };
  const join = (sums: readonly Local[], rests: readonly Local[]): void => {
    v.push(lowBits(f, sums[0]!, sums[1]!));
    f.set(k);
    v.push(demoted(f, rests[0]!, rests[1]!));
    f.set(r);
    f.release(...sums, ...rests);
  };
  const halves = [v.op("f64x2.promote_low_f32x4", x), promoteHigh(f, x)].map(v.evaluate);
  v.push(v.op("f32x4.gt", v.op("f32x4.abs", x), 2 ** 18));
  f.op("v128.any_true").if(
    () => {
      const sums: Local[] = [];
      const rests: Local[] = [];
      for (const half of halves) {
        const product = f.local("v128");
        const sum = v.evaluate(v.double(0));
        for (const [i, piece] of twoOverPi.entries()) {
          v.push(v.op("f64x2.mul", half, v.double(piece * 2 ** (-24 * (i + 1)))));
          f.set(product);
          const whole = v.op("f64x2.floor", v.op("f64x2.mul", product, v.double(0.25)));
          v.push(
            v.op(
              "f64x2.add",
              sum,
              v.op("f64x2.sub", product, v.op("f64x2.mul", whole, v.double(4))),
            ),
          );
          f.set(sum);
        }
        const rounded = roundTurns(sum);
        const rest = v.op("f64x2.sub", sum, rounded.turn);
        sums.push(rounded.sum);
        rests.push(v.evaluate(v.op("f64x2.mul", rest, v.double(Math.PI / 2))));
        f.release(product, sum, rounded.turn);
      }
      join(sums, rests);
    },
    () => {
      const sums: Local[] = [];
      const rests: Local[] = [];
      for (const half of halves) {
        const { sum, turn } = roundTurns(v.op("f64x2.mul", half, v.double(2 / Math.PI)));
        const high = v.op("f64x2.mul", turn, v.double(1.5707963267341256));
        const low = v.op("f64x2.mul", turn, v.double(6.077100506506192e-11));
        sums.push(sum);
        rests.push(v.evaluate(v.op("f64x2.sub", v.op("f64x2.sub", half, high), low)));
        f.release(turn);
      }
      join(sums, rests);
    },
  );
  const z = v.evaluate(v.mul(r, r));
  const sinePart = v.polynomial(
    z,
    [-0.1666666664152624, 0.008333329374037919, -0.0001983933096984095, 2.718274224320484e-6],
  );
  const sine = v.add(v.mul(v.mul(r, z), sinePart), r);
  const cosinePart = v.polynomial(
    z,
    [0.04166664680752682, -0.0013887364496853595, 2.443809189531525e-5],
  );
  const cosine = v.add(v.mul(v.mul(z, z), cosinePart), v.sub(1, v.mul(z, 0.5)));
  const turned = v.evaluate(v.op("i32x4.add", k, v.int(quadrant)));
  const odd = v.op("i32x4.ne", v.and(turned, v.int(1)), v.int(0));
  const sign = v.shift("i32x4.shl", v.and(turned, v.int(2)), 30);
  const value = v.op("v128.xor", v.choose(odd, cosine, sine), sign);
  // Sine keeps the sign of zero; infinities have no sine.
  const finite = v.op("f32x4.lt", v.op("f32x4.abs", x), Infinity);
  const atZero = quadrant === 0 ? v.choose(v.op("f32x4.eq", x, 0), x, value) : value;
  v.push(v.choose(finite, atZero, Number.NaN));
  f.release(k, r, z, turned, ...halves);
}

/**
 * a^b = 2^(b log₂|a|) with the logarithm and the product in float64, as an error of the exponent is
 * multiplied by up to 150 in the result. Odd integers b give the sign of a; a < 0 with another b is
 * NaN; a⁰ and 1^b are 1 whatever the other is.
 */
function emitPower(f: FunctionBuilder, a: Local, b: Local): void {
  const v = vectorCode(f);
  const base = v.evaluate(v.op("f32x4.abs", a));
  const { m, e } = splitExponent(f, v, base);
  const edge = v.evaluate(v.choose(v.op("f32x4.eq", base, 0), -Infinity, base));
  const inside = v.evaluate(v.and(v.op("f32x4.gt", base, 0), v.op("f32x4.lt", base, Infinity)));
  const sums: Local[] = [];
  const rests: Local[] = [];
  for (const high of [false, true]) {
    const widen = (x: Local): Code =>
      high ? promoteHigh(f, x) : v.op("f64x2.promote_low_f32x4", x);
    const mantissa = v.evaluate(widen(m));
    const s = v.evaluate(
      v.op(
        "f64x2.div",
        v.op("f64x2.sub", mantissa, v.double(1)),
        v.op("f64x2.add", mantissa, v.double(1)),
      ),
    );
    const z = v.evaluate(v.op("f64x2.mul", s, s));
    const p = v.polynomial64(
      z,
      [
        2.88539008177785, 0.9617966941134005, 0.5770779423468428, 0.41220925432246486,
        0.3199056120068346, 0.28290144493216884,
      ],
    );
    const finite = v.op("f64x2.add", v.op("f64x2.mul", s, p), widen(e));
    const first = high ? 2 : 0;
    const mask: Code = () =>
      f
        .get(inside)
        .get(inside)
        .shuffle(first, first, first + 1, first + 1);
    const logarithm = v.choose(mask, finite, widen(edge));
    const product = v.op("f64x2.mul", logarithm, widen(b));
    const limited = v.op("f64x2.pmax", product, v.double(-160));
    const y = v.evaluate(v.op("f64x2.pmin", limited, v.double(136)));
    const sum = v.evaluate(v.op("f64x2.add", y, v.double(rounding64)));
    const turn = v.op("f64x2.sub", sum, v.double(rounding64));
    const rest = v.op("f64x2.mul", v.op("f64x2.sub", y, turn), v.double(Math.LN2));
    rests.push(v.evaluate(rest));
    sums.push(sum);
    f.release(mantissa, s, z, y);
  }
  const n = v.evaluate(lowBits(f, sums[0]!, sums[1]!));
  const r = v.evaluate(demoted(f, rests[0]!, rests[1]!));
  const result = f.local("v128");
  emitScaled(f, v, r, n);
  f.set(result);
  v.push(v.choose(v.op("f32x4.eq", base, 1), 1, result));
  f.set(result);

  const half = v.evaluate(v.mul(b, 0.5));
  const even = v.op("f32x4.eq", half, v.op("f32x4.floor", half));
  const whole = v.op("f32x4.eq", b, v.op("f32x4.floor", b));
  const signBit = v.and(a, v.int(-0x80000000));
  const signed = v.op("v128.xor", result, v.op("v128.andnot", v.and(signBit, whole), even));
  const undefinedValue = v.op("v128.andnot", v.op("f32x4.lt", a, 0), whole);
  const value = v.choose(undefinedValue, Number.NaN, signed);
  const trivial = v.or(v.op("f32x4.eq", b, 0), v.op("f32x4.eq", a, 1));
  v.push(v.choose(trivial, 1, value));
  f.release(base, m, e, edge, inside, n, r, result, half, ...sums, ...rests);
}
