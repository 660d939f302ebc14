import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { reference } from "../../backends/reference/backend.ts";
import { GraphBuilder } from "../builder.ts";
import { interpolationRows } from "../interpolation.ts";
import { type ResizeOptions, resize } from "./resize.ts";

const golden: {
  readonly shape: readonly number[];
  readonly input: readonly number[];
  readonly cases: readonly {
    readonly options: ResizeOptions;
    readonly output: readonly number[];
  }[];
} = JSON.parse(
  await readFile(new URL("../../../test/golden/resize/resize.json", import.meta.url), "utf8"),
);

describe("resize", () => {
  test.each(golden.cases)("agrees with PyTorch: $options", async ({ options, output }) => {
    const builder = new GraphBuilder();
    builder.output("y", resize(builder.input("x", golden.shape), options));
    const session = await reference().open();
    const program = await session.compile(builder.finish());
    const { y } = await program.run({ x: Float32Array.from(golden.input) });
    await session.close();
    expect(y).toHaveLength(output.length);
    // Both in float64; the result is rounded to float32.
    output.forEach((expected, i) => {
      expect(y![i]).toBeCloseTo(expected, 6);
    });
  });

  test("keeps what has the size already", () => {
    const builder = new GraphBuilder();
    const x = builder.input("x", [1, 1, 4, 4]);
    expect(resize(x, { size: 4, mode: "bicubic" })).toBe(x);
  });

  test("takes PyTorch's nearest pixel where rounding decides", async () => {
    const builder = new GraphBuilder();
    const x = builder.constant(Float32Array.of(10, 20), [1, 1, 2, 1]);
    builder.output("y", resize(x, { size: [82, 1] }));
    const session = await reference().open();
    const { y } = await (await session.compile(builder.finish())).run({});
    await session.close();
    // F.interpolate of PyTorch 1.13 gives these.
    expect([...y!.subarray(40, 43)]).toEqual([10, 10, 20]);
  });

  test("refuses corners and antialiasing without interpolation", () => {
    const x = new GraphBuilder().input("x", [1, 1, 4, 4]);
    expect(() => resize(x, { size: 2, antialias: true })).toThrow(/bilinear or bicubic/);
  });

  test.each([0, 2.5])("refuses a size of %d", (size) => {
    const x = new GraphBuilder().input("x", [1, 1, 4, 4]);
    expect(() => resize(x, { size })).toThrow(`size ${size}: expected an integer of at least 1`);
  });

  test("refuses what is no image", () => {
    const x = new GraphBuilder().input("x", [4, 4]);
    expect(() => resize(x, { size: 2 })).toThrow(/expected \[N, C, H, W\], got \[4, 4\]/);
  });
});

describe("interpolationRows", () => {
  const axis = { input: 4, output: 8, mode: "linear" } as const;

  test("weights of every row add up to 1", () => {
    for (const mode of ["linear", "cubic"] as const) {
      for (const coordinates of ["halfPixel", "asymmetric", "alignCorners"] as const) {
        const { weights } = interpolationRows({
          input: 9,
          output: 4,
          mode,
          coordinates,
          antialias: true,
        });
        for (const row of weights) expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
      }
    }
  });

  test("reads positions by each rule", () => {
    const first = (coordinates: "halfPixel" | "asymmetric" | "alignCorners", i: number) => {
      const { indices, weights } = interpolationRows({ ...axis, coordinates });
      return indices[i]!.reduce((sum, index, t) => sum + index * weights[i]![t]!, 0);
    };
    expect(first("halfPixel", 3)).toBeCloseTo(1.25);
    expect(first("asymmetric", 3)).toBeCloseTo(1.5);
    expect(first("alignCorners", 7)).toBeCloseTo(3);
  });

  test("rounds to the nearest by each rule", () => {
    const pick = (nearest: "floor" | "ceil" | "roundPreferFloor" | "roundPreferCeil") =>
      interpolationRows({
        input: 4,
        output: 8,
        mode: "nearest",
        coordinates: "asymmetric",
        nearest,
      }).indices.map(([index]) => index);
    expect(pick("floor")).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
    expect(pick("ceil")).toEqual([0, 1, 1, 2, 2, 3, 3, 3]);
    expect(pick("roundPreferFloor")).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
    expect(pick("roundPreferCeil")).toEqual([0, 1, 1, 2, 2, 3, 3, 3]);
  });

  test("leaves out what is outside and rescales the rest", () => {
    const options = { input: 3, output: 6, mode: "cubic", coordinates: "halfPixel" } as const;
    const repeated = interpolationRows(options);
    const left = interpolationRows({ ...options, excludeOutside: true });
    expect(left.indices[0]).toEqual([0, 1]);
    expect(left.weights[0]!.reduce((a, b) => a + b, 0)).toBeCloseTo(1);
    expect(left.weights[0]![0]).not.toBeCloseTo(repeated.weights[0]![0]!);
  });

  test("refuses a size below 1", () => {
    expect(() => interpolationRows({ ...axis, output: 0, coordinates: "halfPixel" })).toThrow(
      /output size 0: expected an integer of at least 1/,
    );
  });
});
