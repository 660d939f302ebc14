import { describe, expect, it } from "vitest";
import { RandomStream } from "../../core/random.ts";
import { adjustBrightness } from "../augment/color.ts";
import { inverseMatrix, warp } from "../augment/warp.ts";
import { crop } from "../decode/crop.ts";
import type { Pixels } from "../decode/pixels.ts";
import { resize } from "../decode/resize.ts";
import { countClasses, createDataSet, type DataSet, type SplitName } from "../manifest.ts";
import { type ImageFacts, measure } from "../prepare/facts.ts";
import { drawSample, sampleClasses } from "../sets/sample.ts";
import { assignGroups } from "./assign.ts";
import { findGroups, manifestGroups } from "./groups.ts";
import { findNearDuplicates } from "./nearDuplicates.ts";
import { leakedItems, makeFolds, naiveSplit, splitData } from "./splitData.ts";
import { formatSplit, parseSplit } from "./splitFile.ts";

interface Row {
  readonly label: string;
  readonly split?: SplitName;
  readonly group?: string;
}

const makeSet = (rows: readonly Row[]): DataSet =>
  createDataSet({
    name: "rows",
    format: "memory",
    items: rows.map((row, number) => ({
      ...row,
      id: `${row.label}/${number}.png`,
      source: { kind: "pixels", pixels: () => drawSample("leaf", number, 8, 1) },
    })),
  });
const repeat = (count: number, label: string): Row[] =>
  Array.from({ length: count }, () => ({ label }));
const facts = (image: Pixels, more: Partial<ImageFacts> = {}): ImageFacts => ({
  ...measure(image),
  sha256: Math.random().toString(),
  sizeBytes: 1,
  width: image.width,
  height: image.height,
  format: "png",
  warnings: [],
  ...more,
});

describe("splitData", () => {
  it("gives every part its share of every class, each image once", () => {
    const set = makeSet([...repeat(50, "a"), ...repeat(30, "b"), ...repeat(20, "c")]);
    const split = splitData(set, manifestGroups(set), { seed: 1, val: 0.2, test: 0.1 });
    expect(countClasses(set, split.val)).toEqual([10, 6, 4]);
    expect(countClasses(set, split.test)).toEqual([5, 3, 2]);
    const all = [...split.train, ...split.val, ...split.test].sort((a, b) => a - b);
    expect(all).toEqual(set.items.map((_, index) => index));
    expect(split.notes).toEqual([]);
    expect(splitData(set, manifestGroups(set), { seed: 1, val: 0.2, test: 0.1 })).toEqual(split);
    expect(splitData(set, manifestGroups(set), { seed: 2, val: 0.2, test: 0.1 })).not.toEqual(
      split,
    );
  });

  it("keeps the total right over many small classes, and every class in both parts", () => {
    const set = makeSet(Array.from({ length: 40 }, (_, i) => repeat(2 + (i % 3), `c${i}`)).flat());
    const { val } = splitData(set, manifestGroups(set), { seed: 3, val: 0.25 });
    expect(countClasses(set, val).every((count) => count >= 1)).toBe(true);
    expect(val.length).toBeGreaterThanOrEqual(40);
    const { train } = splitData(set, manifestGroups(set), { seed: 3, val: 0.25 });
    expect(countClasses(set, train).every((count) => count >= 1)).toBe(true);
  });

  it("never cuts a group and still comes near the shares", () => {
    const random = new RandomStream(5, "test");
    const rows = Array.from(
      { length: 400 },
      (_, i): Row => ({ label: `c${i % 4}`, group: `g${random.integer(60)}` }),
    );
    const set = makeSet(rows);
    const groups = manifestGroups(set);
    const split = splitData(set, groups, { seed: 1, val: 0.2, test: 0.2 });
    const parts = [split.train, split.val, split.test].map(
      (part) => new Set(part.map((index) => rows[index]!.group)),
    );
    for (const [a, b] of [
      [0, 1],
      [0, 2],
      [1, 2],
    ] as const)
      expect([...parts[a]!].filter((group) => parts[b]!.has(group))).toEqual([]);
    for (const part of [split.val, split.test]) {
      expect(Math.abs(part.length - 80)).toBeLessThanOrEqual(8);
      for (const count of countClasses(set, part))
        expect(Math.abs(count - 20)).toBeLessThanOrEqual(6);
    }
  });

  it("leaves the owner's parts alone and makes only what is missing", () => {
    const set = makeSet(
      [...repeat(20, "a"), ...repeat(20, "b")].map((row, i) => ({
        ...row,
        split: i % 4 === 0 ? "test" : "train",
      })),
    );
    const split = splitData(set, manifestGroups(set), { seed: 1, val: 0.2, test: 0.3 });
    expect(split.test).toEqual(set.items.flatMap((item, i) => (item.split === "test" ? [i] : [])));
    expect(countClasses(set, split.val)).toEqual([3, 3]);
    expect(split.train.length).toBe(24);
  });

  it("says which classes are missing somewhere, and what the owner's parts leak", () => {
    const set = makeSet([
      { label: "a", split: "train", group: "x" },
      { label: "a", split: "val", group: "x" },
      { label: "b", split: "train" },
      { label: "c", split: "val" },
    ]);
    const { notes } = splitData(set, manifestGroups(set), { seed: 1 });
    expect(notes).toEqual([
      'No training images of "c": these classes cannot be learned.',
      'No validation images of "b": their images are too few, or all of one group.',
      "1 of the 2 images in the given val part have a copy, near-duplicate or burst neighbour in training; the split was left as it is.",
    ]);
  });

  it("checks the shares", () => {
    const set = makeSet(repeat(4, "a"));
    expect(() => splitData(set, manifestGroups(set), { seed: 1, val: 0.6, test: 0.4 })).toThrow(
      "val 0.6 and test 0.4",
    );
  });
});

describe("makeFolds", () => {
  it("deals each image to one fold, stratified, groups whole, without the test part", () => {
    const rows = Array.from(
      { length: 103 },
      (_, i): Row => ({
        label: `c${i % 3}`,
        group: `g${i >> 1}`,
        ...(i < 4 ? { split: "test" } : {}),
      }),
    );
    const set = makeSet(rows);
    const folds = makeFolds(set, manifestGroups(set), 5, 1);
    expect([...folds.subarray(0, 4)]).toEqual([-1, -1, -1, -1]);
    for (let fold = 0; fold < 5; fold++) {
      const members = [...folds].flatMap((value, index) => (value === fold ? [index] : []));
      expect(members.length).toBeGreaterThanOrEqual(17);
      expect(Math.min(...countClasses(set, members))).toBeGreaterThanOrEqual(4);
    }
    for (let i = 4; i < 102; i += 2) expect(folds[i]).toBe(folds[i + 1]);
    expect(() => makeFolds(set, manifestGroups(set), 1, 1)).toThrow(
      "folds: 1; expected an integer from 2 to 50",
    );
  });
});

describe("assignGroups", () => {
  it("gives a part at least one group of a class that has several", () => {
    const labels = new Array<number>(30).fill(0);
    const parts = assignGroups(
      labels,
      labels.map((_, i) => (i < 15 ? 0 : 1)),
      [0.9, 0.1],
      new RandomStream(1, "x"),
    );
    expect(new Set(parts).size).toBe(2);
  });
});

describe("near-duplicates", () => {
  const photos = sampleClasses().flatMap((label) =>
    Array.from({ length: 12 }, (_, i) => drawSample(label, i, 96, 11)),
  );
  const pairsOf = (...images: Pixels[]): string[] =>
    findNearDuplicates(images.map((image) => facts(image))).map(
      ({ first, second }) => `${first}-${second}`,
    );

  it("are not seen between different pictures", () => {
    expect(pairsOf(...photos)).toEqual([]);
  });

  it.each([
    ["resized", (image: Pixels) => resize(image, 61, 61)],
    ["brightened", (image: Pixels) => adjustBrightness(image, 1.15)],
    ["cropped by 4 %", (image: Pixels) => crop(image, 2, 2, 92, 92)],
    ["shifted by 5 %", (image: Pixels) => crop(image, 5, 0, 91, 96)],
    [
      "turned by 2 degrees",
      (image: Pixels) => warp(image, inverseMatrix({ angle: 2 }), "bilinear", 127),
    ],
  ])("are seen in nearly all pictures when %s", (_, change) => {
    const found = photos.filter((image) => pairsOf(image, change(image)).length === 1);
    expect(found.length).toBeGreaterThanOrEqual(0.85 * photos.length);
  });

  it("are not seen between things of one shape and two colours", () => {
    const [photo] = photos;
    const swapped = photo!.data.map((_, i) => photo!.data[i - (i % 3) + ((i + 1) % 3)]!);
    expect(pairsOf(photo!, { ...photo!, data: swapped })).toEqual([]);
  });
});

describe("findGroups", () => {
  const pictures = Array.from({ length: 8 }, (_, i) => drawSample("mug", i, 48, 21));
  const set = makeSet(repeat(8, "a"));
  const start = Date.UTC(2020, 0, 1);

  it("joins copies, bursts of one camera, near-duplicates and the manifest's groups, also by way of others", () => {
    const known = [
      facts(pictures[0]!, { sha256: "same" }),
      facts(pictures[1]!, { sha256: "same" }),
      facts(pictures[2]!, { timeMs: start, camera: "one" }),
      facts(pictures[3]!, { timeMs: start + 4000, camera: "one" }),
      facts(pictures[4]!, { timeMs: start + 2000, camera: "two" }),
      facts(pictures[5]!, { timeMs: start + 8000, camera: "one" }),
      facts(resize(pictures[0]!, 40, 40)),
      facts(pictures[7]!),
    ];
    const groups = findGroups(set, known);
    expect([...groups.of]).toEqual([0, 0, 1, 1, 2, 1, 0, 3]);
    expect(groups.count).toBe(4);
    expect(groups.links).toEqual({ manifest: 0, copy: 1, burst: 2, "near-duplicate": 1 });
    expect([...findGroups(set, known, { burstSeconds: 0, nearDuplicates: false }).of]).toEqual([
      0, 0, 1, 2, 3, 4, 5, 6,
    ]);
    const named = makeSet(
      repeat(8, "a").map((row, i) => (i === 1 || i === 7 ? { ...row, group: "x" } : row)),
    );
    expect([...findGroups(named, known).of]).toEqual([0, 0, 1, 1, 2, 1, 0, 0]);
  });

  it("does not let a chain of guesses join everything", () => {
    const many = makeSet(repeat(200, "a"));
    const known = many.items.map((_, i) =>
      facts(pictures[i % 8]!, { timeMs: start + i * 1000, camera: "one" }),
    );
    const groups = findGroups(many, known, { nearDuplicates: false });
    const sizes = new Int32Array(groups.count);
    for (const group of groups.of) sizes[group]!++;
    expect(Math.max(...sizes)).toBeLessThanOrEqual(30);
    expect(groups.count).toBeLessThan(20);
  });

  it("cuts a class that would be one burst, so that it can be validated on, and says so", () => {
    const shot = (from: number, i: number) =>
      facts(pictures[i % 8]!, { timeMs: start + (from + i * 3) * 1000, camera: "one" });
    // "a" was photographed in one go, "b" on two occasions, "c" in one go by the manifest's word.
    const rows = [
      ...repeat(12, "a"),
      ...repeat(12, "b"),
      ...repeat(12, "c").map((row) => ({ ...row, group: "walk" })),
    ];
    const shots = makeSet(rows);
    const known = rows.map(({ label }, i) =>
      shot(label === "a" ? 0 : label === "b" ? (i < 18 ? 1000 : 2000) : 3000, i),
    );
    const groups = findGroups(shots, known, { nearDuplicates: false });
    expect(groups.cut).toEqual([0]);
    const inGroups = (label: string) =>
      new Set(rows.flatMap((row, i) => (row.label === label ? [groups.of[i]] : []))).size;
    expect([inGroups("a"), inGroups("b"), inGroups("c")]).toEqual([6, 2, 1]);
    // Neighbours in time stay together.
    expect([...groups.of].slice(0, 4)).toEqual([0, 0, 1, 1]);
    const split = splitData(shots, groups, { seed: 1 });
    expect(split.val.filter((index) => rows[index]!.label === "a").length).toBe(2);
    expect(leakedItems(split.train, split.val, groups)).toEqual([]);
    expect(split.notes[0]).toContain('All images of "a" look like one burst');
  });

  it("shows what a split blind to groups would have leaked", () => {
    const bursts = makeSet(
      Array.from(
        { length: 120 },
        (_, i): Row => ({ label: i < 60 ? "a" : "b", group: `burst${i >> 2}` }),
      ),
    );
    const groups = manifestGroups(bursts);
    const honest = splitData(bursts, groups, { seed: 1 });
    const naive = naiveSplit(bursts, { seed: 1 });
    expect(leakedItems(honest.train, honest.val, groups)).toEqual([]);
    // An image in validation has no neighbour in training only if all three are with it: 0.2³ = 0.8 %.
    expect(leakedItems(naive.train, naive.val, groups).length).toBeGreaterThan(
      0.9 * naive.val.length,
    );
  });
});

describe("split.jsonl", () => {
  const set = makeSet(
    Array.from(
      { length: 12 },
      (_, i): Row => ({ label: i % 2 ? "a" : "b", ...(i < 4 ? { group: `p${i >> 1}` } : {}) }),
    ),
  );
  const groups = manifestGroups(set);
  const split = splitData(set, groups, { seed: 1, val: 0.25, test: 0.25 });
  const text = formatSplit(set, split, groups);

  it("writes one line per image and reads the same split back", () => {
    const lines = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, string>);
    expect(lines.length).toBe(12);
    expect(lines[0]).toMatchObject({ file: "b/0.png", label: "b", group: "p0" });
    expect(Object.keys(lines[11]!)).toEqual(["file", "label", "split"]);
    const back = parseSplit(text, set);
    for (const name of ["train", "val", "test"] as const) {
      expect([...back[name]].sort()).toEqual([...split[name]].sort());
    }
  });

  it("says when images went or came since", () => {
    const fewer = makeSet(repeat(2, "b"));
    expect(() => parseSplit(text, fewer)).toThrow(
      '11 of its images are not in data "rows" any more (the first: "a/1.png")',
    );
    const [, ...rest] = text.split("\n");
    expect(parseSplit(rest.join("\n"), set).notes).toEqual([
      "1 image is newer than the split and in no part.",
    ]);
    expect(() => parseSplit("{", set)).toThrow("split.jsonl: line 1: this is not JSON");
    expect(() => parseSplit('{"file":"b/0.png"}', set)).toThrow('expected a "file" and a "split"');
  });
});
