import { rowMajorStrides } from "../../../core/shape.ts";
import type { TensorType } from "../../../graph/graph.ts";
import type { ArgMaxAttributes } from "../../../graph/ops/argMax.ts";
import type { OneHotAttributes } from "../../../graph/ops/oneHot.ts";
import { forEachIndex, type Tensor, zeros } from "../tensor.ts";

export function oneHot(
  [x]: readonly Tensor[],
  { axis, classes }: OneHotAttributes,
  [type]: readonly TensorType[],
): Tensor[] {
  const y = zeros(type!.shape);
  const strides = rowMajorStrides(y.shape);
  const kept = strides.filter((_, a) => a !== axis);
  forEachIndex(x!.shape, (index, flat) => {
    const k = x!.data[flat]!;
    if (k < 0 || k >= classes) return;
    let place = strides[axis]! * k;
    index.forEach((i, a) => {
      place += kept[a]! * i;
    });
    y.data[place] = 1;
  });
  return [y];
}

export function argMax([x]: readonly Tensor[], { axis }: ArgMaxAttributes): Tensor[] {
  const y = zeros(x!.shape.filter((_, a) => a !== axis));
  const strides = rowMajorStrides(x!.shape);
  const kept = strides.filter((_, a) => a !== axis);
  forEachIndex(y.shape, (index, flat) => {
    let base = 0;
    index.forEach((i, a) => {
      base += kept[a]! * i;
    });
    let best = 0;
    for (let k = 1; k < x!.shape[axis]!; k++) {
      if (x!.data[base + k * strides[axis]!]! > x!.data[base + best * strides[axis]!]!) best = k;
    }
    y.data[flat] = best;
  });
  return [y];
}
