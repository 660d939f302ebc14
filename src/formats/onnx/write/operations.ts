import { broadcastShapes } from "../../../core/shape.ts";
import type { Expression } from "../../../graph/expression.ts";
import type { Attributes, TensorType } from "../../../graph/graph.ts";
import type { ArgMaxAttributes } from "../../../graph/ops/argMax.ts";
import { type BinaryAttributes, binaryExpression } from "../../../graph/ops/binary.ts";
import type { ConcatAttributes } from "../../../graph/ops/concat.ts";
import type { ElementwiseAttributes } from "../../../graph/ops/elementwise.ts";
import type { AttributesOf, CompositeName, OpName } from "../../../graph/ops/index.ts";
import type { MomentsAttributes } from "../../../graph/ops/moments.ts";
import type { OneHotAttributes } from "../../../graph/ops/oneHot.ts";
import type { ReduceAttributes, ReduceKind } from "../../../graph/ops/reduce.ts";
import type { SoftmaxAttributes } from "../../../graph/ops/softmax.ts";
import type { TransposeAttributes } from "../../../graph/ops/transpose.ts";
import type { UnaryAttributes } from "../../../graph/ops/unary.ts";
import { writeExpression } from "./expressions.ts";
import {
  batchNorm,
  conv2d,
  conv2dInputGradient,
  groupNorm,
  layerNorm,
  localResponseNorm,
  matmul,
} from "./layers.ts";
import { type NodeWriter, notWritten, type WritingContext } from "./nodeWriter.ts";
import { avgPool2d, isAveragePool, maxPool2d } from "./pooling.ts";
import { axisMap, broadcast, expand, pad, reshape, slice } from "./shaping.ts";
import { writeUnary } from "./unary.ts";

/** Operations that are no nodes in ONNX: they are inputs, initializers and constants. */
export type LeafName = "input" | "state" | "constant";

const unary: NodeWriter<UnaryAttributes> = ({ attributes, inputs, list, path }) => [
  writeUnary(attributes, inputs[0]!, list, path),
];

const binary: NodeWriter<BinaryAttributes> = (context) => [
  writeFilled(binaryExpression(context.attributes), context, 0),
];

const elementwise: NodeWriter<ElementwiseAttributes> = (context) =>
  context.attributes.expressions.map((expression, i) => writeFilled(expression, context, i));

/** An expression over the node's inputs, repeated where those that it reads do not fill the result. */
function writeFilled(
  expression: Expression,
  context: WritingContext<Attributes>,
  output: number,
): string {
  const { types, outputs, list, path, where } = context;
  const name = writeExpression(expression, asFloats(context), list, path);
  const shapes = types.map(({ shape }) => shape);
  const full = broadcastShapes(shapes, where);
  const read = broadcastShapes(
    shapes.filter((_, index) => readsInput(expression, index)),
    where,
  );
  return read.join() === full.join()
    ? name
    : expand(name, read, outputs[output]!, list, path, where);
}

function readsInput(expression: Expression, index: number): boolean {
  if (expression.kind === "input") return expression.index === index;
  return expression.kind === "call" && expression.arguments.some((part) => readsInput(part, index));
}

/** Element-wise arithmetic is float32; indices are turned into it. */
function asFloats({ inputs, types, list, path }: WritingContext<Attributes>): string[] {
  return inputs.map((name, i) =>
    types[i]!.dtype === "float32" ? name : list.add("Cast", [name], path, { to: { int: 1 } }),
  );
}

const reductions: { readonly [K in ReduceKind]: string } = {
  sum: "ReduceSum",
  product: "ReduceProd",
  maximum: "ReduceMax",
  minimum: "ReduceMin",
};

const reduce: NodeWriter<ReduceAttributes> = (context) => {
  const { kind, axes, keepDims, expressions } = context.attributes;
  const { list, path } = context;
  return expressions.map((expression) => {
    const x = writeExpression(expression, asFloats(context), list, path);
    return list.add(reductions[kind], [x, list.integers(axes)], path, {
      keepdims: { int: Number(keepDims) },
    });
  });
};

const moments: NodeWriter<MomentsAttributes> = ({ attributes, inputs, list, path }) => {
  const mean = (x: string) =>
    list.add("ReduceMean", [x, list.integers(attributes.axes)], path, { keepdims: { int: 1 } });
  const [x] = inputs as [string];
  const average = mean(x);
  const centred = list.add("Sub", [x, average], path);
  return [average, mean(list.add("Mul", [centred, centred], path))];
};

const argMax: NodeWriter<ArgMaxAttributes> = ({ attributes, inputs, list, path }) => {
  const place = list.add("ArgMax", inputs, path, {
    axis: { int: attributes.axis },
    keepdims: { int: 0 },
  });
  return [list.add("Cast", [place], path, { to: { int: 6 } })];
};

const oneHot: NodeWriter<OneHotAttributes> = ({ attributes, inputs, list, path }) => {
  const values = list.tensor(Float32Array.of(0, 1), [2], path);
  const operands = [inputs[0]!, list.integers([attributes.classes]), values];
  return [list.add("OneHot", operands, path, { axis: { int: attributes.axis } })];
};

const transpose: NodeWriter<TransposeAttributes> = ({ attributes, inputs, list, path }) => [
  list.add("Transpose", inputs, path, { perm: { ints: attributes.permutation } }),
];

const concat: NodeWriter<ConcatAttributes> = ({ attributes, inputs, list, path }) => [
  list.add("Concat", inputs, path, { axis: { int: attributes.axis } }),
];

const along =
  (operator: string): NodeWriter<SoftmaxAttributes> =>
  ({ attributes, inputs, list, path }) => [
    list.add(operator, inputs, path, { axis: { int: attributes.axis } }),
  ];

/** How each operation of the engine is written. */
export const nodeWriters: {
  readonly [K in Exclude<OpName, LeafName>]: NodeWriter<AttributesOf<K>>;
} = {
  random: notWritten("random numbers serve training"),
  unary,
  binary,
  elementwise,
  reduce,
  moments,
  argMax,
  oneHot,
  matmul,
  conv2d,
  conv2dInputGradient,
  conv2dWeightGradient: notWritten("the gradient of a weight serves training"),
  maxPool2d,
  maxUnpool2d: notWritten("unpooling serves training and explanations"),
  gatherSwitches: notWritten("switches serve training and explanations"),
  axisMap,
  reshape,
  transpose,
  broadcast,
  slice,
  pad,
  concat,
  avgPool2d,
  batchNorm,
  layerNorm,
  groupNorm,
  localResponseNorm,
  softmax: along("Softmax"),
  logSoftmax: along("LogSoftmax"),
};

/** Whether a composite operation is one operator in ONNX; where not, it is written as what it is made of. */
export const hasOperator: {
  readonly [K in CompositeName]: (attributes: AttributesOf<K>, x: TensorType) => boolean;
} = {
  avgPool2d: isAveragePool,
  batchNorm: ({ training }) => !training,
  layerNorm: () => true,
  groupNorm: () => true,
  localResponseNorm: ({ size }) => size % 2 === 1,
  softmax: () => true,
  logSoftmax: () => true,
};
