import { describe, expect, test } from "vitest";
import { createDataSet } from "../data/manifest.ts";
import { measureCost } from "../train/cost.ts";
import { choosePlan, type ImageScan } from "./choosePlan.ts";
import { planNet } from "./plan.ts";
import type { TrainOptions } from "./trainOptions.ts";

function planFor(images: number, scan: ImageScan, options: TrainOptions = {}, classes = 5) {
  const names = Array.from({ length: classes }, (_, i) => `class ${i}`);
  const set = createDataSet({
    name: "set",
    format: "folder",
    classes: names,
    items: Array.from({ length: images }, (_, i) => ({
      id: `${i}.jpg`,
      label: names[i % classes]!,
      source: {
        kind: "file" as const,
        path: `${i}.jpg`,
        sizeBytes: 0,
        read: async () => new Uint8Array(),
      },
    })),
    ignored: [],
  });
  const { plan, choices } = choosePlan(set, scan, options, 0);
  const training = Math.round(images * 0.8);
  const net = planNet(plan);
  const macs = 3 * measureCost(net.layer, net.input).macs * training * plan.epochs;
  return { plan, choices, macs, steps: plan.epochs * Math.ceil(training / plan.batch) };
}

const photos: ImageScan = { shorterSide: 2000, commonSize: undefined, isGrey: false };
const pack = (side: number, isGrey: boolean): ImageScan => ({
  shorterSide: side,
  commonSize: { width: side, height: side },
  isGrey,
});
/** Six minutes, as the plan counts them. */
const budget = 6 * 3.6e12;

describe("the plan for", () => {
  test("few and large photos has steps enough for a net from scratch, in minutes", () => {
    for (const images of [60, 150, 300]) {
      const { plan, steps, macs } = planFor(images, photos);
      expect(plan.net).toMatchObject({ name: "resnet18", variant: "narrow" });
      expect(Math.min(...plan.net.input.slice(1))).toBeGreaterThanOrEqual(96);
      expect(plan.batch).toBe(16);
      expect(steps).toBeGreaterThanOrEqual(2000);
      expect(macs).toBeLessThan(1.1 * budget);
    }
  });

  test("two thousand photos sees each at least 40 times", () => {
    const { plan, macs } = planFor(2062, { ...photos, shorterSide: 100 }, {}, 10);
    expect(plan.net.input).toEqual([3, 96, 96]);
    expect(plan.epochs).toBeGreaterThanOrEqual(40);
    expect(macs).toBeLessThan(1.1 * budget);
  });

  test.each([
    ["60,000 grey images of 28x28", 60_000, pack(28, true), [1, 28, 28], "randomCrop(padding=2)"],
    ["10,000 images of 32x32", 10_000, pack(32, false), [3, 32, 32], "horizontalFlip"],
  ] as const)("%s keeps their size", (_, images, scan, input, augmentation) => {
    const { plan, choices } = planFor(images, scan, {}, 10);
    expect(plan.net).toEqual({ name: "resnet20", variant: "cifar", input });
    expect(plan.epochs).toBeGreaterThanOrEqual(8);
    expect(choices.find(({ what }) => what === "augmentation")?.value).toContain(augmentation);
  });

  test("more minutes has more epochs or larger images", () => {
    const [short, long] = [{ minutes: 2 }, { minutes: 20 }].map((given) =>
      planFor(2000, photos, given),
    );
    expect(long!.macs).toBeGreaterThan(4 * short!.macs);
  });
});

test("the last epoch is kept where the rate ends at zero, the best where training may end anywhere", () => {
  const kept = (options: TrainOptions) =>
    planFor(100, photos, { input: "32x32", ...options }).plan.keep;
  expect(kept({})).toBe("last");
  expect(kept({ patience: 5 })).toBe("best");
  expect(kept({ schedule: "constant" })).toBe("best");
  expect(kept({ keep: "best" })).toBe("best");
});

test("the rate is one that the net bears", () => {
  const updates = (net: string) => {
    const { plan } = planFor(10_000, pack(32, false), { net, input: "32x32x3" }, 10);
    return [plan.batch, plan.optimizer, plan.lr];
  };
  expect(updates("resnet20")).toEqual([64, "nesterov(momentum=0.9)", 0.1]);
  expect(updates("lenet5")).toEqual([64, "nesterov(momentum=0.9)", 0.01]);
  expect(updates("convnext")).toEqual([64, "adamw", 0.001]);
});

test("what is given is not chosen", () => {
  const { plan, choices } = planFor(100, photos, { net: "lenet5", epochs: 3, lr: 0.5, batch: 7 });
  expect(plan).toMatchObject({ net: { name: "lenet5" }, epochs: 3, lr: 0.5, batch: 7 });
  for (const what of ["net", "epochs", "learning rate", "batch"]) {
    expect(choices.some((choice) => choice.what === what)).toBe(false);
  }
  for (const { value, why } of choices) expect([value, why]).not.toContain("");
});
