import { OptionError } from "../../core/errors.ts";
import { RandomStream } from "../../core/random.ts";
import type { Augmentation, BatchAugmentation } from "../augment/augmentation.ts";
import { toInput } from "../prepare/geometry.ts";
import type { PreparedSet } from "../prepare/prepareImages.ts";
import { epochOrder, type Sampling } from "./order.ts";

/** What stands for images: bytes, or codes that a net made of them. */
export type ImageNumbers = Uint8Array | Float32Array;

/** Images as the trainer takes them; it normalises and converts them itself. */
export interface Batch<I extends ImageNumbers = ImageNumbers> {
  /** N×H×W×C. */
  readonly images: I;
  readonly labels: Int32Array;
  /** Index of each image in the prepared set. */
  readonly indices: Int32Array;
  /** N: the batch size, or what is left for the last batch of an epoch. */
  readonly count: number;
  /** N×classes, where mixing made labels soft. */
  readonly targets?: Float32Array;
}

export interface BatchOptions {
  /** Which items of the prepared set, in which base order. Default all. */
  readonly indices?: readonly number[];
  readonly batchSize: number;
  /** Augmentation happens with `train` only; with `eval` it is not even looked at. */
  readonly phase: "train" | "eval";
  readonly seed: number;
  /** Default `shuffle` with `train`, always `sequential` with `eval`. */
  readonly sampling?: Sampling;
  readonly augmentations?: readonly Augmentation[];
  readonly batchAugmentations?: readonly BatchAugmentation[];
}

/** The batches of any epoch of one part of a prepared set. */
export interface Batches<I extends ImageNumbers = ImageNumbers> {
  readonly imageCount: number;
  readonly batchSize: number;
  readonly stepsPerEpoch: number;
  /** Batch `step` of `epoch`, both from 0: a pure function of set, options and these two numbers. */
  at(epoch: number, step: number): Promise<Batch<I>>;
  /** All batches of an epoch from `fromStep` on. The next one is made while the caller works. */
  epoch(epoch: number, fromStep?: number): AsyncGenerator<Batch<I>, void, undefined>;
}

/**
 * Cuts a prepared set into batches.
 *
 * Every random decision is drawn from a stream named after its use, the epoch and the image's place in
 * it, so that training continues at any step without any generator state, and adding one augmentation
 * does not change what another draws.
 *
 * @throws OptionError for a batch size below 1 or an empty selection.
 */
export function createBatches(prepared: PreparedSet, options: BatchOptions): Batches<Uint8Array> {
  const { batchSize, phase, seed } = options;
  const indices = options.indices ?? prepared.set.items.map((_, index) => index);
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new OptionError(`batches: batchSize ${batchSize}; expected an integer of at least 1.`);
  }
  if (indices.length === 0) throw new OptionError("batches: no images were selected.");
  const isTraining = phase === "train";
  const sampling = isTraining ? (options.sampling ?? "shuffle") : "sequential";
  const augmentations = isTraining ? (options.augmentations ?? []) : [];
  const batchAugmentations = isTraining ? (options.batchAugmentations ?? []) : [];
  const { width, height, channels } = prepared.geometry;
  const imageSize = width * height * channels;
  const labels = indices.map((index) => prepared.set.items[index]!.label);
  const stepsPerEpoch = Math.ceil(indices.length / batchSize);
  const classes = prepared.set.classes.length;
  let order: { epoch: number; positions: Int32Array } | undefined;

  function positionsOf(epoch: number): Int32Array {
    if (order?.epoch !== epoch) {
      order = { epoch, positions: epochOrder(labels, sampling, seed, epoch) };
    }
    return order.positions;
  }

  async function at(epoch: number, step: number): Promise<Batch<Uint8Array>> {
    if (!Number.isInteger(step) || step < 0 || step >= stepsPerEpoch) {
      throw new OptionError(`batches: step ${step}; an epoch has steps 0 to ${stepsPerEpoch - 1}.`);
    }
    const positions = positionsOf(epoch);
    const first = step * batchSize;
    const count = Math.min(batchSize, indices.length - first);
    const images = new Uint8Array(count * imageSize);
    const batchLabels = new Int32Array(count);
    const batchIndices = new Int32Array(count);
    for (let i = 0; i < count; i++) {
      const position = positions[first + i]!;
      batchIndices[i] = indices[position]!;
      batchLabels[i] = labels[position]!;
    }
    // Asked for together: those that are not in memory are read at the same time.
    const stored = Array.from(batchIndices, (index) => prepared.pixels(index));
    for (let i = 0; i < count; i++) {
      const kept = stored[i]!;
      let image = kept instanceof Promise ? await kept : kept;
      augmentations.forEach((augmentation, which) => {
        const stream = new RandomStream(
          seed,
          `augment/${which}:${augmentation.name}/${epoch}/${first + i}`,
        );
        image = augmentation.apply(image, stream, prepared.geometry);
      });
      images.set(toInput(image, prepared.geometry).data, i * imageSize);
    }
    const batch = { images, labels: batchLabels, indices: batchIndices, count };
    return batchAugmentations.reduce<Batch<Uint8Array>>((current, augmentation, which) => {
      const stream = new RandomStream(seed, `mix/${which}:${augmentation.name}/${epoch}/${step}`);
      return augmentation.apply(current, stream, { width, height, channels, classes });
    }, batch);
  }

  return {
    imageCount: indices.length,
    batchSize,
    stepsPerEpoch,
    at,
    async *epoch(epoch, fromStep = 0) {
      let ahead = fromStep < stepsPerEpoch ? at(epoch, fromStep) : undefined;
      for (let step = fromStep; ahead !== undefined; step++) {
        const batch = await ahead;
        ahead = step + 1 < stepsPerEpoch ? afterYield(() => at(epoch, step + 1)) : undefined;
        // The caller may stop in between; a failure nobody waits for any more is nobody's.
        ahead?.catch(() => undefined);
        yield batch;
      }
    },
  };
}

// Starts after the caller has been handed its batch and has set the engine going.
function afterYield<T>(work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const start = (): void => void work().then(resolve, reject);
    if (typeof setImmediate === "function") setImmediate(start);
    else setTimeout(start, 0);
  });
}
