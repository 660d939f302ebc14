import { rowMajorStrides } from "../../../core/shape.ts";
import type { AxisMapAttributes } from "../../../graph/ops/axisMap.ts";
import { forEachIndex, type Tensor, zeros } from "../tensor.ts";

export function axisMap([x]: readonly Tensor[], attributes: AxisMapAttributes): Tensor[] {
  const { axis, indices, weights } = attributes;
  const y = zeros(x!.shape.map((size, a) => (a === axis ? indices.length : size)));
  const strides = rowMajorStrides(x!.shape);
  forEachIndex(y.shape, (index, flat) => {
    const j = index[axis]!;
    let base = 0;
    index.forEach((i, a) => {
      if (a !== axis) base += strides[a]! * i;
    });
    let sum = 0;
    indices[j]!.forEach((source, t) => {
      sum += weights[j]![t]! * x!.data[base + strides[axis]! * source]!;
    });
    y.data[flat] = sum;
  });
  return [y];
}
