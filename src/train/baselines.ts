import { RandomStream } from "../core/random.ts";
import type { Batch } from "../data/batches/batches.ts";
import { linear } from "../layers/linear.ts";
import { flatten, sequential } from "../layers/structure.ts";
import { wilsonInterval } from "../metrics/wilsonInterval.ts";
import { adam } from "../optim/adam.ts";
import type { Session } from "../plan/backend.ts";
import { likelihood } from "./likelihood.ts";
import { measureNormalization } from "./normalization.ts";
import type { Baseline } from "./record.ts";
import { Trainer } from "./trainer.ts";

/** Small images of one size, one after the other, with their classes. */
export interface PixelTable {
  /** `count` images, H×W×C each. */
  readonly images: Uint8Array;
  readonly labels: Int32Array;
  readonly count: number;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

/** Always says the commonest class of the training images. */
export function majorityBaseline(
  train: ArrayLike<number>,
  val: ArrayLike<number>,
  classes: readonly string[],
): Baseline {
  const counts = new Array<number>(classes.length).fill(0);
  for (let i = 0; i < train.length; i++) counts[train[i]!]!++;
  const most = counts.indexOf(Math.max(...counts));
  let correct = 0;
  for (let i = 0; i < val.length; i++) if (val[i] === most) correct++;
  return baseline("majority class", `always says "${classes[most]}"`, correct, val.length);
}

/** Says the class of the training image whose pixels are nearest (Euclidean distance). */
export function nearestNeighbourBaseline(train: PixelTable, val: PixelTable): Baseline {
  const nearest = nearestNeighbours(train, val);
  let correct = 0;
  nearest.forEach((index, i) => {
    if (train.labels[index] === val.labels[i]) correct++;
  });
  return baseline("nearest neighbour", describe(train), correct, val.count);
}

/** For each image of `val` the index of the nearest in `train`, the first among equals. */
export function nearestNeighbours(train: PixelTable, val: PixelTable): Int32Array {
  const size = val.images.length / val.count;
  return Int32Array.from({ length: val.count }, (_, i) => {
    const own = val.images.subarray(i * size, (i + 1) * size);
    let best = 0;
    let bestDistance = Number.POSITIVE_INFINITY;
    for (let j = 0, from = 0; j < train.count; j++, from += size) {
      let distance = 0;
      // The rest of an image that is already further away need not be looked at.
      for (let k = 0; k < size && distance < bestDistance; k += 64) {
        const end = Math.min(size, k + 64);
        for (let at = k; at < end; at++) {
          const difference = own[at]! - train.images[from + at]!;
          distance += difference * difference;
        }
      }
      if (distance < bestDistance) {
        bestDistance = distance;
        best = j;
      }
    }
    return best;
  });
}

const linearEpochs = 30;
const linearBatch = 64;

/** Softmax regression on the pixels: what can be had without any hidden layer. */
export async function linearBaseline(
  session: Session,
  train: PixelTable,
  val: PixelTable,
  classes: number,
  seed: number,
): Promise<Baseline> {
  const { width, height, channels } = train;
  const size = width * height * channels;
  const rows = (table: PixelTable) =>
    Array.from({ length: table.count }, (_, i) => table.images.subarray(i * size, (i + 1) * size));
  const trainer = new Trainer({
    recipe: {
      net: sequential({ flatten: flatten(), linear: linear({ features: classes }) }),
      input: [channels, height, width],
      classes,
      normalization: measureNormalization(rows(train), channels),
      optimizer: adam({ weightDecay: 1e-2 }),
    },
    session,
    seed,
  });
  const batchSize = Math.min(linearBatch, train.count);
  await trainer.prepare([batchSize]);
  await trainer.initialize();
  const steps = Math.floor(train.count / batchSize);
  for (let epoch = 0; epoch < linearEpochs; epoch++) {
    const order = new RandomStream(seed, `baseline/${epoch}`).permutation(train.count);
    for (let step = 0; step < steps; step++) {
      const picked = order.subarray(step * batchSize, (step + 1) * batchSize);
      // Falls to zero in a straight line.
      const lr = 1e-3 * (1 - (epoch * steps + step) / (linearEpochs * steps));
      await trainer.step([gather(train, picked)], { lr }, epoch * steps + step);
    }
  }
  let correct = 0;
  for await (const { batch, scores } of trainer.evaluate(inOrder(val))) {
    for (let row = 0; row < batch.count; row++) {
      const label = batch.labels[row]!;
      if (likelihood(scores, row, classes, label).predicted === label) correct++;
    }
  }
  return baseline("linear", describe(train), correct, val.count);
}

async function* inOrder(table: PixelTable): AsyncGenerator<Batch> {
  for (let first = 0; first < table.count; first += linearBatch) {
    const count = Math.min(linearBatch, table.count - first);
    yield gather(
      table,
      Int32Array.from({ length: count }, (_, i) => first + i),
    );
  }
}

function gather(table: PixelTable, indices: Int32Array): Batch {
  const size = table.images.length / table.count;
  const images = new Uint8Array(indices.length * size);
  const labels = new Int32Array(indices.length);
  indices.forEach((index, i) => {
    images.set(table.images.subarray(index * size, (index + 1) * size), i * size);
    labels[i] = table.labels[index]!;
  });
  return { images, labels, indices, count: indices.length };
}

function describe({ count, width, height, channels }: PixelTable): string {
  return `on pixels, ${count} training images of ${height}x${width}x${channels}`;
}

function baseline(name: string, detail: string, correct: number, total: number): Baseline {
  return {
    name,
    detail,
    accuracy: correct / total,
    correct,
    total,
    ci95: wilsonInterval(correct, total),
  };
}
