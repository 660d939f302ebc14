import type { TensorType } from "../../../graph/graph.ts";
import type { Conv2dAttributes, Conv2dGradientAttributes } from "../../../graph/ops/conv2d.ts";
import { type Tensor, zeros } from "../tensor.ts";

type FourSizes = readonly [number, number, number, number];

/**
 * Visits every product of a convolution: which element of the input, of the weight and of the output
 * take part. The three operations differ only in which of the three is the sum.
 */
function forEachProduct(
  x: readonly number[],
  weight: readonly number[],
  y: readonly number[],
  { stride, padding, dilation, groups }: Conv2dAttributes,
  visit: (xPlace: number, weightPlace: number, yPlace: number) => void,
): void {
  const [n, c, h, w] = x as FourSizes;
  const [k, perGroup, r, s] = weight as FourSizes;
  const [, , p, q] = y as FourSizes;
  const outputsPerGroup = k / groups;
  for (let image = 0; image < n; image++) {
    for (let out = 0; out < k; out++) {
      const firstChannel = Math.floor(out / outputsPerGroup) * perGroup;
      for (let row = 0; row < p; row++) {
        for (let column = 0; column < q; column++) {
          const yPlace = ((image * k + out) * p + row) * q + column;
          for (let tapRow = 0; tapRow < r; tapRow++) {
            const xRow = row * stride[0] + tapRow * dilation[0] - padding[0];
            if (xRow < 0 || xRow >= h) continue;
            for (let tapColumn = 0; tapColumn < s; tapColumn++) {
              const xColumn = column * stride[1] + tapColumn * dilation[1] - padding[1];
              if (xColumn < 0 || xColumn >= w) continue;
              for (let channel = 0; channel < perGroup; channel++) {
                visit(
                  ((image * c + firstChannel + channel) * h + xRow) * w + xColumn,
                  ((out * perGroup + channel) * r + tapRow) * s + tapColumn,
                  yPlace,
                );
              }
            }
          }
        }
      }
    }
  }
}

export function conv2d(
  [x, weight]: readonly Tensor[],
  attributes: Conv2dAttributes,
  [type]: readonly TensorType[],
): Tensor[] {
  const y = zeros(type!.shape);
  forEachProduct(x!.shape, weight!.shape, y.shape, attributes, (i, j, o) => {
    y.data[o]! += x!.data[i]! * weight!.data[j]!;
  });
  return [y];
}

export function conv2dInputGradient(
  [dy, weight]: readonly Tensor[],
  attributes: Conv2dGradientAttributes,
  [type]: readonly TensorType[],
): Tensor[] {
  const dx = zeros(type!.shape);
  forEachProduct(dx.shape, weight!.shape, dy!.shape, attributes, (i, j, o) => {
    dx.data[i]! += dy!.data[o]! * weight!.data[j]!;
  });
  return [dx];
}

export function conv2dWeightGradient(
  [x, dy]: readonly Tensor[],
  attributes: Conv2dGradientAttributes,
  [type]: readonly TensorType[],
): Tensor[] {
  const dw = zeros(type!.shape);
  forEachProduct(x!.shape, dw.shape, dy!.shape, attributes, (i, j, o) => {
    dw.data[j]! += dy!.data[o]! * x!.data[i]!;
  });
  return [dw];
}
