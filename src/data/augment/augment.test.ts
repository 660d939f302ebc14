import { describe, expect, it } from "vitest";
import { RandomStream } from "../../core/random.ts";
import type { Batch } from "../batches/batches.ts";
import type { Pixels } from "../decode/pixels.ts";
import { drawSample } from "../sets/sample.ts";
import { augmentations, cutmix, mixup } from "./index.ts";
import { drawBeta } from "./mixing.ts";
import { parseAugmentations } from "./parse.ts";
import { padAround } from "./randomCrop.ts";
import { drawCrop } from "./randomResizedCrop.ts";

const image = drawSample("umbrella", 4, 40, 2);
const geometry = { width: 32, height: 32, channels: 3 } as const;
const apply = (spec: string, seed = 1, input: Pixels = image): Pixels =>
  parseAugmentations(spec).augmentations.reduce(
    (current, augmentation, i) =>
      augmentation.apply(current, new RandomStream(seed, `${i}`), geometry),
    input,
  );
const grey = (width: number, height: number, ...data: number[]): Pixels => ({
  width,
  height,
  channels: 1,
  data: Uint8Array.from(data),
});

describe("every augmentation", () => {
  const names = Object.keys(augmentations);

  it.each(names)(
    "%s changes images, the same way for the same stream, and leaves its input alone",
    (name) => {
      const before = image.data.slice();
      const results = Array.from({ length: 20 }, (_, seed) => apply(name, seed));
      expect(results.some((result) => Buffer.compare(result.data, before) !== 0)).toBe(true);
      expect(image.data).toEqual(before);
      expect(apply(name, 7)).toEqual(results[7]);
      for (const { width, height, channels, data } of results) {
        expect(data.length).toBe(width * height * channels);
        expect(Math.min(width, height)).toBeGreaterThanOrEqual(32);
      }
    },
  );

  it.each(names)("%s takes grey images", (name) => {
    const flat = grey(40, 40, ...Array.from({ length: 1600 }, (_, i) => (i * 5) & 255));
    for (let seed = 0; seed < 20; seed++) expect(apply(name, seed, flat).channels).toBe(1);
  });

  it.each(names)("%s takes a 1x1 image for a 1x1 geometry", (name) => {
    const dot: Pixels = { width: 1, height: 1, channels: 3, data: Uint8Array.from([1, 2, 3]) };
    const [augmentation] = parseAugmentations(name).augmentations;
    for (let seed = 0; seed < 20; seed++) {
      const result = augmentation!.apply(dot, new RandomStream(seed, "x"), {
        width: 1,
        height: 1,
        channels: 3,
      });
      expect(result.data.length).toBe(3);
    }
  });

  it("happens as often as its chance says", () => {
    const flipped = Array.from(
      { length: 2000 },
      (_, seed) => apply("horizontalFlip(chance=0.3)", seed) !== image,
    );
    const share = flipped.filter(Boolean).length / 2000;
    // Three standard deviations of 2000 draws at 0.3 are 0.031.
    expect(Math.abs(share - 0.3)).toBeLessThan(0.031);
  });
});

describe("crops", () => {
  it("pad with a level, the edge, or a reflection", () => {
    const row = grey(3, 1, 1, 2, 3);
    const middle = (padded: Pixels): number[] => [...padded.data.subarray(14, 21)];
    expect(middle(padAround(row, 2, "constant", 9))).toEqual([9, 9, 1, 2, 3, 9, 9]);
    expect(middle(padAround(row, 2, "edge", 9))).toEqual([1, 1, 1, 2, 3, 3, 3]);
    expect(middle(padAround(row, 2, "reflect", 9))).toEqual([3, 2, 1, 2, 3, 2, 1]);
  });

  it("stay inside, and within the wanted area and proportions", () => {
    const random = new RandomStream(4, "crop");
    for (let i = 0; i < 500; i++) {
      const box = drawCrop(90, 60, [0.2, 0.9], [0.75, 1.5], random);
      expect(
        box.left >= 0 && box.top >= 0 && box.left + box.width <= 90 && box.top + box.height <= 60,
      ).toBe(true);
      const area = (box.width * box.height) / 5400;
      expect(area > 0.17 && area < 0.95).toBe(true);
    }
    // Nothing this tall fits; the largest allowed one in the middle is taken.
    expect(drawCrop(100, 10, [0.9, 1], [0.5, 1], random)).toEqual({
      left: 45,
      top: 0,
      width: 10,
      height: 10,
    });
  });
});

describe("mixing", () => {
  const layout = { width: 4, height: 4, channels: 1, classes: 3 };
  const batch: Batch<Uint8Array> = {
    images: Uint8Array.from({ length: 48 }, (_, i) => Math.floor(i / 16) * 100),
    labels: Int32Array.from([0, 1, 1]),
    indices: Int32Array.from([5, 6, 7]),
    count: 3,
  };

  it("mixes pixels and labels by one share", () => {
    for (let seed = 0; seed < 20; seed++) {
      const { images, targets } = mixup
        .create({ chance: 1, alpha: 1 })
        .apply(batch, new RandomStream(seed, "m"), layout);
      const share = targets![0]!;
      // Image 0 is black and its predecessor, the last, is 200.
      expect(Math.abs(images[0]! - (1 - share) * 200)).toBeLessThanOrEqual(0.51);
      expect([...targets!].map((value) => Math.round(value * 1e6))).toEqual(
        [share, 1 - share, 0, 1 - share, share, 0, 0, 1, 0].map((value) => Math.round(value * 1e6)),
      );
    }
  });

  it("weighs labels by the area that cutmix really covered", () => {
    for (let seed = 0; seed < 20; seed++) {
      const { images, targets } = cutmix
        .create({ chance: 1, alpha: 1 })
        .apply(batch, new RandomStream(seed, "c"), layout);
      const foreign = images.subarray(0, 16).filter((value) => value === 200).length;
      expect(targets![1]!).toBeCloseTo(foreign / 16, 6);
    }
  });

  it("gives hard targets where it does nothing, and takes a batch of one", () => {
    const idle = mixup
      .create({ chance: 0, alpha: 1 })
      .apply(batch, new RandomStream(1, "m"), layout);
    expect([...idle.targets!]).toEqual([1, 0, 0, 0, 1, 0, 0, 1, 0]);
    const one = {
      ...batch,
      images: batch.images.slice(16, 32),
      labels: batch.labels.slice(1, 2),
      count: 1,
    };
    const alone = mixup
      .create({ chance: 1, alpha: 1 })
      .apply(one, new RandomStream(1, "m"), layout);
    expect([...alone.targets!]).toEqual([0, 1, 0]);
    expect(alone.images).toEqual(one.images);
  });

  it("draws from the Beta distribution: mean 1/2, variance 1/(4(2a + 1))", () => {
    for (const alpha of [0.2, 1, 3]) {
      const random = new RandomStream(1, `beta/${alpha}`);
      const draws = Array.from({ length: 20_000 }, () => drawBeta(random, alpha));
      const mean = draws.reduce((sum, x) => sum + x, 0) / draws.length;
      const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws.length;
      // Five standard errors of 20,000 draws.
      expect(Math.abs(mean - 0.5)).toBeLessThan(0.02);
      expect(Math.abs(variance - 1 / (4 * (2 * alpha + 1)))).toBeLessThan(0.01);
    }
  });
});

describe("parseAugmentations", () => {
  it("reads text, JSON and lists alike, and writes its plan out in full", () => {
    const text = "horizontalFlip, randomResizedCrop(scale=0.5..1, filter=bicubic),mixup(alpha=0.4)";
    const plan = parseAugmentations(text);
    expect(plan.augmentations.map(({ name }) => name)).toEqual([
      "horizontalFlip",
      "randomResizedCrop",
    ]);
    expect(plan.batchAugmentations.map(({ name }) => name)).toEqual(["mixup"]);
    expect(plan.specs[1]).toEqual({
      name: "randomResizedCrop",
      scale: [0.5, 1],
      ratio: [3 / 4, 4 / 3],
      filter: "bicubic",
    });
    expect(parseAugmentations(JSON.stringify(plan.specs)).specs).toEqual(plan.specs);
    expect(parseAugmentations(plan.specs).specs).toEqual(plan.specs);
    expect(parseAugmentations(["blur"]).specs[0]).toEqual({
      name: "blur",
      chance: 0.5,
      sigma: [0.1, 2],
    });
  });

  it("takes nothing and none for no augmentation, and one of several mixings per batch", () => {
    for (const empty of ["", " none ", []]) expect(parseAugmentations(empty).specs).toEqual([]);
    expect(parseAugmentations("mixup, cutmix").batchAugmentations.map(({ name }) => name)).toEqual([
      "mixup|cutmix",
    ]);
  });

  it.each([
    ["horizontalFlop", 'unknown augmentation "horizontalFlop". Did you mean "horizontalFlip"?'],
    ["horizontalFlip(chance=2)", 'augmentation "horizontalFlip": chance 2: Too big'],
    ["blur(sigma=3..1)", "sigma [3,1]: the first must not be above the second"],
    ["blur(radius=3)", 'no option "radius". Options: chance, sigma.'],
    ["blur(sigma)", 'cannot read "sigma"; expected option=value'],
    ["blur)(", 'cannot read "blur)("'],
    ["[{]", "this is no JSON list"],
  ])("says what is wrong with %s", (text, message) => {
    expect(() => parseAugmentations(text)).toThrow(message);
  });
});
