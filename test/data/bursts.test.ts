import { describe, expect, it } from "vitest";
import { RandomStream } from "../../src/core/random.ts";
import { adjustBrightness } from "../../src/data/augment/color.ts";
import { inverseMatrix, warp } from "../../src/data/augment/warp.ts";
import { crop } from "../../src/data/decode/crop.ts";
import type { Pixels } from "../../src/data/decode/pixels.ts";
import {
  drawSample,
  encodePng,
  findGroups,
  type Groups,
  inlinePreparer,
  leakedItems,
  memoryFiles,
  naiveSplit,
  nodeCodecs,
  openFiles,
  prepareImages,
  sampleClasses,
  splitData,
} from "../../src/data/index.node.ts";

const scenes = 20;
const shots = 4;

/** The next picture of a hand-held burst: a little moved, turned and brighter or darker, with new noise. */
function nextShot(scene: Pixels, random: RandomStream): Pixels {
  const between = (low: number, high: number): number => low + (high - low) * random.uniform();
  const motion = {
    angle: between(-1.5, 1.5),
    translate: [between(-3, 3), between(-3, 3)] as const,
  };
  const moved = warp(scene, inverseMatrix(motion), "bilinear", 128);
  const lit = adjustBrightness(crop(moved, 4, 4, 88, 88), between(0.92, 1.08));
  return {
    ...lit,
    data: lit.data.map((value) => Math.max(0, Math.min(255, value + 4 * random.normal()))),
  };
}

describe("a folder of bursts without times", () => {
  const files: Record<string, Uint8Array> = {};
  for (const label of sampleClasses()) {
    for (let scene = 0; scene < scenes; scene++) {
      const random = new RandomStream(8, `burst/${label}/${scene}`);
      const picture = drawSample(label, scene, 96, 77);
      for (let shot = 0; shot < shots; shot++) {
        files[`${label}/${scene}-${shot}.png`] = encodePng(nextShot(picture, random));
      }
    }
  }

  it("is split by scenes, while a split blind to bursts shows validation what it trained on", async () => {
    const geometry = { width: 64, height: 64, channels: 3 } as const;
    const prepared = await prepareImages(await openFiles(memoryFiles("bursts", files)), {
      preparer: inlinePreparer(nodeCodecs(), { geometry }),
    });
    const { set } = prepared;
    // What really belongs together, from the names.
    const sceneOf = new Map<string, number>();
    const truth: Groups = {
      of: Int32Array.from(set.items, ({ id }) => {
        const scene = id.replace(/-\d.png$/, "");
        if (!sceneOf.has(scene)) sceneOf.set(scene, sceneOf.size);
        return sceneOf.get(scene)!;
      }),
      count: scenes * sampleClasses().length,
      links: { manifest: 0, copy: 0, burst: 0, "near-duplicate": 0 },
      cut: [],
    };
    const found = findGroups(set, prepared.facts);
    const split = splitData(set, found, { seed: 1 });
    const naive = naiveSplit(set, { seed: 1 });
    // Nearly every validation image of the naive split has its neighbour in training.
    expect(leakedItems(naive.train, naive.val, truth).length).toBeGreaterThan(
      0.9 * naive.val.length,
    );
    expect(leakedItems(split.train, split.val, truth).length).toBeLessThanOrEqual(
      0.02 * split.val.length,
    );
    expect(Math.abs(split.val.length - 0.2 * set.items.length)).toBeLessThanOrEqual(8);
    // No two scenes are taken for one.
    const scenesIn = new Map<number, Set<number>>();
    found.of.forEach((group, index) => {
      const members = scenesIn.get(group) ?? new Set();
      scenesIn.set(group, members.add(truth.of[index]!));
    });
    expect([...scenesIn.values()].filter((members) => members.size > 1)).toEqual([]);
  });
});
