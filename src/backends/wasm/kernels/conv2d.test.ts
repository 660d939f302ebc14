import { describe, expect, test } from "vitest";
import {
  describeGeometry,
  expectClose,
  expectSameBits,
  randomFloats,
  referenceConv2d,
  resultCount,
  termCount,
  testGeometries,
  tiles,
  weightCount,
} from "../../../../test/wasm/convolutionCases.ts";
import { runPlan } from "../../../../test/wasm/kernelRunner.ts";
import { input, scalar } from "../../../graph/expression.ts";
import { planConv2d } from "./conv2d.ts";

describe("conv2d against float64 loops, for every tile the same bits", () => {
  for (const geometry of testGeometries()) {
    test(describeGeometry(geometry), () => {
      const { images, size, channels } = geometry;
      const x = randomFloats(images * size[0] * size[1] * channels, 1);
      const weight = randomFloats(weightCount(geometry), 2);
      const expected = referenceConv2d(geometry, x, weight);
      const results = tiles.map((features) => {
        const plan = planConv2d(geometry, features, { winograd: "off" });
        return runPlan(plan, [x, weight], [{ length: resultCount(geometry) }], features)[0]!;
      });
      for (const result of results) {
        expectClose(result, expected, termCount(geometry));
        expectSameBits(result, results[0]!);
      }
    });
  }
});

describe("weights larger than the second-level cache, whose panels are loaded before the tiles use them", () => {
  const base = { images: 1, stride: [1, 1], dilation: [1, 1], groups: 1 } as const;
  const cases = [
    { ...base, size: [5, 3], channels: 530, filters: 523, kernel: [1, 1], padding: [0, 0, 0, 0] },
    { ...base, size: [7, 7], channels: 84, filters: 90, kernel: [3, 3], padding: [1, 1, 1, 1] },
  ] as const;
  test.each(cases)("$kernel", (geometry) => {
    const { size, channels } = geometry;
    const x = randomFloats(size[0] * size[1] * channels, 1);
    const weight = randomFloats(weightCount(geometry), 2);
    const expected = referenceConv2d(geometry, x, weight);
    const results = tiles.map((features) => {
      const plan = planConv2d(geometry, features, {});
      const packed = plan.temporaries.find(({ name }) => name === "packed")!;
      expect(packed.bytes).toBeGreaterThan(1 << 20);
      return runPlan(plan, [x, weight], [{ length: resultCount(geometry) }], features)[0]!;
    });
    for (const result of results) {
      // Winograd's method, which the second is computed by, rounds more.
      expectClose(result, expected, 10 * termCount(geometry));
      expectSameBits(result, results[0]!);
    }
  });
});

describe("epilogues", () => {
  const geometry = {
    images: 2,
    channels: 5,
    size: [6, 7],
    filters: 19,
    kernel: [3, 3],
    stride: [1, 1],
    padding: [1, 1, 1, 1],
    dilation: [1, 1],
    groups: 1,
  } as const;
  const x = randomFloats(2 * 6 * 7 * 5, 1);
  const weight = randomFloats(weightCount(geometry), 2);
  const bias = randomFloats(19, 3);
  const plain = referenceConv2d(geometry, x, weight);
  const length = resultCount(geometry);
  const terms = termCount(geometry) + 3;

  test("bias", () => {
    for (const features of tiles) {
      const plan = planConv2d(geometry, features, { bias: true });
      const [y] = runPlan(plan, [x, weight, bias], [{ length }], features);
      expectClose(
        y!,
        plain.map((value, i) => value + bias[i % 19]!),
        terms,
      );
    }
  });

  test.each([
    [
      "cheap",
      (value: ReturnType<typeof input>) => scalar.max(value, 0),
      (v: number) => Math.max(v, 0),
    ],
    ["dear", (value: ReturnType<typeof input>) => scalar.tanh(value), Math.tanh],
  ])("bias and a %s expression of all kinds of operands", (_, wrap, apply) => {
    const factor = randomFloats(1, 4);
    const shift = randomFloats(19, 5);
    const residual = randomFloats(length, 6);
    const expression = wrap(
      scalar.add(scalar.add(scalar.mul(input(0), input(1)), input(2)), input(3)) as ReturnType<
        typeof input
      >,
    );
    for (const features of tiles) {
      const plan = planConv2d(geometry, features, {
        bias: true,
        epilogue: { expression, extras: ["scalar", "channel", "full"] },
      });
      const [y] = runPlan(plan, [x, weight, bias, factor, shift, residual], [{ length }], features);
      expectClose(
        y!,
        plain.map((value, i) =>
          apply((value + bias[i % 19]!) * factor[0]! + shift[i % 19]! + residual[i]!),
        ),
        terms,
      );
    }
  });
});
