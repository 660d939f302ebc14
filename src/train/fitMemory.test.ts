import { describe, expect, it } from "vitest";
import { wasm } from "../backends/wasm/backend.ts";
import { RandomStream } from "../core/random.ts";
import type { Batch, Batches } from "../data/batches/batches.ts";
import { relu } from "../layers/activation.ts";
import { batchNorm2d } from "../layers/batchNorm.ts";
import { conv2d } from "../layers/conv2d.ts";
import { linear } from "../layers/linear.ts";
import { globalAvgPool2d } from "../layers/pooling.ts";
import { flatten, sequential } from "../layers/structure.ts";
import { momentum } from "../optim/momentum.ts";
import { constant } from "../optim/schedules/constant.ts";
import { totalBytes } from "../plan/backend.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { memoryFitText } from "./fitMemory.ts";
import type { Recipe } from "./recipe.ts";
import { type Estimate, runTraining, type TrainingOptions } from "./runTraining.ts";
import { type Tensors, Trainer } from "./trainer.ts";

const input = [3, 24, 24] as const;
const classes = 3;
const threads = 2;

/** 19 images in batches of 8: the last has 3. */
const images: Batches = (() => {
  const random = new RandomStream(1, "images");
  const size = input[0] * input[1] * input[2];
  const all: Batch = {
    images: Uint8Array.from({ length: 19 * size }, () => random.integer(256)),
    labels: Int32Array.from({ length: 19 }, () => random.integer(classes)),
    indices: Int32Array.from({ length: 19 }, (_, i) => i),
    count: 19,
  };
  const at = (step: number): Batch => {
    const [from, to] = [step * 8, Math.min(19, step * 8 + 8)];
    return {
      images: all.images.subarray(from * size, to * size),
      labels: all.labels.subarray(from, to),
      indices: all.indices.subarray(from, to),
      count: to - from,
    };
  };
  return {
    imageCount: 19,
    batchSize: 8,
    stepsPerEpoch: 3,
    at: async (_epoch, step) => at(step),
    async *epoch(_epoch, from = 0) {
      for (let step = from; step < 3; step++) yield at(step);
    },
  };
})();

function recipe(norm: boolean): Recipe {
  return {
    net: sequential({
      conv1: conv2d({ channels: 16, kernel: 3, padding: 1 }),
      ...(norm ? { bn1: batchNorm2d() } : {}),
      relu: relu(),
      pool: globalAvgPool2d(),
      flatten: flatten(),
      fc: linear({ features: classes }),
    }),
    input,
    classes,
    normalization: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
    optimizer: momentum({ lr: 0.05 }),
  };
}

interface Result {
  readonly estimate: Estimate;
  readonly checkpoints: readonly Checkpoint[];
  readonly weights: Tensors;
}

async function trained(
  options: Partial<TrainingOptions> = {},
  norm = false,
  by: Recipe = recipe(norm),
): Promise<Result> {
  const session = await wasm({ threads }).open();
  try {
    const trainer = new Trainer({ recipe: by, session, seed: 3 });
    const checkpoints: Checkpoint[] = [];
    let estimate: Estimate | undefined;
    const common = { trainer, train: images, val: images, epochs: 2, schedule: constant() };
    for await (const event of runTraining({ ...common, ...options })) {
      if (event.type === "estimate") ({ estimate } = event);
      if (event.type === "checkpoint") checkpoints.push(event.checkpoint);
    }
    return { estimate: estimate!, checkpoints, weights: await trainer.weights() };
  } finally {
    await session.close();
  }
}

/** What training takes with batches cut into parts, before anything is allocated. */
async function needed(part: number): Promise<number> {
  const session = await wasm({ threads }).open();
  const trainer = new Trainer({ recipe: recipe(false), session, seed: 3 });
  const bytes = totalBytes(await trainer.measure([8, 3], part));
  expect(session.states).toEqual([]);
  await session.close();
  return bytes;
}

describe("a batch that does not fit into memory", () => {
  it("is known before the first step, and parts take less", async () => {
    const sizes = [await needed(8), await needed(4), await needed(2), await needed(1)];
    expect([...sizes].sort((a, b) => b - a)).toEqual(sizes);
    // Validation, which comes after the first epoch, is counted too.
    const { estimate } = await trained();
    expect(totalBytes(estimate.memory)).toBeLessThanOrEqual(sizes[0]!);
    expect(totalBytes(estimate.memory)).toBeGreaterThan(0.8 * sizes[0]!);
  });

  it("is added up from parts, to the same weights but for rounding", async () => {
    const whole = await trained();
    const limit = await needed(4);
    const cut = await trained({ memoryLimitBytes: limit });
    expect(whole.estimate.fit).toBeUndefined();
    expect(cut.estimate.fit).toMatchObject({ batch: 8, part: 4, batchNorm: false });
    expect(totalBytes(cut.estimate.memory)).toBeLessThanOrEqual(limit);
    for (const [name, { data }] of whole.weights) {
      const other = cut.weights.get(name)!.data;
      data.forEach((value, i) => {
        expect(other[i]).toBeCloseTo(value, 5);
      });
    }
  });

  it("keeps its parts when training goes on, to the same bits", async () => {
    const cut = await trained({ memoryLimitBytes: await needed(4) });
    const [first] = cut.checkpoints;
    expect(first!.part).toBe(4);
    const resumed = await trained({ resume: first! });
    expect(resumed.weights).toEqual(cut.weights);
  });

  it("is added up from parts where batches are added up already", async () => {
    const by = { ...recipe(false), accumulate: 2 };
    const whole = await trained({}, false, by);
    const cut = await trained({ memoryLimitBytes: await needed(3) }, false, by);
    expect(cut.estimate.fit?.part).toBeLessThan(8);
    for (const [name, { data }] of whole.weights) {
      const other = cut.weights.get(name)!.data;
      data.forEach((value, i) => {
        expect(other[i]).toBeCloseTo(value, 5);
      });
    }
  });

  it("says what becomes of batch norm", async () => {
    const whole = await trained({}, true);
    const limit = Math.floor(0.8 * totalBytes(whole.estimate.memory));
    const { estimate } = await trained({ memoryLimitBytes: limit }, true);
    expect(memoryFitText(estimate.fit!)).toMatch(
      /A batch of 8 at once would take \d+ MiB.*Batch norm normalises each part by its own statistics/,
    );
  });

  it("is refused where one image is too much, with the numbers", async () => {
    await expect(trained({ memoryLimitBytes: 10_000 })).rejects.toThrow(
      /training needs \d+ MiB even for one image at a time: .* the limit is 1 MiB. Use a smaller net/,
    );
  });
});
