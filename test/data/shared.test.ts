import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, it } from "vitest";
import {
  countClasses,
  crop,
  type DataSet,
  type DecodedImage,
  decodeImage,
  nodeCodecs,
  openData,
  resize,
  toInput,
  toStored,
} from "../../src/data/index.node.ts";

const shared = new URL("../../../shared/data/", import.meta.url);
const pathOf = (name: string): string => fileURLToPath(new URL(name, shared));
const spread = (counts: readonly number[]): number[] => [Math.min(...counts), Math.max(...counts)];

/** Mean and standard deviation of each channel, in 0 … 1. */
function statistics(set: DataSet, indices: readonly number[]): number[][] {
  const sums = [0, 1, 2].map(() => [0, 0, 0]);
  for (const index of indices) {
    const { source } = set.items[index]!;
    if (source.kind !== "pixels") continue;
    const { channels, data } = source.pixels();
    for (let i = 0; i < data.length; i++) {
      const entry = sums[i % channels]!;
      entry[0]!++;
      entry[1]! += data[i]! / 255;
      entry[2]! += (data[i]! / 255) ** 2;
    }
  }
  return sums
    .filter(([count]) => count! > 0)
    .map(([count = 1, sum = 0, squares = 0]) => [
      sum / count,
      Math.sqrt(squares / count - (sum / count) ** 2),
    ]);
}

describe("real data", () => {
  beforeEach(({ skip }) => {
    if (!existsSync(shared)) skip("../shared is not beside the checkout");
  });
  it("MNIST: counts, parts, and the published mean and deviation of the training images", async () => {
    const set = await openData(pathOf("mnist"));
    expect([set.items.length, set.classes.length]).toEqual([70_000, 10]);
    const train = set.items.flatMap((item, index) => (item.split === "train" ? [index] : []));
    expect(countClasses(set, train)).toEqual([
      5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]);
    const [[mean, deviation] = []] = statistics(set, train);
    expect(mean).toBeCloseTo(0.1307, 4);
    expect(deviation).toBeCloseTo(0.3081, 4);
  });

  it("Fashion-MNIST: 6,000 of each class", async () => {
    const set = await openData(pathOf("fashion-mnist"));
    expect(spread(countClasses(set))).toEqual([6000, 6000]);
  });

  it("CIFAR-10: class names, and channel means near those of the whole set", async () => {
    const set = await openData(pathOf("cifar-10"));
    expect(set.classes.slice(0, 3)).toEqual(["airplane", "automobile", "bird"]);
    expect(spread(countClasses(set))).toEqual([1000, 1000]);
    const means = statistics(
      set,
      set.items.map((_, index) => index),
    ).map(([mean]) => mean!);
    for (const [channel, published] of [0.4914, 0.4822, 0.4465].entries()) {
      // A fifth of the images: the means lie within a hundredth.
      expect(Math.abs(means[channel]! - published)).toBeLessThan(0.01);
    }
  });

  it("hands: 2,062 photos in ten folders", async () => {
    const set = await openData(pathOf("photos/sign-language-digits"));
    expect(set.classes).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    expect([set.items.length, ...spread(countClasses(set))]).toEqual([2062, 204, 208]);
  });

  it("ImageNet: 25 photos become exactly the published inputs", async () => {
    const codecs = nodeCodecs();
    const read = async (path: string): Promise<DecodedImage> =>
      decodeImage(new Uint8Array(readFileSync(pathOf(path))), codecs);
    const geometry = { width: 224, height: 224, channels: 3, cropRatio: 0.875 } as const;
    const crops = readdirSync(pathOf("imagenet-samples/crops224"));
    expect(crops.length).toBe(25);
    let likeTorchvision = 0;
    for (const name of crops) {
      const photo = await read(`imagenet-samples/images/${name.replace(".png", ".JPEG")}`);
      const expected = await read(`imagenet-samples/crops224/${name}`);
      // The inputs were made with the longer side rounded and the odd pixel cut at the right.
      const scale = 256 / Math.min(photo.width, photo.height);
      const width = Math.round(photo.width * scale);
      const height = Math.round(photo.height * scale);
      const small = resize(photo, width, height);
      const input = crop(small, (width - 224) >> 1, (height - 224) >> 1, 224, 224);
      expect(Buffer.compare(input.data, expected.data), name).toBe(0);
      const ours = toInput(toStored(photo, geometry), geometry);
      if (Buffer.compare(ours.data, expected.data) === 0) likeTorchvision++;
    }
    // torchvision 0.14's Resize(256) and CenterCrop(224) round otherwise and meet 18 of them, as we do.
    expect(likeTorchvision).toBe(18);
  });
});
