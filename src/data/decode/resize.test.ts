import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createPixels, type Pixels, toGrey } from "./pixels.ts";
import { type FilterName, resize } from "./resize.ts";

interface Golden {
  readonly cases: readonly {
    readonly filter: FilterName;
    readonly channels: 1 | 3;
    readonly width: number;
    readonly height: number;
    readonly box?: readonly [number, number, number, number];
    readonly data: string;
  }[];
  readonly grey: string;
}

const golden = JSON.parse(
  readFileSync(new URL("../../../test/data/golden/resize.json", import.meta.url), "utf8"),
) as Golden;

/** The image that test/data/golden/resize.py resizes with Pillow. */
function goldenImage(channels: 1 | 3): Pixels {
  const image = createPixels(37, 23, channels);
  let state = 12345;
  for (let i = 0; i < image.data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    image.data[i] = (i >> 6) & 1 ? state >>> 24 : (i * 3) & 255;
  }
  return image;
}

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));

function largestDifference(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);
}

describe("resize", () => {
  it.each(golden.cases)(
    "gives Pillow's pixels: $filter, $channels channels, $width x $height",
    (entry) => {
      const [left, top, right, bottom] = entry.box ?? [0, 0, 37, 23];
      const box = { left, top, width: right - left, height: bottom - top };
      const result = resize(
        goldenImage(entry.channels),
        entry.width,
        entry.height,
        entry.filter,
        box,
      );
      // The promise is one level; what was measured on this list is none.
      expect(largestDifference(result.data, bytesOf(entry.data))).toBe(0);
    },
  );

  it("returns the image itself when nothing changes", () => {
    const image = goldenImage(3);
    expect(resize(image, 37, 23, "lanczos")).toBe(image);
  });

  it("keeps a flat image flat", () => {
    const image = createPixels(31, 17, 3);
    image.data.fill(201);
    for (const filter of ["box", "bilinear", "bicubic", "lanczos"] as const) {
      expect(new Set(resize(image, 7, 40, filter).data)).toEqual(new Set([201]));
    }
  });

  it("refuses sizes and boxes that make no sense, with the numbers", () => {
    const image = goldenImage(3);
    expect(() => resize(image, 0, 5)).toThrow("resize: output 0x5");
    expect(() => resize(image, 5, 5, "box", { left: 30, top: 0, width: 10, height: 10 })).toThrow(
      "box 10x10 at (30, 0) is not inside the image of 37x23",
    );
  });
});

describe("toGrey", () => {
  it("gives Pillow's luma to the bit", () => {
    expect(largestDifference(toGrey(goldenImage(3)).data, bytesOf(golden.grey))).toBe(0);
  });
});
