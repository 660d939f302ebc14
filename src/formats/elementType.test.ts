import { describe, expect, it } from "vitest";
import { FormatError } from "../core/errors.ts";
import { decodeElements, encodeElements } from "./elementType.ts";
import { decodeBfloat16, decodeFloat16, encodeBfloat16, encodeFloat16 } from "./float16.ts";

const bits = (values: Float32Array) =>
  new Uint32Array(values.buffer, values.byteOffset, values.length);

describe("float16", () => {
  it("decodes all 65,536 numbers and encodes them back", () => {
    const halves = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const values = decodeFloat16(halves);
    // IEEE 754: (−1)^s · 2^(e−15) · (1 + f/1024), subnormal below, infinite and no number at e = 31.
    halves.forEach((half, i) => {
      const sign = half >= 0x8000 ? -1 : 1;
      const exponent = (half >> 10) & 31;
      const fraction = half & 1023;
      const expected =
        exponent === 31
          ? fraction === 0
            ? sign * Infinity
            : Number.NaN
          : exponent === 0
            ? sign * fraction * 2 ** -24
            : sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
      expect(Object.is(values[i], expected)).toBe(true);
    });
    const again = encodeFloat16(values);
    const isQuietNan = (half: number) => (half & 0x7c00) === 0x7c00 && (half & 0x3ff) !== 0;
    halves.forEach((half, i) => {
      expect(again[i]).toBe(isQuietNan(half) ? half | 0x200 : half);
    });
  });

  it("rounds to nearest, ties to even", () => {
    const cases: [number, number][] = [
      [1 + 2 ** -11, 1],
      [1 + 3 * 2 ** -11, 1 + 2 ** -9],
      [1 + 2 ** -11 + 2 ** -20, 1 + 2 ** -10],
      [65519.996, 65504],
      [65520, Infinity],
      [-1e30, -Infinity],
      [2 ** -25, 0],
      [2 ** -25 * 1.0001, 2 ** -24],
      [3 * 2 ** -25, 2 ** -23],
      [2 ** -14 - 2 ** -25, 2 ** -14],
    ];
    const rounded = decodeFloat16(encodeFloat16(Float32Array.from(cases, ([value]) => value)));
    expect([...rounded]).toEqual(cases.map(([, result]) => result));
  });
});

describe("bfloat16", () => {
  it("is the upper half of a float32, rounded to even", () => {
    const values = Float32Array.of(1, -3.5, Infinity, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 3.4e38, 1e-45);
    expect([...decodeBfloat16(encodeBfloat16(values))]).toEqual([
      1,
      -3.5,
      Infinity,
      1,
      1 + 2 ** -6,
      Infinity,
      0,
    ]);
    const nan = new Float32Array(Uint32Array.of(0x7f800001).buffer);
    expect(bits(decodeBfloat16(encodeBfloat16(nan)))[0]! & 0x7fffffff).toBe(0x7fc00000);
  });
});

describe("elements", () => {
  it("are read from any place in a buffer", () => {
    const bytes = new Uint8Array(9);
    bytes.set(new Uint8Array(Float32Array.of(1.5, -2).buffer), 1);
    expect([...decodeElements(bytes.subarray(1), "float32", "x")]).toEqual([1.5, -2]);
  });
  it("must be whole", () => {
    expect(() => decodeElements(new Uint8Array(7), "int16", "x")).toThrow(
      /7 bytes are not a whole/,
    );
  });
  it("saturate when asked to", () => {
    const wide = new Uint8Array(BigInt64Array.of(2n ** 40n, -(2n ** 40n), -1n).buffer);
    expect([...decodeElements(wide, "int64", "x", "saturate")]).toEqual([
      2 ** 31 - 1,
      -(2 ** 31),
      -1,
    ]);
    expect([...decodeElements(wide.subarray(16), "uint64", "x", "saturate")]).toEqual([
      2 ** 31 - 1,
    ]);
    expect(() => decodeElements(wide, "int64", "x")).toThrow(FormatError);
  });
  it("refuse what their type cannot hold", () => {
    expect(() => encodeElements(Int32Array.of(-1), "uint8", "x")).toThrow(/element 0 is -1/);
    expect(() => encodeElements(Float32Array.of(Number.NaN), "int32", "x")).toThrow(/is NaN/);
  });
});
