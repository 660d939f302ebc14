import { describe, expect, it } from "vitest";
import { adjustBrightness } from "../augment/color.ts";
import { nodeCodecs } from "../decode/codecs.node.ts";
import { encodePng } from "../decode/encodePng.ts";
import { createPixels, type Pixels } from "../decode/pixels.ts";
import { resize } from "../decode/resize.ts";
import { memoryFiles } from "../fileTree.ts";
import { openFiles } from "../openFiles.ts";
import { prepareImages } from "../prepare/prepareImages.ts";
import { inlinePreparer } from "../prepare/preparer.ts";
import { drawSample } from "../sets/sample.ts";
import { checkData } from "./checkData.ts";
import { rankLabelErrors } from "./labelErrors.ts";

async function check(images: Readonly<Record<string, Pixels | Uint8Array>>, options = {}) {
  const files = Object.fromEntries(
    Object.entries(images).map(([path, image]) => [
      path,
      image instanceof Uint8Array ? image : encodePng(image),
    ]),
  );
  const set = await openFiles(memoryFiles("set", files));
  const geometry = { width: 48, height: 48, channels: 3 } as const;
  const prepared = await prepareImages(set, {
    preparer: inlinePreparer(nodeCodecs(), { geometry }),
  });
  return checkData(prepared, options);
}

const photo = (n: number, label = "house"): Pixels => drawSample(label, n, 64, 31);
const enough = (label: string): Record<string, Pixels> =>
  Object.fromEntries(
    Array.from({ length: 12 }, (_, n) => [`train/${label}/${n}.png`, photo(n, label)]),
  );

describe("checkData", () => {
  it("finds nothing in a sound set", async () => {
    const report = await check({ ...enough("fish"), ...enough("mug") });
    expect(report).toEqual({
      images: 24,
      classes: [
        { label: "fish", images: 12 },
        { label: "mug", images: 12 },
      ],
      problems: [],
    });
  });

  it("names every kind of problem once, the worst first", async () => {
    const { problems } = await check({
      ...enough("fish"),
      ...enough("mug"),
      "train/fish/corrupt.jpg": Uint8Array.from([255, 216, 255, 0]),
      "val/fish/leaked.png": photo(0, "fish"),
      "train/mug/conflict.png": resize(photo(1, "fish"), 60, 60),
      "train/fish/copy.png": photo(2, "fish"),
      "train/fish/near.png": adjustBrightness(photo(3, "fish"), 1.1),
      "train/mug/dark.png": adjustBrightness(photo(40), 0.14),
      "train/mug/wide.png": resize(photo(41), 400, 64),
      "train/mug/small.png": resize(photo(42), 20, 20),
      "train/mug/blurred.png": resize(resize(photo(43), 6, 6), 64, 64),
      "train/mug/flat.png": createPixels(64, 64, 3),
      "train/mug/notes.txt": Uint8Array.from([1]),
    });
    expect(problems.map(({ kind, files }) => [kind, files.join()])).toEqual([
      ["corrupt", "train/fish/corrupt.jpg"],
      ["leak", "train/fish/0.png,val/fish/leaked.png"],
      ["label-conflict", "train/fish/1.png,train/mug/conflict.png"],
      ["duplicate", "train/fish/2.png,train/fish/copy.png"],
      ["near-duplicate", "train/fish/3.png,train/fish/near.png"],
      ["odd-size", "train/mug/wide.png"],
      ["small", "train/mug/small.png"],
      ["dark", "train/mug/dark.png"],
      ["blurred", "train/mug/blurred.png"],
      ["flat", "train/mug/flat.png"],
      ["ignored", "train/mug/notes.txt"],
    ]);
    expect(problems[1]!.detail).toBe("identical copies in train and val");
    expect(problems[2]!.detail).toMatch(/^similarity 0\.9\d+ with the labels "fish" and "mug"$/);
  });

  it("reports imbalance, small classes and suspicious labels", async () => {
    const issue = {
      index: 0,
      given: 0,
      likely: 1,
      givenProbability: 0.02,
      likelyProbability: 0.97,
    };
    const { problems } = await check(
      { ...enough("fish"), "train/mug/1.png": photo(1, "mug"), "train/mug/2.png": photo(2, "mug") },
      { labelIssues: [issue] },
    );
    expect(problems).toEqual([
      {
        kind: "label-suspect",
        files: ["train/fish/0.png"],
        detail: 'labelled "fish" (probability 0.020), looks like "mug" (0.970)',
      },
      { kind: "imbalance", files: [], detail: '"fish" has 12 images, "mug" 2 (6.0 times as many)' },
      { kind: "few-images", files: [], detail: '"mug" has 2 images' },
    ]);
  });
});

describe("rankLabelErrors", () => {
  it("ranks images whose confident class is not their label, and leaves hard ones alone", () => {
    const labels = [0, 0, 0, 0, 1, 1, 1, 1];
    const probabilities = [
      [0.9, 0.1],
      [0.8, 0.2],
      [0.55, 0.45],
      [0.03, 0.97],
      [0.1, 0.9],
      [0.2, 0.8],
      [0.45, 0.55],
      [0.85, 0.15],
    ].flat();
    const issues = rankLabelErrors([10, 11, 12, 13, 14, 15, 16, 17], labels, probabilities, 2);
    expect(issues).toEqual([
      { index: 13, given: 0, likely: 1, givenProbability: 0.03, likelyProbability: 0.97 },
      { index: 17, given: 1, likely: 0, givenProbability: 0.15, likelyProbability: 0.85 },
    ]);
  });

  it("finds flipped labels among noisy predictions", () => {
    const classes = 4;
    const labels: number[] = [];
    const probabilities: number[] = [];
    const flipped = new Set([7, 40, 77, 150]);
    for (let i = 0; i < 200; i++) {
      const truth = i % classes;
      labels.push(flipped.has(i) ? (truth + 1) % classes : truth);
      const confidence = 0.5 + (0.4 * ((i * 37) % 100)) / 100;
      for (let c = 0; c < classes; c++)
        probabilities.push(c === truth ? confidence : (1 - confidence) / 3);
    }
    const found = rankLabelErrors(
      labels.map((_, i) => i),
      labels,
      probabilities,
      classes,
    ).map(({ index }) => index);
    expect(found.every((index) => flipped.has(index))).toBe(true);
    expect(found.length).toBeGreaterThanOrEqual(2);
  });

  it("checks the lengths", () => {
    expect(() => rankLabelErrors([0], [0], [0.5], 2)).toThrow("expected 1, 1 and 1 x 2 = 2");
  });
});
