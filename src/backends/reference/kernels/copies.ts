import { rowMajorStrides } from "../../../core/shape.ts";
import type { BroadcastAttributes } from "../../../graph/ops/broadcast.ts";
import type { ConcatAttributes } from "../../../graph/ops/concat.ts";
import type { PadAttributes } from "../../../graph/ops/pad.ts";
import type { ReshapeAttributes } from "../../../graph/ops/reshape.ts";
import type { SliceAttributes } from "../../../graph/ops/slice.ts";
import type { TransposeAttributes } from "../../../graph/ops/transpose.ts";
import { broadcastReader, forEachIndex, type Tensor, zeros } from "../tensor.ts";

function place(
  index: readonly number[],
  strides: readonly number[],
  shift?: readonly number[],
): number {
  let sum = 0;
  for (let axis = 0; axis < index.length; axis++) {
    sum += strides[axis]! * (index[axis]! + (shift?.[axis] ?? 0));
  }
  return sum;
}

export function reshape([x]: readonly Tensor[], { shape }: ReshapeAttributes): Tensor[] {
  return [{ shape, data: x!.data }];
}

export function transpose([x]: readonly Tensor[], { permutation }: TransposeAttributes): Tensor[] {
  const y = zeros(permutation.map((axis) => x!.shape[axis]!));
  const strides = rowMajorStrides(x!.shape);
  const order = permutation.map((axis) => strides[axis]!);
  forEachIndex(y.shape, (index, flat) => {
    y.data[flat] = x!.data[place(index, order)]!;
  });
  return [y];
}

export function broadcast([x]: readonly Tensor[], { shape }: BroadcastAttributes): Tensor[] {
  const y = zeros(shape);
  const read = broadcastReader(x!, shape);
  forEachIndex(shape, (index, flat) => {
    y.data[flat] = read(index);
  });
  return [y];
}

export function slice([x]: readonly Tensor[], { starts, ends }: SliceAttributes): Tensor[] {
  const y = zeros(starts.map((start, axis) => ends[axis]! - start));
  const strides = rowMajorStrides(x!.shape);
  forEachIndex(y.shape, (index, flat) => {
    y.data[flat] = x!.data[place(index, strides, starts)]!;
  });
  return [y];
}

export function pad([x]: readonly Tensor[], { before, after, value }: PadAttributes): Tensor[] {
  const y = zeros(x!.shape.map((size, axis) => size + before[axis]! + after[axis]!));
  y.data.fill(value);
  const strides = rowMajorStrides(y.shape);
  forEachIndex(x!.shape, (index, flat) => {
    y.data[place(index, strides, before)] = x!.data[flat]!;
  });
  return [y];
}

export function concat(inputs: readonly Tensor[], { axis }: ConcatAttributes): Tensor[] {
  const total = inputs.reduce((sum, x) => sum + x.shape[axis]!, 0);
  const y = zeros(inputs[0]!.shape.map((size, a) => (a === axis ? total : size)));
  const strides = rowMajorStrides(y.shape);
  let start = 0;
  for (const x of inputs) {
    const shift = y.shape.map((_, a) => (a === axis ? start : 0));
    forEachIndex(x.shape, (index, flat) => {
      y.data[place(index, strides, shift)] = x.data[flat]!;
    });
    start += x.shape[axis]!;
  }
  return [y];
}
