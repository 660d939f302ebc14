import { UnsupportedError } from "../../../core/errors.ts";
import { formatShape, type Shape, sameShape } from "../../../core/shape.ts";
import { formatExpression } from "../../../graph/expression.ts";
import type { Attributes } from "../../../graph/graph.ts";
import type { AvgPool2dAttributes } from "../../../graph/ops/avgPool2d.ts";
import type { BinaryAttributes } from "../../../graph/ops/binary.ts";
import type { ConcatAttributes } from "../../../graph/ops/concat.ts";
import type { Conv2dAttributes } from "../../../graph/ops/conv2d.ts";
import type { ElementwiseAttributes } from "../../../graph/ops/elementwise.ts";
import type { AttributesOf, OpName } from "../../../graph/ops/index.ts";
import type { MatmulAttributes } from "../../../graph/ops/matmul.ts";
import type { MaxPool2dAttributes } from "../../../graph/ops/maxPool2d.ts";
import type { BatchNormAttributes, LayerNormAttributes } from "../../../graph/ops/normalization.ts";
import type { PadAttributes } from "../../../graph/ops/pad.ts";
import type { SoftmaxAttributes } from "../../../graph/ops/softmax.ts";
import type { UnaryAttributes, UnaryName, UnaryParameters } from "../../../graph/ops/unary.ts";
import type { RegularWindows } from "../../regularWindows.ts";
import { regularWindows } from "../../regularWindows.ts";
import type { LayerList, VariableOrigin } from "./layerList.ts";

/** What the graph knows of a value that a node reads. */
export interface Operand {
  readonly shape: Shape;
  /** The layer that makes it, unless it is made of weights alone. */
  readonly layer: string | undefined;
  /** The weight that it is, under the shape it is read with. */
  readonly weight: { readonly state: string; readonly shape: Shape } | undefined;
  /** Whether none of its numbers is below 0, so that a border of zeros never wins a maximum. */
  readonly nonNegative: boolean;
}

/** What a row of the table is given to write one node. */
export interface LayerContext<A extends Attributes> {
  readonly attributes: A;
  readonly operands: readonly Operand[];
  readonly output: Shape;
  /** A weight `[K]` that is added to the result. */
  readonly bias: string | undefined;
  /** Where the operation stands in the net. */
  readonly path: string;
  readonly list: LayerList;
  /** Throws an UnsupportedError that names the layer. */
  refuse(why: string): never;
}

/** Writes a node as layers and returns the name of the last. */
type LayerWriter<A extends Attributes> = (context: LayerContext<A>) => string;

/** The row of an operation that layers models have no layer for. */
function noLayer(what: string): LayerWriter<Attributes> {
  return ({ refuse }) => refuse(`layers models of tensorflow.js have no layer for ${what}`);
}

function layerOf({ operands, refuse }: LayerContext<Attributes>, index = 0): string {
  return operands[index]!.layer ?? refuse("it computes with weights alone");
}

function weightOf(
  { operands, refuse }: LayerContext<Attributes>,
  index: number,
): { readonly state: string; readonly shape: Shape } {
  return operands[index]!.weight ?? refuse("its weight is computed, not stored");
}

const vector = (state: string, size: number): VariableOrigin => ({
  state,
  shape: [size],
  order: [0],
});

/** The name of the module that a weight belongs to. */
function moduleOf(state: string, path: string): string {
  const end = state.lastIndexOf(".");
  return end > 0 && state.endsWith(".weight") ? state.slice(0, end) : path || "layer";
}

/** Zeros round an image, in a layer of their own: Keras's padding is `valid` or TensorFlow's `same`. */
function zeroPadded(
  x: string,
  [top, left, bottom, right]: readonly number[],
  path: string,
  list: LayerList,
): string {
  if (top === 0 && left === 0 && bottom === 0 && right === 0) return x;
  const padding = [
    [top, bottom],
    [left, right],
  ];
  return list.add("ZeroPadding2D", `${path}.pad`, [x], { padding });
}

const conv2d: LayerWriter<Conv2dAttributes> = (context) => {
  const { attributes, operands, bias, path, list, refuse } = context;
  const { stride, padding, dilation, groups } = attributes;
  const { state, shape } = weightOf(context, 1);
  const [k, perGroup, r, s] = shape as [number, number, number, number];
  const channels = operands[0]!.shape[1]!;
  const isDepthwise = groups === channels && perGroup === 1 && groups > 1;
  if (groups !== 1 && !isDepthwise) {
    refuse(`layers models have no convolution in ${groups} groups of ${perGroup} channels`);
  }
  if (isDepthwise && stride[0] !== stride[1]) refuse("depthwise strides must be equal");
  const x = zeroPadded(layerOf(context), padding, moduleOf(state, path), list);
  const common = {
    kernel_size: [r, s],
    strides: stride,
    dilation_rate: dilation,
    padding: "valid",
    use_bias: bias !== undefined,
    activation: "linear",
  };
  const own = bias === undefined ? {} : { bias: vector(bias, k) };
  const name = moduleOf(state, path);
  if (!isDepthwise) {
    const kernel = { state, shape, order: [2, 3, 1, 0] };
    return list.add("Conv2D", name, [x], { filters: k, ...common }, { kernel, ...own });
  }
  const multiplier = k / channels;
  const depthwise_kernel = {
    state,
    shape: [channels, multiplier, r, s],
    order: [2, 3, 0, 1],
  };
  const config = { depth_multiplier: multiplier, ...common };
  return list.add("DepthwiseConv2D", name, [x], config, { depthwise_kernel, ...own });
};

const matmul: LayerWriter<MatmulAttributes> = (context) => {
  const { attributes, operands, bias, path, list, refuse } = context;
  if (operands[0]!.shape.length !== 2 || attributes.transposeA) refuse("it is no dense layer");
  const { state, shape } = weightOf(context, 1);
  const order = attributes.transposeB ? [1, 0] : [0, 1];
  const units = shape[order[1]!]!;
  const kernel = { state, shape, order };
  const own = bias === undefined ? {} : { bias: vector(bias, units) };
  const config = { units, use_bias: bias !== undefined, activation: "linear" };
  const name = moduleOf(state, path);
  return list.add("Dense", name, [layerOf(context)], config, { kernel, ...own });
};

const batchNorm: LayerWriter<BatchNormAttributes> = (context) => {
  const { attributes, operands, path, list, refuse } = context;
  const { affine, training, eps } = attributes;
  if (training) refuse("its statistics are those of the batch");
  const channels = operands[0]!.shape[1]!;
  const names = affine
    ? ["gamma", "beta", "moving_mean", "moving_variance"]
    : ["moving_mean", "moving_variance"];
  const variables = Object.fromEntries(
    names.map((name, i) => [name, vector(weightOf(context, i + 1).state, channels)]),
  );
  const config = { axis: -1, epsilon: eps, scale: affine, center: affine };
  const name = moduleOf(weightOf(context, 1).state, path);
  return list.add("BatchNormalization", name, [layerOf(context)], config, variables);
};

const layerNorm: LayerWriter<LayerNormAttributes> = (context) => {
  const { attributes, operands, path, list, refuse } = context;
  const { axes, eps, affine } = attributes;
  const { shape } = operands[0]!;
  const overChannels =
    axes.length === 1 && axes[0] === 1 && (shape.length === 4 || shape.length === 2);
  if (!overChannels) refuse("only a layer norm over the channels can be written");
  const variables = affine
    ? {
        gamma: vector(weightOf(context, 1).state, shape[1]!),
        beta: vector(weightOf(context, 2).state, shape[1]!),
      }
    : {};
  const config = { axis: [-1], epsilon: eps, scale: affine, center: affine };
  const name = affine ? moduleOf(weightOf(context, 1).state, path) : path || "layerNorm";
  return list.add("LayerNormalization", name, [layerOf(context)], config, variables);
};

function windowsOf(
  { rows, columns }: MaxPool2dAttributes,
  shape: Shape,
  matchSize: boolean,
): [RegularWindows, RegularWindows] | undefined {
  const axes = [rows, columns].map((windows, i) =>
    regularWindows(windows, shape[i + 2]!, matchSize),
  );
  const [vertical, horizontal] = axes;
  const isPlain = axes.every((axis) => axis !== undefined && axis.dilation === 1);
  return isPlain ? [vertical!, horizontal!] : undefined;
}

const sidesOf = ([rows, columns]: readonly [RegularWindows, RegularWindows]) => [
  rows.before,
  columns.before,
  rows.after,
  columns.after,
];

function pooling(
  className: string,
  x: string,
  axes: readonly [RegularWindows, RegularWindows],
  path: string,
  list: LayerList,
): string {
  const name = path || className;
  return list.add(className, name, [zeroPadded(x, sidesOf(axes), name, list)], {
    pool_size: axes.map(({ kernel }) => kernel),
    strides: axes.map(({ stride }) => stride),
    padding: "valid",
  });
}

/**
 * Kernel and stride of windows that are TensorFlow's `same`: `ceil(n/stride)` of them, the odd pixel of padding behind, and padding
 * neither taken for a maximum nor counted in an average.
 */
function sameWindows(
  { rows, columns }: MaxPool2dAttributes,
  shape: Shape,
): readonly { readonly kernel: number; readonly stride: number }[] | undefined {
  const axes = [rows, columns].map((windows, i) => {
    const n = shape[i + 2]!;
    const kernel = Math.max(...windows.map(({ count }) => count));
    const stride = windows.length > 1 ? windows.at(-1)!.start - windows.at(-2)!.start : n;
    const before = Math.floor(Math.max(0, (windows.length - 1) * stride + kernel - n) / 2);
    const agrees = windows.every(({ start, count, step }, p) => {
      const first = Math.max(0, p * stride - before);
      const end = Math.min(n, p * stride - before + kernel);
      return start === first && count === end - first && (count === 1 || step === 1);
    });
    return agrees && windows.length === Math.ceil(n / stride) ? { kernel, stride } : undefined;
  });
  const [vertical, horizontal] = axes;
  return vertical === undefined || horizontal === undefined ? undefined : [vertical, horizontal];
}

function samePooling(
  className: string,
  x: string,
  axes: NonNullable<ReturnType<typeof sameWindows>>,
  path: string,
  list: LayerList,
): string {
  return list.add(className, path || className, [x], {
    pool_size: axes.map(({ kernel }) => kernel),
    strides: axes.map(({ stride }) => stride),
    padding: "same",
  });
}

const maxPool2d: LayerWriter<MaxPool2dAttributes> = (context) => {
  const { attributes, operands, path, list, refuse } = context;
  const same = sameWindows(attributes, operands[0]!.shape);
  if (same !== undefined) return samePooling("MaxPooling2D", layerOf(context), same, path, list);
  const axes =
    windowsOf(attributes, operands[0]!.shape, false) ?? refuse("its windows differ in size");
  if (sidesOf(axes).some((side) => side > 0) && !operands[0]!.nonNegative) {
    refuse("its border would be zeros, which are larger than what may be there");
  }
  return pooling("MaxPooling2D", layerOf(context), axes, path, list);
};

const avgPool2d: LayerWriter<AvgPool2dAttributes> = (context) => {
  const { attributes, operands, path, list, refuse } = context;
  const { countIncludePad, divisor } = attributes;
  const countsInside = [attributes.rows, attributes.columns].every((windows) =>
    windows.every(({ count, size }) => !countIncludePad || count === size),
  );
  const same = countsInside ? sameWindows(attributes, operands[0]!.shape) : undefined;
  if (same !== undefined && divisor === 0) {
    return samePooling("AveragePooling2D", layerOf(context), same, path, list);
  }
  const axes =
    windowsOf(attributes, operands[0]!.shape, countIncludePad && divisor === 0) ??
    refuse("its windows differ in size");
  if (!countIncludePad && divisor === 0 && sidesOf(axes).some((side) => side > 0)) {
    refuse("its average leaves out a border that Keras would count");
  }
  const y = pooling("AveragePooling2D", layerOf(context), axes, path, list);
  const area = axes[0].kernel * axes[1].kernel;
  return divisor === 0 ? y : rescaled(y, area / divisor, 0, path, list);
};

function rescaled(x: string, scale: number, offset: number, path: string, list: LayerList): string {
  if (scale === 1 && offset === 0) return x;
  return list.add("Rescaling", `${path || "layer"}.rescale`, [x], { scale, offset });
}

const add: LayerWriter<BinaryAttributes> = (context) => merge("Add", context);

function merge(className: string, context: LayerContext<BinaryAttributes>): string {
  const { operands, path, list, refuse } = context;
  const [a, b] = operands as [Operand, Operand];
  if (a.shape.length !== b.shape.length) refuse("its operands have different numbers of axes");
  if (className === "Add" && !sameShape(a.shape, b.shape)) refuse("its operands differ in size");
  return list.add(className, path || className, [layerOf(context, 0), layerOf(context, 1)]);
}

/** A factor for each channel is a depthwise convolution of one pixel. */
const multiply: LayerWriter<BinaryAttributes> = (context) => {
  const { operands, path, list } = context;
  const index = operands.findIndex(({ weight }) => weight !== undefined);
  const x = operands[1 - index];
  if (index < 0 || x === undefined) return merge("Multiply", context);
  const { state, shape } = weightOf(context, index);
  const channels = x.shape[1]!;
  if (x.shape.length !== 4 || shape.join() !== `${channels},1,1`) {
    context.refuse(`a factor of shape ${formatShape(shape)} is none for each channel`);
  }
  return scaledChannels(layerOf(context, 1 - index), channels, state, undefined, path, list);
};

function scaledChannels(
  x: string,
  channels: number,
  factor: string,
  shift: string | undefined,
  path: string,
  list: LayerList,
): string {
  const depthwise_kernel = { state: factor, shape: [1, 1, channels, 1], order: [0, 1, 2, 3] };
  const config = {
    kernel_size: [1, 1],
    strides: [1, 1],
    depth_multiplier: 1,
    padding: "valid",
    use_bias: shift !== undefined,
    activation: "linear",
  };
  const own = shift === undefined ? {} : { bias: vector(shift, channels) };
  const name = moduleOf(factor, path);
  return list.add("DepthwiseConv2D", name, [x], config, { depthwise_kernel, ...own });
}

const binaries: Partial<Record<BinaryAttributes["function"], LayerWriter<BinaryAttributes>>> = {
  add,
  multiply,
  maximum: (context) => merge("Maximum", context),
  minimum: (context) => merge("Minimum", context),
};

const binary: LayerWriter<BinaryAttributes> = (context) => {
  const name = context.attributes.function;
  const writer = binaries[name];
  return writer === undefined
    ? context.refuse(`layers models have no layer that computes "${name}" of two tensors`)
    : writer(context);
};

/** `w · x + b` for each channel (LeNet's subsampling); other expressions have no layer. */
const elementwise: LayerWriter<ElementwiseAttributes> = (context) => {
  const { attributes, operands, path, list, refuse } = context;
  const [expression] = attributes.expressions;
  const text = formatExpression(expression!);
  const channels = operands[0]!.shape[1]!;
  const perChannel = operands.slice(1).every(({ weight, shape }) => {
    return weight !== undefined && shape.join() === `1,${channels},1,1`;
  });
  if (text !== "((x0 * x1) + x2)" || !perChannel || operands[0]!.shape.length !== 4) {
    return refuse(`layers models have no layer that computes ${text.slice(0, 80)}`);
  }
  const [factor, shift] = [weightOf(context, 1).state, weightOf(context, 2).state];
  return scaledChannels(layerOf(context), channels, factor, shift, path, list);
};

type UnaryWriter =
  | { readonly activation: string }
  | ((x: string, p: UnaryParameters, path: string, list: LayerList) => string)
  | undefined;

const activation = (name: string): UnaryWriter => ({ activation: name });
const clippedRelu = (x: string, maximum: number, path: string, list: LayerList) =>
  list.add("ReLU", path || "relu", [x], { max_value: maximum });
const hardSigmoid = (x: string, p: UnaryParameters, path: string, list: LayerList) =>
  clippedRelu(rescaled(x, p.alpha!, p.beta!, path, list), 1, path, list);

/** Functions of one number; those without a row have no layer. */
const unaries: { readonly [K in UnaryName]: UnaryWriter } = {
  relu: activation("relu"),
  relu6: (x, _, path, list) => clippedRelu(x, 6, path, list),
  leakyRelu: (x, p, path, list) =>
    list.add("LeakyReLU", path || "leakyRelu", [x], { alpha: p.negativeSlope! }),
  elu: (x, p, path, list) => list.add("ELU", path || "elu", [x], { alpha: p.alpha! }),
  selu: activation("selu"),
  gelu: activation("gelu"),
  geluTanh: activation("gelu_new"),
  silu: activation("swish"),
  mish: activation("mish"),
  hardSwish: (x, _, path, list) => {
    const gate = hardSigmoid(x, { alpha: 1 / 6, beta: 0.5 }, path, list);
    return list.add("Multiply", `${path || "hardSwish"}.product`, [x, gate]);
  },
  hardSigmoid,
  sigmoid: activation("sigmoid"),
  tanh: activation("tanh"),
  scaledTanh: (x, p, path, list) => {
    const inner = rescaled(x, p.slope!, 0, path, list);
    const y = list.add("Activation", path || "tanh", [inner], { activation: "tanh" });
    return rescaled(y, p.amplitude!, 0, path, list);
  },
  softplus: undefined,
  softsign: activation("softsign"),
  thresholdedRelu: (x, p, path, list) =>
    list.add("ThresholdedReLU", path || "thresholdedRelu", [x], { theta: p.alpha! }),
  celu: undefined,
  clip: undefined,
  negate: (x, _, path, list) => rescaled(x, -1, 0, path, list),
  absolute: undefined,
  square: (x, _, path, list) => list.add("Multiply", path || "square", [x, x]),
  squareRoot: undefined,
  reciprocal: undefined,
  exponential: undefined,
  logarithm: undefined,
  erf: undefined,
  sine: undefined,
  cosine: undefined,
  floor: undefined,
  ceil: undefined,
  round: undefined,
  sign: undefined,
  stopGradient: (x) => x,
};

const unary: LayerWriter<UnaryAttributes> = (context) => {
  const { attributes, path, list, refuse } = context;
  const writer = unaries[attributes.function];
  const x = layerOf(context);
  if (writer === undefined) return refuse(`layers models have no "${attributes.function}"`);
  if (typeof writer === "function") return writer(x, attributes.parameters, path, list);
  return list.add("Activation", path || writer.activation, [x], { activation: writer.activation });
};

/** A flattened image is brought into the order channels, rows, columns before, so that dense weights stay as they are. */
const reshape: LayerWriter<Attributes> = (context) => {
  const { operands, output, path, list, refuse } = context;
  const { shape } = operands[0]!;
  const x = layerOf(context);
  const name = path || "reshape";
  const isPixel = (s: Shape) => s.length === 4 && s[2] === 1 && s[3] === 1;
  if (shape.length === 2 && isPixel(output)) {
    return list.add("Reshape", name, [x], { target_shape: [1, 1, output[1]!] });
  }
  if (shape.length !== 4 || output.length !== 2) {
    return refuse(`it turns ${formatShape(shape)} into ${formatShape(output)}`);
  }
  if (isPixel(shape)) return list.add("Reshape", name, [x], { target_shape: [output[1]!] });
  const moved = list.add("Permute", `${name}.order`, [x], { dims: [3, 1, 2] });
  return list.add("Flatten", name, [moved]);
};

const concat: LayerWriter<ConcatAttributes> = (context) => {
  const { attributes, operands, path, list, refuse } = context;
  if (attributes.axis !== 1) refuse(`it joins along axis ${attributes.axis}, not the channels`);
  const inputs = operands.map((_, i) => layerOf(context, i));
  return list.add("Concatenate", path || "concat", inputs, { axis: -1 });
};

/** Zeros round the image; zeros among the channels by turning those into rows and back. */
const pad: LayerWriter<PadAttributes> = (context) => {
  const { attributes, operands, path, list, refuse } = context;
  const { before, after, value } = attributes;
  if (value !== 0 || operands[0]!.shape.length !== 4 || before[0] !== 0 || after[0] !== 0) {
    refuse("only zeros round an image can be written");
  }
  const name = path || "pad";
  const [, c, h, w] = before as [number, number, number, number];
  const [, afterC, afterH, afterW] = after as [number, number, number, number];
  const y = zeroPadded(layerOf(context), [h, w, afterH, afterW], name, list);
  if (c === 0 && afterC === 0) return y;
  const turned = list.add("Permute", `${name}.turn`, [y], { dims: [3, 1, 2] });
  const padded = list.add("ZeroPadding2D", name, [turned], {
    padding: [
      [c, afterC],
      [0, 0],
    ],
  });
  return list.add("Permute", `${name}.back`, [padded], { dims: [2, 3, 1] });
};

const softmax: LayerWriter<SoftmaxAttributes> = (context) => {
  const { attributes, operands, path, list, refuse } = context;
  if (attributes.axis !== 1 || operands[0]!.shape.length !== 2) refuse("it is not over classes");
  return list.add("Activation", path || "softmax", [layerOf(context)], { activation: "softmax" });
};

/** How each operation of the engine is written as layers of Keras. */
export const layerWriters: {
  readonly [K in Exclude<OpName, "input" | "state" | "constant">]: LayerWriter<AttributesOf<K>>;
} = {
  random: noLayer("random numbers"),
  unary,
  binary,
  elementwise,
  reduce: noLayer("sums and maxima over axes"),
  moments: noLayer("means and variances"),
  argMax: noLayer("the place of a maximum"),
  oneHot: noLayer("one-hot codes"),
  matmul,
  conv2d,
  conv2dInputGradient: noLayer("this form of transposed convolution"),
  conv2dWeightGradient: noLayer("gradients of weights"),
  maxPool2d,
  maxUnpool2d: noLayer("unpooling"),
  gatherSwitches: noLayer("switches"),
  axisMap: noLayer("linear maps along an axis (interpolation, tables of connections)"),
  reshape,
  transpose: noLayer("this order of axes"),
  broadcast: noLayer("repeated values"),
  slice: noLayer("parts of a tensor"),
  pad,
  concat,
  avgPool2d,
  batchNorm,
  layerNorm,
  groupNorm: noLayer("group normalisation"),
  localResponseNorm: noLayer("local response normalisation"),
  softmax,
  logSoftmax: noLayer("the logarithm of softmax"),
};

/** Operations whose results are never below 0, and those that keep what their inputs are. */
export function isNonNegative(
  op: string,
  attributes: Attributes,
  inputs: readonly Operand[],
): boolean {
  if (op === "softmax") return true;
  if (op === "unary") {
    const name = attributes.function as UnaryName;
    return ["relu", "relu6", "sigmoid", "hardSigmoid", "square", "absolute"].includes(name);
  }
  const keeps =
    ["maxPool2d", "avgPool2d", "reshape", "concat", "pad"].includes(op) ||
    (op === "binary" && ["add", "multiply", "maximum"].includes(String(attributes.function)));
  return keeps && inputs.every(({ nonNegative }) => nonNegative);
}

/** The error of a node that cannot be written. */
export function refusal(op: string, path: string, why: string): UnsupportedError {
  return new UnsupportedError(
    `tfjs: layer "${path}" (${op}): ${why}. Export ONNX instead (--format onnx).`,
  );
}
