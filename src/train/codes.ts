import { OptionError } from "../core/errors.ts";
import type { Batch, Batches } from "../data/batches/batches.ts";
import { epochOrder, type Sampling } from "../data/batches/order.ts";
import type { Normalization } from "./normalization.ts";
import type { Tensor, Tensors } from "./trainer.ts";

/** What a net made of images: a row of numbers for each. */
export interface Codes {
  /** Numbers in a row. */
  readonly width: number;
  /** Row after row. */
  readonly data: Float32Array;
}

/** Batches of rows instead of images, shuffled as batches of images are. */
export function codeBatches(
  codes: Codes,
  options: {
    /** The row and the label of each image, and its number in the set. */
    readonly rows: readonly number[];
    readonly labels: readonly number[];
    readonly batchSize: number;
    readonly sampling: Sampling;
    readonly seed: number;
  },
): Batches<Float32Array> {
  const { rows, labels, batchSize, sampling, seed } = options;
  const { width, data } = codes;
  const stepsPerEpoch = Math.ceil(rows.length / batchSize);
  if (rows.length === 0) throw new OptionError("codes: no images were selected.");
  const at = async (epoch: number, step: number): Promise<Batch<Float32Array>> => {
    const order = epochOrder(labels, sampling, seed, epoch);
    const count = Math.min(batchSize, rows.length - step * batchSize);
    const images = new Float32Array(count * width);
    const indices = new Int32Array(count);
    const own = new Int32Array(count);
    for (let i = 0; i < count; i++) {
      const position = order[step * batchSize + i]!;
      const row = rows[position]!;
      images.set(data.subarray(row * width, (row + 1) * width), i * width);
      indices[i] = row;
      own[i] = labels[position]!;
    }
    return { images, labels: own, indices, count };
  };
  return {
    imageCount: rows.length,
    batchSize,
    stepsPerEpoch,
    at,
    async *epoch(epoch, fromStep = 0) {
      for (let step = fromStep; step < stepsPerEpoch; step++) yield at(epoch, step);
    },
  };
}

/** Numbers that hardly vary would be blown up; so much of the typical deviation is taken at least. */
const leastDeviation = 1e-2;

/** Mean and deviation of each number over some rows, so that a linear classifier learns all of them alike. */
export function standardizationOf(codes: Codes, rows: readonly number[]): Normalization {
  const { width, data } = codes;
  const sums = new Float64Array(width);
  const squares = new Float64Array(width);
  for (const row of rows) {
    for (let i = 0; i < width; i++) {
      const value = data[row * width + i]!;
      sums[i]! += value;
      squares[i]! += value * value;
    }
  }
  const mean = Array.from(sums, (sum) => sum / rows.length);
  const deviation = Array.from(squares, (square, i) =>
    Math.sqrt(Math.max(0, square / rows.length - mean[i]! ** 2)),
  );
  const typical = deviation.reduce((sum, value) => sum + value, 0) / width;
  const least = Math.max(leastDeviation * typical, 1e-12);
  return { mean, std: deviation.map((value) => Math.max(value, least)), scale: 1 };
}

/**
 * A linear layer on `(x − mean)/std` as one on `x`: `W′ = W/std`, `b′ = b − W·(mean/std)`, summed in float64.
 *
 * @param weights `weight [K, D]` and `bias [K]`
 */
export function foldStandardization(
  weights: { readonly weight: Tensor; readonly bias: Tensor },
  { mean, std }: Normalization,
): { readonly weight: Tensor; readonly bias: Tensor } {
  const [rows = 0, width = 0] = weights.weight.shape;
  const weight = new Float32Array(rows * width);
  const bias = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    let shift = weights.bias.data[row]!;
    for (let i = 0; i < width; i++) {
      const scaled = weights.weight.data[row * width + i]! / std[i]!;
      weight[row * width + i] = scaled;
      shift -= scaled * mean[i]!;
    }
    bias[row] = shift;
  }
  return {
    weight: { shape: weights.weight.shape, data: weight },
    bias: { shape: weights.bias.shape, data: bias },
  };
}

/** The name of the linear layer that is trained on codes. */
export const codeHead = "classifier";

/** A whole net's weights: those of the body, and the classifier that was trained on its codes. */
export function joinHead(
  body: Tensors,
  head: string,
  trained: Tensors,
  standardization: Normalization,
): Tensors {
  const { weight, bias } = foldStandardization(
    { weight: trained.get(`${codeHead}.weight`)!, bias: trained.get(`${codeHead}.bias`)! },
    standardization,
  );
  return new Map([...body, [`${head}.weight`, weight], [`${head}.bias`, bias]]);
}
