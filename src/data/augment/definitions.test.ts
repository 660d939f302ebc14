import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Pixels } from "../decode/pixels.ts";
import { gaussianBlur } from "./blur.ts";
import { adjustBrightness, adjustContrast, adjustHue, adjustSaturation } from "./color.ts";
import { adjustSharpness, autoContrast, equalize, posterize, solarize } from "./tone.ts";
import { type Interpolation, inverseMatrix, warp } from "./warp.ts";

type Pair = readonly [number, number];

interface Golden {
  readonly width: number;
  readonly height: number;
  readonly source: string;
  readonly cases: readonly {
    readonly name: string;
    readonly arguments: never[];
    readonly data: string;
  }[];
}

const golden = JSON.parse(
  readFileSync(new URL("../../../test/data/golden/augment.json", import.meta.url), "utf8"),
) as Golden;

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));
const image: Pixels = {
  width: golden.width,
  height: golden.height,
  channels: 3,
  data: bytesOf(golden.source),
};

const definitions: Record<string, (...args: never[]) => Pixels> = {
  brightness: (factor: number) => adjustBrightness(image, factor),
  contrast: (factor: number) => adjustContrast(image, factor),
  saturation: (factor: number) => adjustSaturation(image, factor),
  sharpness: (factor: number) => adjustSharpness(image, factor),
  hue: (shift: number) => adjustHue(image, shift),
  posterize: (bits: number) => posterize(image, bits),
  solarize: (threshold: number) => solarize(image, threshold),
  autoContrast: () => autoContrast(image),
  equalize: () => equalize(image),
  blur: (sigma: number, radius: number) => gaussianBlur(image, sigma, radius),
  affine: (angle: number, translate: Pair, scale: number, shear: Pair, how: Interpolation) =>
    warp(image, inverseMatrix({ angle, translate, scale, shear }), how, 0),
};

// Pillow's integer operations are met to the bit. torchvision computes hue, blur and warps in
// float32 and rounds in its own places: one level.
const tolerance: Record<string, number> = { hue: 1, blur: 1, affine: 1 };

describe("augmentations agree with Pillow and torchvision", () => {
  it.each(golden.cases)("$name $arguments", ({ name, arguments: given, data }) => {
    const result = definitions[name]!(...given);
    const expected = bytesOf(data);
    expect(result.data.length).toBe(expected.length);
    let different = 0;
    for (let i = 0; i < expected.length; i++) {
      if (Math.abs(result.data[i]! - expected[i]!) > (tolerance[name] ?? 0)) different++;
    }
    // A source position that falls on a rounding edge takes the neighbouring pixel in float32.
    const isNearest = given.at(-1) === "nearest";
    expect(different).toBeLessThanOrEqual(isNearest ? expected.length / 100 : 0);
  });
});
