import { dropout } from "../../src/graph/ops/dropout.ts";
import { globalResponseNorm } from "../../src/graph/ops/globalResponseNorm.ts";
import { prelu } from "../../src/graph/ops/prelu.ts";
import { type ResizeOptions, resize } from "../../src/graph/ops/resize.ts";
import { channelShuffle, pixelShuffle, pixelUnshuffle } from "../../src/graph/ops/shuffle.ts";
import { type OpCase, uniform } from "./opCase.ts";

export const dropoutCases: readonly OpCase[] = [
  {
    name: "elements",
    inputs: [{ shape: [2, 8] }, { shape: [2, 8], range: [0, 1], gradient: false }],
    build: ([x, draw]) => dropout(x!, draw!, 0.4),
  },
  {
    name: "whole samples",
    inputs: [
      { shape: [4, 2, 2, 1] },
      { shape: [4, 1, 1, 1], values: [0.1, 0.9, 0.5, 0.2], gradient: false },
    ],
    build: ([x, draw]) => dropout(x!, draw!, 0.3),
  },
];

export const preluCases: readonly OpCase[] = [[1], [3]].map((slopes) => ({
  name: `${slopes} slopes`,
  inputs: [{ shape: [2, 3, 2, 2], avoid: [0] }, { shape: slopes }],
  build: ([x, slope]) => prelu(x!, slope!),
}));

export const globalResponseNormCases: readonly OpCase[] = [
  {
    name: "channels first",
    inputs: uniform([2, 3, 2, 2], [3], [3]),
    build: ([x, scale, bias]) => globalResponseNorm(x!, scale!, bias!),
  },
  {
    name: "channels last",
    inputs: uniform([2, 2, 2, 3], [3], [3]),
    build: ([x, scale, bias]) => globalResponseNorm(x!, scale!, bias!, { axis: 3 }),
  },
];

const resizes: readonly ResizeOptions[] = [
  { size: [5, 7] },
  { size: 2 },
  { size: [6, 7], mode: "bilinear" },
  { size: [7, 3], mode: "bilinear", alignCorners: true },
  { size: [2, 2], mode: "bilinear", antialias: true },
  { size: [6, 6], mode: "bicubic" },
  { size: [2, 3], mode: "bicubic", antialias: true },
];

export const resizeCases: readonly OpCase[] = resizes.map((options) => ({
  name: JSON.stringify(options),
  inputs: uniform([1, 2, 4, 4]),
  build: ([x]) => resize(x!, options),
}));

export const shuffleCases: readonly OpCase[] = [
  { name: "channels", inputs: uniform([1, 6, 2, 2]), build: ([x]) => channelShuffle(x!, 3) },
  {
    name: "channels to pixels",
    inputs: uniform([1, 8, 2, 2]),
    build: ([x]) => pixelShuffle(x!, 2),
  },
  {
    name: "pixels to channels",
    inputs: uniform([1, 2, 4, 4]),
    build: ([x]) => pixelUnshuffle(x!, 2),
  },
];
