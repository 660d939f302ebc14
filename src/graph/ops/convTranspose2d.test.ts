import { describe, expect, test } from "vitest";
import { reference } from "../../backends/reference/backend.ts";
import { GraphBuilder } from "../builder.ts";
import { type ConvTranspose2dOptions, convTranspose2d } from "./conv2d.ts";

const rows = [1, 2, 3];
const kernel = [10, 20, 30];

/** A transposed convolution along the height alone, of one channel. */
async function enlarge(options: ConvTranspose2dOptions): Promise<number[]> {
  const builder = new GraphBuilder();
  const x = builder.input("x", [1, 1, rows.length, 1]);
  const weight = builder.constant(Float32Array.from(kernel), [1, 1, kernel.length, 1]);
  builder.output("y", convTranspose2d(x, weight, options));
  const session = await reference().open();
  const program = await session.compile(builder.finish());
  const { y } = await program.run({ x: Float32Array.from(rows) });
  await session.close();
  return [...y!];
}

describe("convTranspose2d", () => {
  test("spreads every element over its kernel", async () => {
    expect(await enlarge({ stride: [2, 1] })).toEqual([10, 20, 50, 40, 90, 60, 90]);
    expect(await enlarge({ dilation: [2, 1] })).toEqual([10, 20, 50, 40, 90, 60, 90]);
  });

  test("adds rows that a stride leaves out", async () => {
    const options = { stride: [2, 1], padding: [1, 0], outputPadding: [1, 0] } as const;
    expect(await enlarge(options)).toEqual([20, 50, 40, 90, 60, 90]);
  });

  test("adds rows up to the dilation: first what padding cut off, then zeros", async () => {
    const dilated = { dilation: [3, 1], outputPadding: [2, 0] } as const;
    expect(await enlarge(dilated)).toEqual([10, 20, 30, 20, 40, 60, 30, 60, 90, 0, 0]);
    expect(await enlarge({ ...dilated, padding: [1, 0] })).toEqual([
      20, 30, 20, 40, 60, 30, 60, 90, 0,
    ]);
    expect(await enlarge({ ...dilated, padding: [3, 0] })).toEqual([20, 40, 60, 30, 60]);
  });

  test("refuses rows beyond both", async () => {
    await expect(enlarge({ stride: [2, 1], outputPadding: [2, 0] })).rejects.toThrow(
      /outputPadding 2 must be less than the stride 2 or the dilation 1/,
    );
  });
});
