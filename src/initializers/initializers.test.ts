import { describe, expect, test } from "vitest";
import { RandomStream } from "../core/random.ts";
import {
  constant,
  fanInUniform,
  fans,
  type Initializer,
  initializerFrom,
  initializers,
  kaimingNormal,
  kaimingUniform,
  normal,
  orthogonal,
  truncatedNormal,
  uniform,
  xavierNormal,
  xavierUniform,
} from "./index.ts";

const weight = [64, 32, 3, 3];
const fanIn = 32 * 9;
const fanOut = 64 * 9;
const draw = (initializer: Initializer, shape = weight) =>
  initializer.fill(shape, new RandomStream(1, "test"));

function statistics(numbers: Float32Array) {
  const mean = numbers.reduce((a, b) => a + b, 0) / numbers.length;
  const variance = numbers.reduce((sum, x) => sum + (x - mean) ** 2, 0) / numbers.length;
  const largest = numbers.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  return { mean, deviation: Math.sqrt(variance), largest };
}

describe("initializers", () => {
  // 18,432 draws: the standard error of a deviation is half a percent of it.
  test.each([
    ["kaimingUniform, relu", kaimingUniform(), Math.sqrt(2 / fanIn)],
    [
      "kaimingUniform, PyTorch's default",
      kaimingUniform({ slope: Math.sqrt(5) }),
      1 / Math.sqrt(3 * fanIn),
    ],
    ["kaimingNormal, fan out", kaimingNormal({ fan: "out" }), Math.sqrt(2 / fanOut)],
    ["kaimingNormal, tanh", kaimingNormal({ nonlinearity: "tanh" }), 5 / 3 / Math.sqrt(fanIn)],
    ["xavierUniform", xavierUniform(), Math.sqrt(2 / (fanIn + fanOut))],
    ["xavierNormal, gain 2", xavierNormal({ gain: 2 }), 2 * Math.sqrt(2 / (fanIn + fanOut))],
    ["fanInUniform", fanInUniform(), 2.4 / fanIn / Math.sqrt(3)],
    ["normal", normal({ deviation: 0.01 }), 0.01],
    ["uniform", uniform({ low: -3, high: 3 }), Math.sqrt(3)],
    ["truncatedNormal, two deviations", truncatedNormal({ deviation: 0.5 }), 0.5 * 0.87962566],
    ["truncatedNormal, as PyTorch", truncatedNormal({ deviation: 0.02, low: -2, high: 2 }), 0.02],
  ])("%s has its standard deviation and mean 0", (_, initializer, expected) => {
    const { mean, deviation } = statistics(draw(initializer));
    expect(Math.abs(deviation / expected - 1)).toBeLessThan(0.02);
    expect(Math.abs(mean)).toBeLessThan(expected / 30);
  });

  test("bounds hold", () => {
    const bounded = statistics(draw(kaimingUniform({ slope: Math.sqrt(5) }))).largest;
    expect(bounded).toBeLessThanOrEqual(Math.fround(1 / Math.sqrt(fanIn)));
    expect(bounded).toBeGreaterThan(0.99 / Math.sqrt(fanIn));
    expect(statistics(draw(truncatedNormal({ deviation: 0.5 }))).largest).toBeLessThanOrEqual(1);
    expect(new Set(draw(constant(0.25)))).toEqual(new Set([0.25]));
  });

  test.each([[[8, 20]], [[20, 8]], [[6, 4, 3, 3]]])(
    "orthogonal %j has rows or columns at right angles",
    (shape) => {
      const numbers = draw(orthogonal({ gain: 2 }), shape);
      const rows = shape[0]!;
      const columns = numbers.length / rows;
      const along = Math.min(rows, columns);
      const at = (vector: number, i: number) =>
        rows <= columns ? numbers[vector * columns + i]! : numbers[i * columns + vector]!;
      for (let a = 0; a < along; a++) {
        for (let b = 0; b < along; b++) {
          let product = 0;
          for (let i = 0; i < Math.max(rows, columns); i++) product += at(a, i) * at(b, i);
          expect(product).toBeCloseTo(a === b ? 4 : 0, 5);
        }
      }
    },
  );

  test("fans of a weight", () => {
    expect(fans(weight)).toEqual({ fanIn, fanOut });
    expect(fans([10, 20])).toEqual({ fanIn: 20, fanOut: 10 });
    expect(() => fans([5])).toThrow(/fans need a weight \[out, in, …\], got \[5\]/);
  });

  test("the same stream gives the same numbers, another gives others", () => {
    const one = normal().fill([50], new RandomStream(1, "a"));
    expect(normal().fill([50], new RandomStream(1, "a"))).toEqual(one);
    expect(normal().fill([50], new RandomStream(1, "b"))).not.toEqual(one);
    expect(normal().fill([50], new RandomStream(2, "a"))).not.toEqual(one);
  });

  test("every row of the table comes back from its own description", () => {
    for (const kind of Object.keys(initializers)) {
      const made = initializerFrom(
        kind,
        kind === "constant" ? { value: 3 } : kind === "uniform" ? { low: 0, high: 1 } : {},
      );
      expect(made.kind).toBe(kind);
      const again = initializerFrom(made.kind, JSON.parse(JSON.stringify(made.options)));
      expect(draw(again)).toEqual(draw(made));
    }
  });

  test.each([
    [
      () => initializerFrom("kaimingNormal", { fan: "sideways" }),
      /fan "sideways": expected in or out/,
    ],
    [() => initializerFrom("kaimingNorml", {}), /Did you mean "kaimingNormal"/],
    [() => initializerFrom("normal", { deviaton: 1 }), /unknown option "deviaton"/],
    [() => initializerFrom("constant", { value: "1" }), /value is "1"; expected a number/],
    [() => initializerFrom("constant", {}), /option "value" is missing/],
    [() => normal({ deviation: -1 }), /deviation -1: expected 0 or more/],
    [() => uniform({ low: 1, high: 1 }), /low 1 must be below high 1/],
    [() => truncatedNormal({ low: 8, high: 9 }), /more than four deviations/],
    [() => kaimingNormal({ nonlinearity: "reluu" as "relu" }), /unknown nonlinearity "reluu"/],
    [() => draw(orthogonal(), [4]), /at least two axes, got \[4\]/],
  ])("refuses bad options: %#", (make, message) => {
    expect(make).toThrow(message);
  });
});
