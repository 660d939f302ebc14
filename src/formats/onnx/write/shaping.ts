import { UnsupportedError } from "../../../core/errors.ts";
import { formatShape } from "../../../core/shape.ts";
import type { AxisMapAttributes } from "../../../graph/ops/axisMap.ts";
import type { BroadcastAttributes } from "../../../graph/ops/broadcast.ts";
import type { PadAttributes } from "../../../graph/ops/pad.ts";
import type { ReshapeAttributes } from "../../../graph/ops/reshape.ts";
import type { SliceAttributes } from "../../../graph/ops/slice.ts";
import type { NodeList } from "./nodeList.ts";
import { type NodeWriter, type OpenShape, reshapeTarget, swapAxes } from "./nodeWriter.ts";

export const reshape: NodeWriter<ReshapeAttributes> = ({ inputs, outputs, list, path, where }) => [
  list.add("Reshape", [inputs[0]!, list.integers(reshapeTarget(outputs[0]!, where))], path),
];

export const broadcast: NodeWriter<BroadcastAttributes> = ({
  inputs,
  types,
  outputs,
  list,
  path,
  where,
}) => [expand(inputs[0]!, types[0]!.shape, outputs[0]!, list, path, where)];

/** Repeats a tensor to the sizes given; along the batch it must have its size already. */
export function expand(
  x: string,
  shape: readonly number[],
  target: OpenShape,
  list: NodeList,
  path: string,
  where: string,
): string {
  const offset = target.length - shape.length;
  const sizes = target.map((size, axis) => {
    if (typeof size === "number") return size;
    if (axis < offset || shape[axis - offset] === 1) {
      throw new UnsupportedError(
        `${where}: ${formatShape(shape)} is repeated for each image; it is not written to ONNX.`,
      );
    }
    return 1;
  });
  return list.add("Expand", [x, list.integers(sizes)], path);
}

export const slice: NodeWriter<SliceAttributes> = ({ attributes, inputs, types, list, path }) => {
  const { starts, ends } = attributes;
  const { shape } = types[0]!;
  const axes = [...shape.keys()].filter((axis) => starts[axis] !== 0 || ends[axis] !== shape[axis]);
  if (axes.length === 0) return inputs;
  const bounds = [starts, ends].map((places) => list.integers(axes.map((axis) => places[axis]!)));
  return [list.add("Slice", [inputs[0]!, ...bounds, list.integers(axes)], path)];
};

export const pad: NodeWriter<PadAttributes> = ({ attributes, inputs, list, path }) => {
  const { before, after, value } = attributes;
  const pads = list.integers([...before, ...after]);
  return [list.add("Pad", [inputs[0]!, pads, list.number(value)], path)];
};

/** A linear map along an axis: `Gather` where it only picks, otherwise a product with its matrix. */
export const axisMap: NodeWriter<AxisMapAttributes> = ({
  attributes,
  inputs,
  types,
  list,
  path,
}) => {
  const { axis, indices, weights } = attributes;
  const [x] = inputs as [string];
  const { shape } = types[0]!;
  const picks = indices.every((row, j) => row.length === 1 && weights[j]![0] === 1);
  if (picks) {
    const places = list.integers(indices.map(([index]) => index!));
    return [list.add("Gather", [x, places], path, { axis: { int: axis } })];
  }
  const [size, rank] = [shape[axis]!, shape.length];
  const matrix = new Float32Array(indices.length * size);
  indices.forEach((row, j) => {
    row.forEach((index, t) => {
      matrix[j * size + index]! += weights[j]![t]!;
    });
  });
  const named = list.tensor(matrix, [indices.length, size], path);
  const row = rank === 1 ? list.add("Reshape", [x, list.integers([-1, 1])], path) : x;
  const moved = swapAxes(row, shape, [axis, Math.max(0, rank - 2)], list, path);
  const product = list.add("MatMul", [named, moved], path);
  if (rank === 1) return [list.add("Reshape", [product, list.integers([-1])], path)];
  return [swapAxes(product, shape, [axis, rank - 2], list, path)];
};
