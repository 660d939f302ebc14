import { expect, test } from "vitest";
import { boxMuller } from "./normal.ts";
import { RandomStream } from "./random.ts";

const whole = 2 ** 24;

test("agrees with the engine's logarithm and cosine", () => {
  const stream = new RandomStream(1, "pairs");
  for (let i = 0; i < 200_000; i++) {
    const [a, b] = [stream.integer(whole), stream.integer(whole)];
    const radius = Math.sqrt(-2 * Math.log(1 - a / whole));
    const expected = radius * Math.cos((2 * Math.PI * b) / whole);
    // The engine's cosine sees 2π b/2²⁴ rounded, which near its zeros is an error of up to 2⁻⁵¹.
    expect(Math.abs(boxMuller(a, b) - expected)).toBeLessThan(4e-16 * (radius + 4));
  }
});

test("is exact where the transform is", () => {
  expect(boxMuller(0, 12345)).toBeCloseTo(0, 15);
  expect(boxMuller(whole / 2, 0)).toBe(Math.sqrt(2 * Math.LN2));
  expect(boxMuller(whole / 2, whole / 2)).toBe(-Math.sqrt(2 * Math.LN2));
  expect(boxMuller(whole / 2, whole / 4)).toBeCloseTo(0, 15);
  expect(boxMuller(whole - 1, 0)).toBeCloseTo(Math.sqrt(48 * Math.LN2), 14);
});

test("a stream gives the same numbers one by one and all at once", () => {
  const [one, all] = [new RandomStream(3, "weights"), new RandomStream(3, "weights")];
  const expected = Float32Array.from({ length: 1000 }, () => 0.5 + 2 * one.normal());
  expect(all.normals(1000, 0.5, 2)).toEqual(expected);
  expect(all.position).toBe(one.position);
  const mean = expected.reduce((sum, x) => sum + x / 1000, 0);
  const variance = expected.reduce((sum, x) => sum + (x - mean) ** 2 / 999, 0);
  expect(Math.abs(mean - 0.5)).toBeLessThan(4 * (2 / Math.sqrt(1000)));
  expect(Math.abs(variance - 4)).toBeLessThan(4 * 4 * Math.sqrt(2 / 999));
});
