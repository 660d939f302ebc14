import { elementCount, rowMajorStrides, type Shape } from "../../../core/shape.ts";
import type { Value } from "../../../graph/builder.ts";
import { type Expression, input, scalar as s } from "../../../graph/expression.ts";
import { argMax } from "../../../graph/ops/argMax.ts";
import { axisMap, take } from "../../../graph/ops/axisMap.ts";
import { elementwise } from "../../../graph/ops/elementwise.ts";
import {
  type ReduceOptions,
  reducedShape,
  reduceMax,
  reduceMin,
  reduceProduct,
  reduceSum,
} from "../../../graph/ops/reduce.ts";
import { reshape } from "../../../graph/ops/reshape.ts";
import { stopGradient } from "../../../graph/ops/unary.ts";
import { evaluator } from "../../../graph/scalarFunctions.ts";
import type { NodeContext } from "../nodeContext.ts";
import { isEmpty, isIntegerType, known, typed } from "../onnxTensor.ts";
import { normalizedAxis } from "./axes.ts";
import type { Importer, Operator, Operators } from "./operator.ts";
import { truncated } from "./unary.ts";

/** A reduction as what is done to each element, how they are joined, and what is done to the result. */
interface Reduction {
  readonly before?: Expression;
  readonly join: "sum" | "product" | "maximum" | "minimum";
  readonly after?: (count: number) => Expression;
}

const x = input(0);

const joins = {
  sum: { reduce: reduceSum, identity: 0, of: (a: number, b: number) => a + b },
  product: { reduce: reduceProduct, identity: 1, of: (a: number, b: number) => a * b },
  maximum: { reduce: reduceMax, identity: Number.NEGATIVE_INFINITY, of: Math.max },
  minimum: { reduce: reduceMin, identity: Number.POSITIVE_INFINITY, of: Math.min },
} as const;

const rows: Readonly<Record<string, Reduction>> = {
  ReduceL1: { before: s.abs(x), join: "sum" },
  ReduceL2: { before: s.mul(x, x), join: "sum", after: () => s.sqrt(x) },
  ReduceLogSum: { join: "sum", after: () => s.log(x) },
  ReduceLogSumExp: { before: s.exp(x), join: "sum", after: () => s.log(x) },
  ReduceMax: { join: "maximum" },
  ReduceMean: { join: "sum", after: (count) => s.div(x, count) },
  ReduceMin: { join: "minimum" },
  ReduceProd: { join: "product" },
  ReduceSum: { join: "sum" },
  ReduceSumSquare: { before: s.mul(x, x), join: "sum" },
};

/** The axes that go: an attribute until operator set 17 (12 for ReduceSum), an input later. None given means all. */
function reducedAxes(node: NodeContext, inputFrom: number): number[] {
  const rank = node.shape(0).length;
  const given =
    node.opset < inputFrom ? node.ints("axes") : node.has(1) ? node.known(1) : undefined;
  if (given !== undefined && given.length > 0) {
    return given.map((axis) => normalizedAxis(node, axis, rank));
  }
  const isKept = node.opset >= inputFrom && node.int("noop_with_empty_axes", 0) !== 0;
  return isKept ? [] : Array.from({ length: rank }, (_, axis) => axis);
}

function reduction(row: Reduction, inputFrom: number): Operator {
  const optionsOf = (node: NodeContext) => ({
    axes: reducedAxes(node, inputFrom),
    keepDims: node.int("keepdims", 1) !== 0,
  });
  const countOf = (shape: Shape, axes: readonly number[]) =>
    elementCount([...new Set(axes)].map((axis) => shape[axis]!));
  return {
    build(node) {
      const value = node.input(0);
      const options = optionsOf(node);
      if (row === rows.ReduceLogSumExp) return logSumExp(value, options);
      const prepared = row.before === undefined ? value : elementwise([value], row.before);
      const joined = joins[row.join].reduce(prepared, options);
      const after = row.after?.(countOf(value.shape, options.axes));
      const result = after === undefined ? joined : elementwise([joined], after);
      // The mean of integers is one.
      return row === rows.ReduceMean && isIntegerType(node.type(0))
        ? elementwise([result], truncated(x))
        : result;
    },
    evaluate(node) {
      const { numbers, shape, elementType } = node.tensor(0);
      if (numbers === undefined) return undefined;
      const { axes, keepDims } = optionsOf(node);
      const result = joinedNumbers(node, numbers, shape, axes, row);
      const after = row.after?.(countOf(shape, axes));
      const finish = after === undefined ? undefined : evaluator(after);
      const finished = finish === undefined ? result : result.map((sum) => finish([sum]));
      const isWhole = isIntegerType(elementType);
      return [
        known(
          isWhole ? finished.map(Math.trunc) : finished,
          reducedShape(shape, axes, keepDims),
          elementType,
        ),
      ];
    },
  };
}

/** `m + ln Σ e^(x − m)` with the largest element m, so that nothing overflows. */
function logSumExp(value: Value, options: ReduceOptions): Value {
  const largest = stopGradient(reduceMax(value, { ...options, keepDims: true }));
  const sum = reduceSum(elementwise([value, largest], s.exp(s.sub(x, input(1)))), options);
  return elementwise([sum, reshape(largest, sum.shape)], s.add(s.log(x), input(1)));
}

function joinedNumbers(
  node: NodeContext,
  numbers: ArrayLike<number>,
  shape: Shape,
  axes: readonly number[],
  row: Reduction,
): Float64Array {
  const kept = reducedShape(shape, axes, true);
  const count = elementCount(kept);
  node.charge(count + numbers.length);
  const { identity, of } = joins[row.join];
  const result = new Float64Array(count).fill(identity);
  if (isEmpty(shape)) return result;
  const prepare = evaluator(row.before ?? x);
  const places = rowMajorStrides(shape);
  const steps = rowMajorStrides(kept).map((step, axis) => (kept[axis] === 1 ? 0 : step));
  for (let i = 0; i < numbers.length; i++) {
    let at = 0;
    for (const [axis, step] of steps.entries()) {
      at += (Math.floor(i / places[axis]!) % shape[axis]!) * step;
    }
    result[at] = of(result[at]!, prepare([numbers[i]!]));
  }
  return result;
}

/** The place of the largest element along an axis, or of the smallest: the first of equals unless the last is asked for. */
const place =
  (sign: 1 | -1): Importer =>
  (node) => {
    const value = node.input(0);
    const axis = normalizedAxis(node, node.int("axis", 0), value.shape.length);
    const size = value.shape[axis]!;
    const keeps = node.int("keepdims", 1) !== 0;
    const signed = sign === 1 ? value : elementwise([value], s.neg(x));
    const shape = value.shape.flatMap((own, a) => (a !== axis ? [own] : keeps ? [1] : []));
    if (node.int("select_last_index", 0) === 0) {
      return typed(reshape(argMax(signed, axis), shape), "int64");
    }
    node.chargeTable(size);
    const backwards = Array.from({ length: size }, (_, i) => size - 1 - i);
    const last = argMax(take(signed, axis, backwards), axis);
    return typed(reshape(elementwise([last], s.sub(size - 1, x)), shape), "int64");
  };

/** Sums of all elements up to each, along an axis. */
const cumSum: Importer = (node) => {
  const value = node.input(0);
  const axis = normalizedAxis(node, node.knownScalar(1, 0), value.shape.length);
  const size = value.shape[axis]!;
  node.chargeTable(size, (size * (size + 1)) / 2);
  const own = node.int("exclusive", 0) === 0 ? 1 : 0;
  const indices = Array.from({ length: size }, (_, i) =>
    Array.from({ length: i + own }, (_, j) => j),
  );
  if (node.int("reverse", 0) === 0) return axisMap(value, { axis, indices });
  const mirrored = indices.map((row) => row.map((j) => size - 1 - j)).reverse();
  return axisMap(value, { axis, indices: mirrored });
};

/** Operators that make one number of many. */
export const reductions: Operators = {
  ArgMax: { build: place(1) },
  ArgMin: { build: place(-1) },
  CumSum: { build: cumSum },
  ...Object.fromEntries(
    Object.entries(rows).map(([name, row]) => [
      name,
      reduction(row, name === "ReduceSum" ? 13 : 18),
    ]),
  ),
};
