import { describe, expect, test } from "vitest";
import { errorFunction } from "../../../test/wasm/hostTensor.ts";
import { ModuleBuilder } from "./assembler.ts";
import { emitMath, type MathFunction, mathFunctions } from "./mathCode.ts";

/** Applies a function to arrays, four elements at a time, through WebAssembly. */
function apply(name: MathFunction, ...operands: Float32Array[]): Float32Array {
  const count = operands[0]!.length;
  const bytes = Math.ceil(count / 4) * 16;
  const pages = Math.ceil((3 * bytes) / 65536) + 1;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const builder = new ModuleBuilder({ initial: pages, maximum: pages, shared: false });
  const index = builder.function(["i32", "i32"], [], (f) => {
    const pointer = f.parameter(0);
    f.for(pointer, 0, f.parameter(1), 16, () => {
      f.get(pointer);
      for (let i = 0; i < mathFunctions[name]; i++) f.get(pointer).memory("v128.load", i * bytes);
      emitMath(f, name);
      f.memory("v128.store", 2 * bytes);
    });
  });
  builder.export("apply", index);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(builder.encode()), {
    env: { memory },
  });
  for (const [i, data] of operands.entries()) {
    new Float32Array(memory.buffer, i * bytes, count).set(data);
  }
  (instance.exports.apply as (a: number, b: number) => void)(0, bytes);
  return new Float32Array(memory.buffer, 2 * bytes, count).slice();
}

/** Size of the unit in the last place of float32 at a value. */
function unit(value: number): number {
  const exponent = Math.floor(Math.log2(Math.abs(value)));
  return 2 ** (Math.max(exponent, -126) - 23);
}

function worstError(
  results: Float32Array,
  expected: (i: number) => number,
): { ulps: number; at: number } {
  let worst = { ulps: 0, at: -1 };
  for (const [i, got] of results.entries()) {
    const want = expected(i);
    if (Number.isNaN(want) ? Number.isNaN(got) : Object.is(got, Math.fround(want))) continue;
    const limit = Number.isFinite(want) ? want : Math.sign(want) * 2 ** 128;
    const value = Number.isFinite(got) ? got : Math.sign(got) * 2 ** 128;
    const ulps = want === 0 || limit === 0 ? Infinity : Math.abs(value - limit) / unit(limit);
    if (!(ulps <= worst.ulps)) worst = { ulps: Number.isNaN(ulps) ? Infinity : ulps, at: i };
  }
  return worst;
}

/** Every `step`-th float32 there is, of both signs: zeros, denormals, infinities, NaNs included. */
function allFloats(step: number): Float32Array {
  const count = Math.ceil(2 ** 32 / step);
  const bits = new Int32Array(count);
  for (let i = 0; i < count; i++) bits[i] = (i * step) | 0;
  return new Float32Array(bits.buffer);
}

const special = new Float32Array([
  0,
  -0,
  1,
  -1,
  2,
  -2,
  0.5,
  -0.5,
  1e-45,
  -1e-45,
  1.1754944e-38,
  3.4028235e38,
  -3.4028235e38,
  Infinity,
  -Infinity,
  NaN,
  88.72284,
  88.7229,
  -87.33655,
  -103.97,
  -103.98,
  1e-20,
  -1e-20,
  0.625,
  0.9999999,
  1.0000001,
  3.9192,
  4,
  9,
  10,
  20,
  -20,
]);

const unary: { name: MathFunction; exact: (x: number) => number; ulps: number }[] = [
  { name: "exponential", exact: Math.exp, ulps: 1 },
  { name: "logarithm", exact: Math.log, ulps: 0.8 },
  { name: "tanh", exact: Math.tanh, ulps: 1.3 },
  { name: "erf", exact: errorFunction, ulps: 1.5 },
  { name: "sine", exact: Math.sin, ulps: 1.6 },
  { name: "cosine", exact: Math.cos, ulps: 1.6 },
];

describe("functions of one argument against float64", () => {
  for (const { name, exact, ulps } of unary) {
    test(`${name}: at most ${ulps} ulp over all magnitudes`, () => {
      for (const x of [allFloats(4657), special]) {
        const worst = worstError(apply(name, x), (i) => exact(x[i]!));
        expect(worst.ulps, `at ${x[worst.at]}`).toBeLessThanOrEqual(ulps);
      }
    });
    test(`${name}: at most ${ulps} ulp on a dense grid from -20 to 20`, () => {
      const x = Float32Array.from({ length: 400_000 }, (_, i) => (i - 200_000) * 1e-4);
      const worst = worstError(apply(name, x), (i) => exact(x[i]!));
      expect(worst.ulps, `at ${x[worst.at]}`).toBeLessThanOrEqual(ulps);
    });
  }
  test("a lane's value does not depend on its neighbours", () => {
    const x = allFloats(1_000_003);
    for (const { name } of unary) {
      const straight = apply(name, x);
      const reversed = apply(name, x.toReversed()).toReversed();
      expect(new Int32Array(straight.buffer)).toEqual(new Int32Array(reversed.buffer));
    }
  });
});

describe("power", () => {
  const check = (a: Float32Array, b: Float32Array, ulps: number): void => {
    const worst = worstError(apply("power", a, b), (i) => a[i]! ** b[i]!);
    expect(worst.ulps, `${a[worst.at]} to the ${b[worst.at]}`).toBeLessThanOrEqual(ulps);
  };
  test("at most 1 ulp for bases of all magnitudes and exponents that keep the result finite", () => {
    const a = allFloats(9001).filter((x) => x >= 0 && x < Infinity);
    for (const exponent of [0.75, -0.75, 0.5, 1, 1.7, -2, 3, 10.3, 0.001, -33.3]) {
      check(a, new Float32Array(a.length).fill(exponent), 1);
    }
  });
  test("schedules: decay factors to large counts", () => {
    const a = Float32Array.from({ length: 40_000 }, (_, i) => 0.9 + ((i % 200) + 1) * 5e-4);
    const b = Float32Array.from({ length: 40_000 }, (_, i) => Math.floor(i / 200) * 37);
    check(a, b, 1);
  });
  test("negative bases: integer exponents have a sign, others no value", () => {
    const a = Float32Array.of(-2, -2, -2, -2, -0.5, -1.5, -3, -1, -1, -7);
    const b = Float32Array.of(2, 3, -1, 0.5, 5, -3, 1.5, 1e9, 16777215, 0);
    check(a, b, 1);
  });
  test("zeros, ones, infinities and NaN", () => {
    const values = [0, -0, 1, 2, 0.5, Infinity, NaN];
    const exponents = [0, -0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, 1e30, -1e30, Infinity, -Infinity];
    const pairs = values.flatMap((a) => exponents.map((b) => [a, b] as const));
    // JavaScript has no value for 1 to the infinite; C, IEEE 754 and PyTorch have 1.
    const defined = pairs.filter(([a, b]) => !(a === 1 && !Number.isFinite(b)));
    check(
      Float32Array.from(defined, (p) => p[0]),
      Float32Array.from(defined, (p) => p[1]),
      1,
    );
    const one = apply("power", Float32Array.of(1, 1, 1), Float32Array.of(NaN, Infinity, -Infinity));
    expect([...one]).toEqual([1, 1, 1]);
  });
});
