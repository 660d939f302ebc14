import { z } from "zod";
import type { RandomStream } from "../../core/random.ts";
import type { Batch } from "../batches/batches.ts";
import type { AugmentationKind, BatchAugmentation, BatchLayout } from "./augmentation.ts";
import { chanceOption } from "./range.ts";

/** A number from Beta(alpha, alpha), as the ratio of two Gamma draws. */
export function drawBeta(random: RandomStream, alpha: number): number {
  const a = drawGamma(random, alpha);
  const b = drawGamma(random, alpha);
  // Both can underflow for tiny alpha, where the distribution is a coin toss.
  return a + b > 0 ? a / (a + b) : random.uniform() < 0.5 ? 0 : 1;
}

// Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables", 2000; below 1 by their
// remark that Gamma(a) = Gamma(a + 1) · U^(1/a).
function drawGamma(random: RandomStream, shape: number): number {
  if (shape < 1) return drawGamma(random, shape + 1) * random.uniform() ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) {
      return d * v;
    }
  }
}

const options = (alpha: number) => () =>
  z.strictObject({
    chance: chanceOption(1),
    /** Both parameters of the Beta distribution that the share is drawn from. */
    alpha: z.number().gt(0).max(100).default(alpha),
  });

type MixOptions = ReturnType<ReturnType<typeof options>>;

/**
 * Mixes each image with its predecessor in the (shuffled) batch:
 * `x = λ x_i + (1 − λ) x_{i−1}`, labels alike, one `λ ~ Beta(alpha, alpha)` per batch. Default alpha
 * 0.2, as torchvision's training reference.
 *
 * Source: Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2017.
 */
export const mixup: AugmentationKind<MixOptions, BatchAugmentation> = {
  summary: "mixes pairs of images and their labels",
  options: options(0.2),
  create: ({ chance, alpha }) => ({
    name: "mixup",
    apply(batch, random, layout) {
      if (random.uniform() >= chance) return withTargets(batch, layout);
      const share = drawBeta(random, alpha);
      const { images, count } = batch;
      const size = layout.width * layout.height * layout.channels;
      const mixed = new Uint8Array(images.length);
      for (let i = 0; i < count; i++) {
        const own = i * size;
        const other = ((i + count - 1) % count) * size;
        for (let j = 0; j < size; j++) {
          mixed[own + j] = share * images[own + j]! + (1 - share) * images[other + j]! + 0.5;
        }
      }
      return { ...batch, images: mixed, targets: mixTargets(batch, share, layout) };
    },
  }),
};

/**
 * Puts a rectangle of the predecessor in the batch into each image; labels are mixed by area. The
 * rectangle has the area `1 − λ` before it is cut at the image's edge. Default alpha 1, as the paper.
 *
 * Source: Yun et al., "CutMix", 2019, section 3.
 */
export const cutmix: AugmentationKind<MixOptions, BatchAugmentation> = {
  summary: "puts a rectangle of one image into another and mixes their labels",
  options: options(1),
  create: ({ chance, alpha }) => ({
    name: "cutmix",
    apply(batch, random, layout) {
      if (random.uniform() >= chance) return withTargets(batch, layout);
      const { width, height, channels } = layout;
      const half = 0.5 * Math.sqrt(1 - drawBeta(random, alpha));
      const middleX = random.integer(width);
      const middleY = random.integer(height);
      const left = Math.max(0, middleX - Math.trunc(half * width));
      const right = Math.min(width, middleX + Math.trunc(half * width));
      const top = Math.max(0, middleY - Math.trunc(half * height));
      const bottom = Math.min(height, middleY + Math.trunc(half * height));
      const { images, count } = batch;
      const size = width * height * channels;
      const mixed = images.slice();
      for (let i = 0; i < count; i++) {
        const other = ((i + count - 1) % count) * size;
        for (let y = top; y < bottom; y++) {
          const row = y * width * channels;
          const from = other + row + left * channels;
          mixed.set(
            images.subarray(from, other + row + right * channels),
            i * size + row + left * channels,
          );
        }
      }
      const share = 1 - ((right - left) * (bottom - top)) / (width * height);
      return { ...batch, images: mixed, targets: mixTargets(batch, share, layout) };
    },
  }),
};

/** Applies one of several, drawn evenly for each batch, as torchvision's reference does with these two. */
export function oneOf(choices: readonly BatchAugmentation[]): BatchAugmentation {
  return {
    name: choices.map((choice) => choice.name).join("|"),
    apply: (batch, random, layout) =>
      choices[random.integer(choices.length)]!.apply(batch, random, layout),
  };
}

function withTargets(batch: Batch<Uint8Array>, layout: BatchLayout): Batch<Uint8Array> {
  return { ...batch, targets: mixTargets(batch, 1, layout) };
}

function mixTargets(
  batch: Batch<Uint8Array>,
  share: number,
  { classes }: BatchLayout,
): Float32Array {
  const { labels, count } = batch;
  const targets = new Float32Array(count * classes);
  for (let i = 0; i < count; i++) {
    targets[i * classes + labels[i]!]! += share;
    targets[i * classes + labels[(i + count - 1) % count]!]! += 1 - share;
  }
  return targets;
}
