import { RandomStream } from "../core/random.ts";
import { writeNpz } from "../formats/npz/npz.ts";
import type { Backend } from "../plan/backend.ts";
import { type Model, openPredictor } from "../runs/model.ts";
import { likelihood } from "../train/likelihood.ts";
import type { Normalization } from "../train/normalization.ts";

/** Images by which an export is checked, as a model sees them. */
export interface GoldenImages {
  /** Bytes, `[count, H, W, C]`. */
  readonly images: Uint8Array;
  readonly count: number;
  /** Where they come from, as a sentence goes on: `the validation images of run "photos"`. */
  readonly origin: string;
  /** Why they are no others, for whoever exports; it may name places on this machine, so it is not shipped. */
  readonly note?: string;
}

/** Golden images with what our own engine says about them. */
export interface Golden extends GoldenImages {
  /** The images normalised, `[count, C, H, W]`: what a net without its preprocessing is fed. */
  readonly input: Float32Array;
  /** `[count, classes]`. */
  readonly scores: Float32Array;
  /** `[count, classes]`. */
  readonly probabilities: Float32Array;
}

/** Asks our engine about golden images. */
export async function answerGolden(
  model: Model,
  given: GoldenImages,
  backend: Backend,
): Promise<Golden> {
  const scores = await scoresOfImages(model, given, backend);
  return {
    ...given,
    input: normalizePixels(given, model),
    scores,
    probabilities: probabilitiesOf(scores, model.classes.length),
  };
}

/** Scores of a model for images, from our own engine. */
export async function scoresOfImages(
  model: Model,
  { images, count }: GoldenImages,
  backend: Backend,
): Promise<Float32Array> {
  const session = await backend.open();
  try {
    const size = images.length / count;
    const all = new Float32Array(count * model.classes.length);
    let done = 0;
    for await (const { scores } of openPredictor(model, session).evaluate(
      eachImage(images, count, size),
    )) {
      all.set(scores, done);
      done += scores.length;
    }
    return all;
  } finally {
    await session.close();
  }
}

// One by one, so that a large net needs no more memory than for a prediction.
async function* eachImage(images: Uint8Array, count: number, size: number) {
  for (let i = 0; i < count; i++) {
    yield { images: images.subarray(i * size, (i + 1) * size), count: 1 };
  }
}

/** Softmax of rows of scores, worked out in double precision. */
export function probabilitiesOf(scores: Float32Array, classes: number): Float32Array {
  const result = new Float32Array(scores.length);
  for (let row = 0; row * classes < scores.length; row++) {
    result.set(likelihood(scores, row, classes, 0).probabilities, row * classes);
  }
  return result;
}

/** `(pixel · scale − mean)/std` in float32, as the first node of our own graphs computes it, and channels first. */
function normalizePixels({ images, count }: GoldenImages, model: Model): Float32Array {
  const [channels, height, width] = model.net.input;
  const { mean, std, scale = 1 / 255, channelOrder }: Normalization = model.normalization;
  const result = new Float32Array(images.length);
  const plane = height * width;
  for (let c = 0; c < channels; c++) {
    const source = channelOrder === "bgr" ? channels - 1 - c : c;
    const factor = Math.fround(scale / std[c]!);
    const shift = Math.fround(-mean[c]! / std[c]!);
    for (let n = 0; n < count; n++) {
      for (let i = 0; i < plane; i++) {
        const pixel = images[(n * plane + i) * channels + source]!;
        result[(n * channels + c) * plane + i] = Math.fround(pixel * factor) + shift;
      }
    }
  }
  return result;
}

/**
 * Images drawn from nothing but a number: soft blobs of colour over a gradient with some noise. The same on every
 * machine.
 */
export function syntheticImages(model: Model, count: number): GoldenImages {
  const [channels, height, width] = model.net.input;
  const images = new Uint8Array(count * height * width * channels);
  let position = 0;
  for (let n = 0; n < count; n++) {
    const stream = new RandomStream(n, "golden image");
    const blobs = Array.from({ length: 5 }, () => ({
      x: stream.uniform() * width,
      y: stream.uniform() * height,
      radius: (0.1 + 0.3 * stream.uniform()) * Math.min(height, width),
      color: Array.from({ length: channels }, () => 255 * (stream.uniform() - 0.5)),
    }));
    const ground = Array.from({ length: channels }, () => 255 * stream.uniform());
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        for (let c = 0; c < channels; c++) {
          let value = ground[c]! + 40 * (y / height - 0.5) + 16 * (stream.uniform() - 0.5);
          for (const blob of blobs) {
            const distance = ((x - blob.x) ** 2 + (y - blob.y) ** 2) / blob.radius ** 2;
            if (distance < 1) value += blob.color[c]! * (1 - distance) ** 2;
          }
          images[position++] = Math.max(0, Math.min(255, Math.round(value)));
        }
      }
    }
  }
  return { images, count, origin: `synthetic images (seeds 0 to ${count - 1})` };
}

/** The golden pairs as a NumPy archive: `images`, `input`, `scores`, `probabilities`. */
export function goldenFile(golden: Golden, model: Model): Uint8Array {
  const { count, images, input, scores, probabilities } = golden;
  const [channels, height, width] = model.net.input;
  const rows = [count, model.classes.length];
  return writeNpz(
    {
      images: {
        shape: [count, height, width, channels],
        data: Int32Array.from(images),
        elementType: "uint8",
      },
      input: { shape: [count, channels, height, width], data: input },
      scores: { shape: rows, data: scores },
      probabilities: { shape: rows, data: probabilities },
    },
    { compress: true },
  );
}

/** The largest difference between two lists of numbers; infinite where one of them is none. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = a.length === b.length ? 0 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(largest, difference);
  }
  return largest;
}
