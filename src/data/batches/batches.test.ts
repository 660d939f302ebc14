import { describe, expect, it, vi } from "vitest";
import type { Augmentation } from "../augment/augmentation.ts";
import { parseAugmentations } from "../augment/parse.ts";
import { nodeCodecs } from "../decode/codecs.node.ts";
import { createDataSet } from "../manifest.ts";
import { type PreparedSet, prepareImages } from "../prepare/prepareImages.ts";
import { inlinePreparer } from "../prepare/preparer.ts";
import { drawSample } from "../sets/sample.ts";
import { type Batch, createBatches } from "./batches.ts";
import { epochOrder } from "./order.ts";

/** Ten images of three classes (5, 3, 2); pixel 0 of each is its number. */
async function prepare(): Promise<PreparedSet> {
  const labels = ["a", "a", "a", "a", "a", "b", "b", "b", "c", "c"];
  const set = createDataSet({
    name: "ten",
    format: "memory",
    items: labels.map((label, number) => ({
      id: `${number}`,
      label,
      source: {
        kind: "pixels",
        pixels() {
          const image = drawSample("leaf", number, 8, 1);
          image.data[0] = number;
          return image;
        },
      },
    })),
  });
  const geometry = { width: 8, height: 8, channels: 3 } as const;
  return prepareImages(set, { preparer: inlinePreparer(nodeCodecs(), { geometry }) });
}

async function collect(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const all: Batch[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

describe("createBatches", () => {
  it("shows every image once, the last batch short, pixels and labels together", async () => {
    const prepared = await prepare();
    const batches = createBatches(prepared, { batchSize: 4, phase: "train", seed: 3 });
    expect([batches.imageCount, batches.stepsPerEpoch]).toEqual([10, 3]);
    const all = await collect(batches.epoch(0));
    expect(all.map((batch) => batch.count)).toEqual([4, 4, 2]);
    expect(all.map((batch) => batch.images.length)).toEqual([4 * 192, 4 * 192, 2 * 192]);
    const seen = all.flatMap((batch) =>
      [...batch.indices].map((index, i) => {
        expect(batch.images[i * 192]).toBe(index);
        expect(batch.labels[i]).toBe(prepared.set.items[index]!.label);
        return index;
      }),
    );
    expect(seen).not.toEqual([...seen].sort((a, b) => a - b));
    expect([...seen].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it("gives batch k of epoch e whatever was asked before", async () => {
    const options = {
      batchSize: 3,
      phase: "train",
      seed: 9,
      ...parseAugmentations("horizontalFlip, randomCrop(padding=2), colorJitter, mixup"),
    } as const;
    const whole = await collect(createBatches(await prepare(), options).epoch(2));
    const fresh = createBatches(await prepare(), options);
    expect(await fresh.at(2, 3)).toEqual(whole[3]);
    expect(await collect(fresh.epoch(2, 1))).toEqual(whole.slice(1));
    expect(await fresh.at(3, 0)).not.toEqual(whole[0]);
    const other = createBatches(await prepare(), { ...options, seed: 10 });
    expect(await other.at(2, 3)).not.toEqual(whole[3]);
  });

  it("evaluates in order and without any augmentation", async () => {
    const prepared = await prepare();
    const invert: Augmentation = {
      name: "invert",
      apply: (image) => ({ ...image, data: image.data.map((value) => 255 - value) }),
    };
    const options = { batchSize: 4, seed: 1, augmentations: [invert], indices: [7, 2, 9] } as const;
    const evaluated = await createBatches(prepared, { ...options, phase: "eval" }).at(0, 0);
    expect([...evaluated.indices]).toEqual([7, 2, 9]);
    expect(evaluated.images[0]).toBe(7);
    const trained = await createBatches(prepared, { ...options, phase: "train" }).at(0, 0);
    expect(trained.images[0]).toBe(255 - trained.indices[0]!);
  });

  it("lets an augmentation keep its draws when another is added after it", async () => {
    const prepared = await prepare();
    const drawn = async (names: string): Promise<boolean[]> => {
      const batches = createBatches(prepared, {
        batchSize: 10,
        phase: "train",
        seed: 5,
        ...parseAugmentations(names),
      });
      const { images, indices } = await batches.at(0, 0);
      // Mirrored or not, told by where the image's number is.
      return [...indices].map((index, i) => images[i * 192 + 21] === index);
    };
    expect(await drawn("horizontalFlip, randomErasing(scale=0.01..0.02)")).toEqual(
      await drawn("horizontalFlip"),
    );
  });

  it("makes the next batch while the caller works, and stops when the caller does", async () => {
    const prepared = await prepare();
    const asked: number[] = [];
    const watched: PreparedSet = {
      ...prepared,
      async pixels(index) {
        asked.push(index);
        return prepared.pixels(index);
      },
    };
    const stream = createBatches(watched, { batchSize: 2, phase: "eval", seed: 1 }).epoch(0);
    await stream.next();
    // Nobody asks for the second batch, and yet it is made.
    await vi.waitFor(() => expect(asked).toEqual([0, 1, 2, 3]), { timeout: 10_000 });
    await stream.return();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(asked).toEqual([0, 1, 2, 3]);
  });

  it("checks its options", async () => {
    const prepared = await prepare();
    expect(() => createBatches(prepared, { batchSize: 0, phase: "train", seed: 1 })).toThrow(
      "batchSize 0",
    );
    expect(() =>
      createBatches(prepared, { batchSize: 1, phase: "train", seed: 1, indices: [] }),
    ).toThrow("no images");
    await expect(
      createBatches(prepared, { batchSize: 4, phase: "train", seed: 1 }).at(0, 3),
    ).rejects.toThrow("step 3; an epoch has steps 0 to 2");
  });
});

describe("epochOrder", () => {
  const labels = [0, 0, 0, 0, 0, 0, 0, 1, 1, 2];

  it("shows all classes equally often when balanced", () => {
    const counts = [0, 0, 0];
    for (let epoch = 0; epoch < 30; epoch++) {
      const order = epochOrder(labels, "balanced", 1, epoch);
      expect(order.length).toBe(10);
      for (const at of order) counts[labels[at]!]!++;
      const perEpoch = [0, 1, 2].map(
        (label) => [...order].filter((at) => labels[at] === label).length,
      );
      expect(Math.max(...perEpoch) - Math.min(...perEpoch)).toBeLessThanOrEqual(1);
    }
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(30);
  });

  it("is another order each epoch, and the same for the same epoch", () => {
    const first = epochOrder(labels, "shuffle", 1, 0);
    expect(epochOrder(labels, "shuffle", 1, 0)).toEqual(first);
    expect(epochOrder(labels, "shuffle", 1, 1)).not.toEqual(first);
    expect([...epochOrder(labels, "sequential", 1, 5)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});
