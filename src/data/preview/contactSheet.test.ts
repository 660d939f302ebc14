import { expect, it } from "vitest";
import { createPixels } from "../decode/pixels.ts";
import { contactSheet } from "./contactSheet.ts";

it("lays images of several sizes and kinds out in rows", () => {
  const grey = createPixels(2, 1, 1);
  grey.data.set([10, 20]);
  const color = createPixels(2, 3, 3);
  color.data.fill(7);
  const sheet = contactSheet([grey, color, grey], { columns: 2, gap: 1, background: 99 });
  expect([sheet.width, sheet.height, sheet.channels]).toEqual([7, 9, 3]);
  const row = (y: number): number[] =>
    Array.from({ length: 7 }, (_, x) => sheet.data[(y * 7 + x) * 3]!);
  expect(row(0)).toEqual([99, 99, 99, 99, 99, 99, 99]);
  expect(row(1)).toEqual([99, 99, 99, 99, 7, 7, 99]);
  expect(row(2)).toEqual([99, 10, 20, 99, 7, 7, 99]);
  expect(row(6)).toEqual([99, 10, 20, 99, 99, 99, 99]);
  expect(() => contactSheet([])).toThrow("no images");
});
