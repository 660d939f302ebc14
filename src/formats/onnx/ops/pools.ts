import { FormatError, UnsupportedError } from "../../../core/errors.ts";
import { elementCount, formatShape, type Shape } from "../../../core/shape.ts";
import type { Value } from "../../../graph/builder.ts";
import { input, scalar as s } from "../../../graph/expression.ts";
import { avgPool2dOp } from "../../../graph/ops/avgPool2d.ts";
import { elementwise } from "../../../graph/ops/elementwise.ts";
import { maxPool2dOp, maxUnpool2d } from "../../../graph/ops/maxPool2d.ts";
import { reduceMax, reduceMean, reduceSum } from "../../../graph/ops/reduce.ts";
import { reshape } from "../../../graph/ops/reshape.ts";
import type { PoolWindow } from "../../../graph/poolWindows.ts";
import type { NodeContext } from "../nodeContext.ts";
import { type OnnxTensor, typed } from "../onnxTensor.ts";
import { framed } from "./frame.ts";
import type { Importers } from "./operator.ts";
import { kernelSizes, perAxis, pooledPositions, spatialSizes, windowsOver } from "./windows.ts";

type PlanePool = (x: Value, rows: readonly PoolWindow[], columns: readonly PoolWindow[]) => Value;

/** Windows that leave an axis as it is. */
function untouched(size: number): PoolWindow[] {
  return Array.from({ length: size }, (_, start) => ({ start, count: 1, step: 1, size: 1 }));
}

/**
 * Pools any number of spatial axes by a function that pools planes: the last two first, each other axis then as the rows
 * of a plane.
 */
function overPlanes(
  x: Value,
  positions: readonly (readonly PoolWindow[])[],
  pool: PlanePool,
): Value {
  const [n, c, depth, ...rest] = x.shape as [number, number, number, ...number[]];
  const [first, second] = positions as [PoolWindow[], PoolWindow[]];
  if (positions.length === 2) return pool(x, first, second);
  if (positions.length === 1) {
    const y = pool(reshape(x, [n, c, 1, depth]), untouched(1), first);
    return reshape(y, [n, c, first.length]);
  }
  const inner = overPlanes(reshape(x, [n, c * depth, ...rest]), positions.slice(1), pool);
  const sizes = inner.shape.slice(2);
  const width = elementCount(sizes);
  const y = pool(reshape(inner, [n, c, depth, width]), first, untouched(width));
  return reshape(y, [n, c, first.length, ...sizes]);
}

const largest: PlanePool = (x, rows, columns) =>
  x.builder.add(maxPool2dOp, [x], { rows, columns }, "maxPool2d")[0]!;

const averaged =
  (countIncludePad: boolean, divisor: number): PlanePool =>
  (x, rows, columns) =>
    x.builder.add(avgPool2dOp, [x], { rows, columns, countIncludePad, divisor })[0]!;

/**
 * Max pooling with the place of each maximum in the whole tensor. The tensor is pooled as one tall plane, whose switches
 * are those places.
 */
function withPlaces(
  node: NodeContext,
  positions: readonly (readonly PoolWindow[])[],
): OnnxTensor[] {
  const x = node.input(0);
  const [n, c, ...sizes] = x.shape as [number, number, ...number[]];
  if (sizes.length > 2) {
    throw new UnsupportedError(
      `${node.where}: the places of maxima over ${sizes.length} axes are not computed; over one or two they are.`,
    );
  }
  const [h, w] = [sizes.length === 1 ? 1 : sizes[0]!, sizes.at(-1)!];
  const rows = positions.length === 1 ? untouched(1) : positions[0]!;
  const tall = tallWindows(node, rows, n * c, h);
  const plane = reshape(x, [1, 1, n * c * h, w]);
  const [y, switches] = x.builder.add(
    maxPool2dOp,
    [plane],
    { rows: tall, columns: positions.at(-1)! },
    "maxPool2d",
  );
  const shape = [n, c, ...positions.map(({ length }) => length)];
  const indices = reshape(switches!, shape);
  const isColumnMajor = node.int("storage_order", 0) !== 0;
  return [
    typed(reshape(y!, shape), node.type(0)),
    typed(isColumnMajor ? columnMajor(node, indices, h, w) : indices, "int64"),
  ];
}

/** The windows of each of `count` planes of `height` rows that lie one under another. */
function tallWindows(
  node: NodeContext,
  rows: readonly PoolWindow[],
  count: number,
  height: number,
): PoolWindow[] {
  node.chargeTable(count * rows.length);
  return Array.from({ length: count * rows.length }, (_, i) => {
    const row = rows[i % rows.length]!;
    return { ...row, start: row.start + Math.floor(i / rows.length) * height };
  });
}

/** Places in planes that are stored column by column. */
function columnMajor(node: NodeContext, indices: Value, h: number, w: number): Value {
  if (elementCount(node.shape(0)) > 2 ** 24) {
    throw new UnsupportedError(
      `${node.where}: storage_order 1 over ${formatShape(node.shape(0))}; at most 2^24 elements are counted so.`,
    );
  }
  const place = input(0);
  const plane = s.floor(s.div(place, h * w));
  const inside = s.sub(place, s.mul(plane, h * w));
  const row = s.floor(s.div(inside, w));
  const column = s.sub(inside, s.mul(row, w));
  return elementwise([indices], s.add(s.mul(plane, h * w), s.add(s.mul(column, h), row)));
}

/** The size of MaxUnpool's result before `output_shape` has its say. */
function unpooledSizes(node: NodeContext): number[] {
  const sizes = spatialSizes(node);
  const count = sizes.length;
  const kernel = kernelSizes(node, count);
  const strides = perAxis(node, "strides", count, 1, 1);
  const pads = perAxis(node, "pads", 2 * count, 0, 0);
  return sizes.map(
    (size, axis) => (size - 1) * strides[axis]! + kernel[axis]! - pads[axis]! - pads[axis + count]!,
  );
}

/**
 * Puts every element to its place in a tensor of zeros; places are counted in the size that the windows give, and lie in
 * the windows, as MaxPool's do. `output_shape` adds zeros behind, or cuts.
 */
function maxUnpool(node: NodeContext): Value {
  const [x, places] = [node.input(0), node.raw(1)];
  if (places.dtype !== "int32" || places.shape.join() !== x.shape.join()) {
    throw new UnsupportedError(
      `${node.where}: places ${places} for values ${x}; expected integers of that shape, fed or from MaxPool.`,
    );
  }
  const [n, c, ...small] = x.shape as [number, number, ...number[]];
  const sizes = unpooledSizes(node);
  node.checkSizes([n, c, ...sizes]);
  const windows = windowsOver(node, sizes, kernelSizes(node, sizes.length));
  const ranges = windows.map(({ kernel, stride, before }, axis) => {
    node.chargeTable(small[axis]!);
    return Array.from({ length: small[axis]! }, (_, i): PoolWindow => {
      const start = Math.max(0, i * stride - before);
      const end = Math.min(sizes[axis]!, i * stride - before + kernel);
      return { start, count: Math.max(0, end - start), step: 1, size: kernel };
    });
  });
  const width = sizes.at(-1)!;
  const height = elementCount(sizes.slice(0, -1));
  const rows = tallWindows(node, leadingRanges(node, ranges, sizes), n * c, height);
  const tall = (value: Value) => reshape(value, [1, 1, -1, small.at(-1)!]);
  const size = [n * c * height, width] as const;
  const plane = maxUnpool2d(tall(x), tall(places), size, { rows, columns: ranges.at(-1)! });
  const y = reshape(plane, [n, c, ...sizes]);
  if (!node.has(2)) return y;
  const wanted = node.known(2);
  node.checkSizes(wanted);
  if (wanted.length === y.shape.length) {
    return framed(
      y,
      wanted.map(() => 0),
      wanted,
    );
  }
  throw new FormatError(`${node.where}: output_shape ${formatShape(wanted)} for ${y}.`);
}

/** All axes but the last as one: each range from the first row that a window touches to the last. */
function leadingRanges(
  node: NodeContext,
  ranges: readonly (readonly PoolWindow[])[],
  sizes: Shape,
): readonly PoolWindow[] {
  let joined: readonly PoolWindow[] = untouched(1);
  for (const [axis, own] of ranges.slice(0, -1).entries()) {
    const size = sizes[axis]!;
    node.chargeTable(joined.length * own.length);
    joined = joined.flatMap((outer) =>
      own.map(({ start, count }): PoolWindow => {
        const from = outer.start * size + start;
        const to = (outer.start + outer.count - 1) * size + start + count;
        return { start: from, count: to - from, step: 1, size: to - from };
      }),
    );
  }
  return joined;
}

/** `(Σ |x|^p)^(1/p)` of windows. */
function lpPool(node: NodeContext): Value {
  const p = lpExponent(node);
  const powers = elementwise([node.input(0)], s.pow(s.abs(input(0)), p));
  const sums = overPlanes(powers, pooledPositions(node), averaged(false, 1));
  return elementwise([sums], s.pow(input(0), 1 / p));
}

/** The exponent of LpPool and its like: a float in operator set 1, an integer later. */
function lpExponent(node: NodeContext): number {
  const p = node.opset < 2 ? node.float("p", 2) : node.int("p", 2);
  if (p > 0) return p;
  throw new FormatError(`${node.where}: p is ${p}; expected a positive number.`);
}

function spatialAxes(node: NodeContext): number[] {
  return spatialSizes(node).map((_, axis) => axis + 2);
}

/** Operators that look at windows or whole planes, over any number of spatial axes. */
export const pools: Importers = {
  AveragePool(node) {
    const countsPadding = node.int("count_include_pad", 0) !== 0;
    return overPlanes(node.input(0), pooledPositions(node), averaged(countsPadding, 0));
  },
  LpPool: lpPool,
  MaxPool(node) {
    const positions = pooledPositions(node);
    if (node.wants(1)) return withPlaces(node, positions);
    return overPlanes(node.input(0), positions, largest);
  },
  MaxUnpool: maxUnpool,
  GlobalAveragePool: (node) =>
    reduceMean(node.input(0), { axes: spatialAxes(node), keepDims: true }),
  GlobalMaxPool: (node) => reduceMax(node.input(0), { axes: spatialAxes(node), keepDims: true }),
  GlobalLpPool(node) {
    const p = lpExponent(node);
    const powers = elementwise([node.input(0)], s.pow(s.abs(input(0)), p));
    const sums = reduceSum(powers, { axes: spatialAxes(node), keepDims: true });
    return elementwise([sums], s.pow(input(0), 1 / p));
  },
};
