import { describe, expect, test } from "vitest";
import { bytesToPhysical, physicalStrides, toLogical, toPhysical } from "./layout.ts";

describe("physical order", () => {
  test("rank 4 is channels-last, every other rank row-major", () => {
    expect(physicalStrides([2, 3, 4, 5])).toEqual([60, 1, 15, 3]);
    expect(physicalStrides([3, 4, 5])).toEqual([20, 5, 1]);
    expect(physicalStrides([])).toEqual([]);
  });
  test("values go there and back", () => {
    for (const shape of [[2, 3, 4, 5], [1, 1, 3, 3], [2, 7, 1, 1], [4, 6], [5]]) {
      const count = shape.reduce((a, b) => a * b, 1);
      const logical = new Float32Array(count).map((_, i) => i);
      const physical = new Float32Array(count);
      toPhysical(logical, shape, physical);
      const strides = physicalStrides(shape);
      const last = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis]!, 0);
      expect(physical[last]).toBe(count - 1);
      const back = new Float32Array(count);
      toLogical(physical, shape, back);
      expect(back).toEqual(logical);
    }
  });
  test("bytes become normalised floats, channel by channel", () => {
    const bytes = Uint8Array.of(0, 255, 51, 102, 0, 255);
    const physical = new Float32Array(6);
    bytesToPhysical(bytes, 3, physical, [0, 0.5, 0.2], [1, 0.5, 0.1]);
    const expected = [0, 1, 0, 0.4, -1, 8].map(Math.fround);
    for (const [i, value] of expected.entries()) expect(physical[i]).toBeCloseTo(value, 6);
  });
});
