import { describe, expect, test } from "vitest";
import { GraphBuilder } from "./builder.ts";
import { slidingWindows } from "./poolWindows.ts";
import { type Fit, outputSize } from "./window.ts";

function size(input: number, kernel: number, stride: number, pad: number, fit: Fit): number {
  const window = {
    kernel: [kernel, kernel],
    stride: [stride, stride],
    dilation: [1, 1],
    padding: [pad, pad, pad, pad],
  } as const;
  return outputSize([input, input], window, fit, 'conv2d "conv1"')[0];
}

describe("outputSize", () => {
  test("of the lecture: a 7x7 input under a 3x3 kernel", () => {
    expect(size(7, 3, 1, 0, "strict")).toBe(5);
    expect(size(7, 3, 2, 0, "strict")).toBe(3);
    expect(size(7, 3, 1, 1, "strict")).toBe(7);
    expect(() => size(7, 3, 3, 0, "strict")).toThrow(
      'conv2d "conv1": input 7x7, kernel 3x3, stride 3, pad 0: (7 − 3)/3 + 1 = 2.33 does not fit; pad 1 gives 3x3, stride 2 gives 3x3; or choose fit "floor".',
    );
  });

  test("under floor and ceil", () => {
    expect(size(7, 3, 3, 0, "floor")).toBe(2);
    expect(size(7, 3, 3, 0, "ceil")).toBe(3);
    // The third window would start in the padding behind.
    expect(size(4, 2, 3, 1, "ceil")).toBe(2);
  });

  test("of a kernel that spans more than the input", () => {
    expect(size(3, 5, 3, 0, "ceil")).toBe(1);
    expect(() => size(3, 5, 2, 0, "ceil")).toThrow(/the kernel spans 5 pixels .* has 3;/);
    expect(() => size(3, 5, 3, 0, "floor")).toThrow(/padding of at least 1/);
  });
});

describe("slidingWindows", () => {
  const x = new GraphBuilder().input("x", [1, 1, 5, 1]);
  const rowsOf = (kernel: number, dilation: number, stride: number, padding: number) =>
    slidingWindows(
      x,
      {
        kernel: [kernel, 1],
        dilation: [dilation, 1],
        stride: [stride, 1],
        padding: [padding, 0],
        fit: "ceil",
      },
      "test",
    ).rows;

  test("count the elements inside the input, and those inside its padding", () => {
    expect(rowsOf(3, 1, 2, 1)).toEqual([
      { start: 0, count: 2, step: 1, size: 3 },
      { start: 1, count: 3, step: 1, size: 3 },
      { start: 3, count: 2, step: 1, size: 3 },
    ]);
  });

  test("count the elements of a dilated kernel, not what it spans", () => {
    expect(rowsOf(3, 2, 3, 1)).toEqual([
      { start: 1, count: 2, step: 2, size: 3 },
      { start: 2, count: 2, step: 2, size: 2 },
    ]);
  });
});
