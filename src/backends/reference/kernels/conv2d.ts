import type { TensorType } from "../../../graph/graph.ts";
import type { Conv2dAttributes, Conv2dGradientAttributes } from "../../../graph/ops/conv2d.ts";
import { type Tensor, zeros } from "../tensor.ts";

type FourSizes = readonly [number, number, number, number];

/** Products of one weight with a row of the input, and the row of the output that they add up to. */
type RowOfProducts = (
  weightPlace: number,
  /** Place in the input of the first product. */
  xPlace: number,
  /** Place in the output of the first product; the others follow one by one. */
  yPlace: number,
  count: number,
) => void;

/**
 * Visits every product of a convolution, by rows: which weight, which elements of the input and which of the output take
 * part. The three operations differ only in which of the three is the sum. Within a row, places in the input are
 * `stride[1]` apart.
 */
function forEachRowOfProducts(
  x: readonly number[],
  weight: readonly number[],
  y: readonly number[],
  { stride, padding, dilation, groups }: Conv2dAttributes,
  visit: RowOfProducts,
): void {
  const [n, c, h, w] = x as FourSizes;
  const [k, perGroup, r, s] = weight as FourSizes;
  const [, , p, q] = y as FourSizes;
  const outputsPerGroup = k / groups;
  for (let tapColumn = 0; tapColumn < s; tapColumn++) {
    // The columns of the output whose product with this tap lies inside the input.
    const shift = tapColumn * dilation[1] - padding[1];
    const firstColumn = Math.max(0, Math.ceil(-shift / stride[1]));
    const lastColumn = Math.min(q - 1, Math.floor((w - 1 - shift) / stride[1]));
    const count = lastColumn - firstColumn + 1;
    if (count <= 0) continue;
    for (let image = 0; image < n; image++) {
      for (let out = 0; out < k; out++) {
        const firstChannel = Math.floor(out / outputsPerGroup) * perGroup;
        for (let channel = 0; channel < perGroup; channel++) {
          for (let tapRow = 0; tapRow < r; tapRow++) {
            const weightPlace = ((out * perGroup + channel) * r + tapRow) * s + tapColumn;
            for (let row = 0; row < p; row++) {
              const xRow = row * stride[0] + tapRow * dilation[0] - padding[0];
              if (xRow < 0 || xRow >= h) continue;
              visit(
                weightPlace,
                ((image * c + firstChannel + channel) * h + xRow) * w +
                  firstColumn * stride[1] +
                  shift,
                ((image * k + out) * p + row) * q + firstColumn,
                count,
              );
            }
          }
        }
      }
    }
  }
}

export function conv2d(
  [input, kernel]: readonly Tensor[],
  attributes: Conv2dAttributes,
  [type]: readonly TensorType[],
): Tensor[] {
  const [x, weight, y] = [input!.data, kernel!.data, zeros(type!.shape)];
  const step = attributes.stride[1];
  const sums = y.data;
  forEachRowOfProducts(input!.shape, kernel!.shape, y.shape, attributes, (j, i, o, count) => {
    const factor = weight[j]!;
    for (let t = 0; t < count; t++) sums[o + t]! += factor * x[i + t * step]!;
  });
  return [y];
}

export function conv2dInputGradient(
  [gradient, kernel]: readonly Tensor[],
  attributes: Conv2dGradientAttributes,
  [type]: readonly TensorType[],
): Tensor[] {
  const [dy, weight, dx] = [gradient!.data, kernel!.data, zeros(type!.shape)];
  const step = attributes.stride[1];
  const sums = dx.data;
  forEachRowOfProducts(dx.shape, kernel!.shape, gradient!.shape, attributes, (j, i, o, count) => {
    const factor = weight[j]!;
    for (let t = 0; t < count; t++) sums[i + t * step]! += factor * dy[o + t]!;
  });
  return [dx];
}

export function conv2dWeightGradient(
  [input, gradient]: readonly Tensor[],
  attributes: Conv2dGradientAttributes,
  [type]: readonly TensorType[],
): Tensor[] {
  const [x, dy, dw] = [input!.data, gradient!.data, zeros(type!.shape)];
  const step = attributes.stride[1];
  const sums = dw.data;
  forEachRowOfProducts(input!.shape, dw.shape, gradient!.shape, attributes, (j, i, o, count) => {
    let sum = 0;
    for (let t = 0; t < count; t++) sum += dy[o + t]! * x[i + t * step]!;
    sums[j]! += sum;
  });
  return [dw];
}
