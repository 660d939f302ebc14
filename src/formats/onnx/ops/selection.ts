import { FormatError, UnsupportedError } from "../../../core/errors.ts";
import { formatShape, type Shape } from "../../../core/shape.ts";
import type { Value } from "../../../graph/builder.ts";
import { input, scalar as s } from "../../../graph/expression.ts";
import { argMax } from "../../../graph/ops/argMax.ts";
import { concat } from "../../../graph/ops/concat.ts";
import { elementwise } from "../../../graph/ops/elementwise.ts";
import { reduceSum } from "../../../graph/ops/reduce.ts";
import { reshape } from "../../../graph/ops/reshape.ts";
import { slice } from "../../../graph/ops/slice.ts";
import type { NodeContext } from "../nodeContext.ts";
import { typed } from "../onnxTensor.ts";
import { normalizedAxis } from "./axes.ts";
import type { Operators } from "./operator.ts";

/** The most elements that are picked one after the other: each is a pass over the whole tensor. */
const maxTop = 64;

/** 0, 1, … along one axis of so many. */
function counted(node: NodeContext, shape: Shape, axis: number): Value {
  const size = shape[axis]!;
  node.charge(size);
  const numbers = Float32Array.from({ length: size }, (_, i) => i);
  return node.builder.constant(
    numbers,
    shape.slice(axis).map((_, i) => (i === 0 ? size : 1)),
  );
}

/** Of `x` along an axis what lies at `index`, which has as many places there as are wanted. */
function pick(node: NodeContext, x: Value, index: Value, axis: number): Value {
  const split = (value: Value, at: number) =>
    reshape(value, [...value.shape.slice(0, at), 1, ...value.shape.slice(at)]);
  const places = split(index, axis + 1);
  const elements = split(x, axis);
  const numbers = counted(node, elements.shape, axis + 1);
  const isAt = s.equal(input(0), input(1));
  const chosen = elementwise([places, numbers, elements], s.select(isAt, input(2), 0));
  return reduceSum(chosen, { axes: [axis + 1], keepDims: false });
}

/** `y[i][j] = x[index[i][j]][j]` for axis 0. The index may be computed; each place is a pass over the axis. */
function gatherElements(node: NodeContext): Value {
  let x = node.input(0);
  const index = node.input(1);
  const axis = normalizedAxis(node, node.int("axis", 0), x.shape.length);
  const fits =
    index.shape.length === x.shape.length &&
    index.shape.every((size, a) => a === axis || size <= x.shape[a]!);
  if (!fits) {
    throw new FormatError(
      `${node.where}: indices ${formatShape(index.shape)} for ${formatShape(x.shape)}; expected the same number of axes, none but axis ${axis} longer.`,
    );
  }
  for (const [a, size] of index.shape.entries()) {
    if (a !== axis && size < x.shape[a]!) x = slice(x, a, 0, size);
  }
  const size = x.shape[axis]!;
  const fromFront = s.select(s.less(input(0), 0), s.add(input(0), size), input(0));
  return pick(node, x, elementwise([index], fromFront), axis);
}

/** The K largest along an axis, or the smallest, in order, and their places; of equals the first. */
function topK(node: NodeContext) {
  const x = node.input(0);
  const axis = normalizedAxis(node, node.int("axis", -1), x.shape.length);
  const count = node.opset < 10 ? node.int("k", 0) : node.knownScalar(1, 0);
  const size = x.shape[axis]!;
  if (!Number.isInteger(count) || count < 1 || count > size) {
    throw new FormatError(`${node.where}: the first ${count} of ${size} elements.`);
  }
  if (count > maxTop) {
    throw new UnsupportedError(`${node.where}: the first ${count}; up to ${maxTop} are supported.`);
  }
  const isLargest = node.int("largest", 1) !== 0;
  const numbers = counted(node, x.shape, axis);
  const kept = x.shape.map((own, a) => (a === axis ? 1 : own));
  let rest = isLargest ? x : elementwise([x], s.neg(input(0)));
  const places: Value[] = [];
  for (let i = 0; i < count; i++) {
    const place = reshape(argMax(rest, axis), kept);
    places.push(place);
    const isTaken = s.equal(input(0), input(1));
    rest = elementwise(
      [place, numbers, rest],
      s.select(isTaken, Number.NEGATIVE_INFINITY, input(2)),
    );
  }
  const index = concat(
    places.map((place) => elementwise([place], s.add(input(0), 0))),
    axis,
  );
  return [pick(node, x, index, axis), typed(index, "int64")];
}

/** Operators that pick elements by places that the graph computes. */
export const selections: Operators = {
  GatherElements: { build: gatherElements },
  TopK: { build: topK },
};
