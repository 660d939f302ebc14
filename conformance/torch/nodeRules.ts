import type { Shape } from "../../src/core/shape.ts";
import type { Value } from "../../src/graph/builder.ts";
import { input, scalar as s } from "../../src/graph/expression.ts";
import { adaptiveAvgPool2d, avgPool2d, globalAvgPool2d } from "../../src/graph/ops/avgPool2d.ts";
import { add, multiply } from "../../src/graph/ops/binary.ts";
import { concat } from "../../src/graph/ops/concat.ts";
import { conv2d, convTranspose2d } from "../../src/graph/ops/conv2d.ts";
import { elementwise } from "../../src/graph/ops/elementwise.ts";
import { globalResponseNorm } from "../../src/graph/ops/globalResponseNorm.ts";
import { matmul } from "../../src/graph/ops/matmul.ts";
import { adaptiveMaxPool2d, maxPool2dWithSwitches } from "../../src/graph/ops/maxPool2d.ts";
import {
  batchNormOp,
  groupNormOp,
  layerNormOp,
  localResponseNormOp,
} from "../../src/graph/ops/normalization.ts";
import { type PadMode, pad } from "../../src/graph/ops/pad.ts";
import { prelu } from "../../src/graph/ops/prelu.ts";
import { flatten, reshape } from "../../src/graph/ops/reshape.ts";
import { resize } from "../../src/graph/ops/resize.ts";
import { channelShuffle, pixelShuffle } from "../../src/graph/ops/shuffle.ts";
import { logSoftmax, softmax } from "../../src/graph/ops/softmax.ts";
import { transpose } from "../../src/graph/ops/transpose.ts";
import { type UnaryName, type UnaryParameters, unary } from "../../src/graph/ops/unary.ts";
import {
  bceWithLogits,
  crossEntropy,
  huber,
  klDiv,
  l1,
  mse,
  nll,
  type Reduction,
  smoothL1,
} from "../../src/losses/index.ts";
import type { NodeSpecification } from "./specification.ts";

/** What a rule may use to build its node. */
export interface NodeContext {
  readonly inputs: readonly Value[];
  readonly node: NodeSpecification;
  readonly training: boolean;
  /** The parameter with this role, or `undefined` where the node has none. */
  parameter(role: string): Value | undefined;
  /** The buffer with this role. */
  buffer(role: string): Value;
  /** Makes a second result of the node an output of the graph: `indices` of max pooling. */
  extra(name: string, value: Value): void;
}

export type NodeRule = (context: NodeContext) => Value;

type Pair = readonly [number, number];

/** Reads an attribute; the vectors say which type each has. */
function attribute<T>({ node }: NodeContext, name: string): T {
  const value = node.attrs?.[name];
  if (value === undefined) throw new Error(`${node.op} "${node.name}" has no attribute "${name}"`);
  return value as T;
}

const first = ({ inputs }: NodeContext): Value => inputs[0]!;

const activation =
  (name: UnaryName, parameters: (context: NodeContext) => UnaryParameters = () => ({})): NodeRule =>
  (context) =>
    unary(first(context), name, parameters(context));

function linear(context: NodeContext): Value {
  const bias = context.parameter("bias");
  const product = matmul(first(context), context.parameter("weight")!, { transposeB: true });
  return bias === undefined ? product : add(product, bias);
}

function poolOptions(context: NodeContext) {
  return {
    kernel: attribute<Pair>(context, "kernel_size"),
    stride: attribute<Pair>(context, "stride"),
    padding: attribute<Pair>(context, "padding"),
    fit: attribute<boolean>(context, "ceil_mode") ? ("ceil" as const) : ("floor" as const),
  };
}

function maxPool(context: NodeContext): Value {
  const dilation = (context.node.attrs?.dilation as Pair | undefined) ?? 1;
  const options = { ...poolOptions(context), dilation };
  const { output, switches } = maxPool2dWithSwitches(first(context), options);
  context.extra("indices", switches);
  return output;
}

function batchNorm(context: NodeContext): Value {
  const x = first(context);
  const eps = attribute<number>(context, "eps");
  const affine = attribute<boolean>(context, "affine");
  const { training } = context;
  const scale = affine ? [context.parameter("weight")!, context.parameter("bias")!] : [];
  const [runningMean, runningVariance] = [
    context.buffer("running_mean"),
    context.buffer("running_var"),
  ];
  const attributes = { eps, affine, training };
  if (!training) {
    return x.builder.add(batchNormOp, [x, ...scale, runningMean, runningVariance], attributes)[0]!;
  }
  const [y, mean, variance] = x.builder.add(batchNormOp, [x, ...scale], attributes);
  const momentum =
    attribute<number | null>(context, "momentum") ??
    1 / (attribute<number>(context, "num_batches_tracked") + 1);
  const count = x.shape.reduce((n, size, axis) => (axis === 1 ? n : n * size), 1);
  const follow = (state: Value, batch: Value, factor: number) =>
    x.builder.update(
      state,
      elementwise(
        [state, batch],
        s.add(s.mul(1 - momentum, input(0)), s.mul(momentum * factor, input(1))),
      ),
    );
  follow(runningMean, mean!, 1);
  follow(runningVariance, variance!, count / (count - 1));
  return y!;
}

function layerNorm(context: NodeContext, axes: readonly number[]): Value {
  const x = first(context);
  const [weight, bias] = [context.parameter("weight"), context.parameter("bias")];
  const affine = weight !== undefined;
  const operands = affine ? [x, weight, bias!] : [x];
  return x.builder.add(layerNormOp, operands, {
    eps: attribute<number>(context, "eps"),
    axes,
    affine,
  })[0]!;
}

function groupNorm(context: NodeContext, groups: number): Value {
  const x = first(context);
  const [weight, bias] = [context.parameter("weight"), context.parameter("bias")];
  const affine = weight !== undefined;
  const operands = affine ? [x, weight, bias!] : [x];
  const eps = attribute<number>(context, "eps");
  return x.builder.add(groupNormOp, operands, { eps, groups, affine })[0]!;
}

function localResponseNorm(context: NodeContext): Value {
  const x = first(context);
  const size = attribute<number>(context, "size");
  const alpha = attribute<number>(context, "alpha");
  const divided = attribute<boolean>(context, "alpha_divided_by_size");
  return x.builder.add(localResponseNormOp, [x], {
    size,
    alpha: divided ? alpha / size : alpha,
    beta: attribute<number>(context, "beta"),
    k: attribute<number>(context, "k"),
  })[0]!;
}

function padPlane(context: NodeContext): Value {
  const sides = (a: string, b: string) => [
    0,
    0,
    attribute<number>(context, a),
    attribute<number>(context, b),
  ];
  return pad(first(context), {
    before: sides("top", "left"),
    after: sides("bottom", "right"),
    mode: attribute<PadMode>(context, "mode"),
    value: attribute<number>(context, "value"),
  });
}

/** Options of losses with class targets; probabilities take no ignored index. */
function classLossOptions(context: NodeContext) {
  const { inputs } = context;
  const hasWeights = attribute<boolean>(context, "class_weights");
  return {
    reduction: attribute<Reduction>(context, "reduction"),
    ...(hasWeights ? { classWeights: inputs[2]! } : {}),
    ...(inputs[1]!.dtype === "int32"
      ? { ignoreIndex: attribute<number>(context, "ignore_index") }
      : {}),
  };
}

const pointwiseLoss =
  (loss: (x: Value, target: Value, options: { reduction: Reduction }) => Value): NodeRule =>
  (context) =>
    loss(context.inputs[0]!, context.inputs[1]!, {
      reduction: attribute<Reduction>(context, "reduction"),
    });

function lastAxes(rank: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => rank - count + i);
}

/** One row per operation of the vectors: how our own functions compute it. */
export const nodeRules: Readonly<Record<string, NodeRule>> = {
  conv2d: (context) => {
    const bias = context.parameter("bias");
    return conv2d(first(context), context.parameter("weight")!, {
      stride: attribute<Pair>(context, "stride"),
      padding: attribute<Pair | "same">(context, "padding"),
      dilation: attribute<Pair>(context, "dilation"),
      groups: attribute<number>(context, "groups"),
      fit: "floor",
      ...(bias === undefined ? {} : { bias }),
    });
  },
  conv_transpose2d: (context) => {
    const bias = context.parameter("bias");
    return convTranspose2d(first(context), context.parameter("weight")!, {
      stride: attribute<Pair>(context, "stride"),
      padding: attribute<Pair>(context, "padding"),
      outputPadding: attribute<Pair>(context, "output_padding"),
      dilation: attribute<Pair>(context, "dilation"),
      groups: attribute<number>(context, "groups"),
      ...(bias === undefined ? {} : { bias }),
    });
  },
  linear,

  max_pool2d: maxPool,
  avg_pool2d: (context) => {
    const divisor = context.node.attrs?.divisor_override as number | null | undefined;
    return avgPool2d(first(context), {
      ...poolOptions(context),
      countIncludePad: attribute<boolean>(context, "count_include_pad"),
      ...(divisor == null ? {} : { divisor }),
    });
  },
  adaptive_avg_pool2d: (context) =>
    adaptiveAvgPool2d(first(context), attribute<Pair>(context, "output_size")),
  adaptive_max_pool2d: (context) =>
    adaptiveMaxPool2d(first(context), attribute<Pair>(context, "output_size")),
  global_avg_pool2d: (context) => {
    const keep = (context.node.attrs?.keepdim as boolean | undefined) ?? true;
    const y = globalAvgPool2d(first(context));
    return keep ? y : flatten(y);
  },
  global_max_pool2d: (context) => adaptiveMaxPool2d(first(context), 1),

  batch_norm: batchNorm,
  layer_norm: (context) => {
    const count = attribute<readonly number[]>(context, "normalized_shape").length;
    return layerNorm(context, lastAxes(first(context).shape.length, count));
  },
  layer_norm_channels: (context) => layerNorm(context, [1]),
  group_norm: (context) => groupNorm(context, attribute<number>(context, "num_groups")),
  instance_norm: (context) => groupNorm(context, first(context).shape[1]!),
  local_response_norm: localResponseNorm,
  grn: (context) =>
    globalResponseNorm(first(context), context.parameter("gamma")!, context.parameter("beta")!, {
      eps: attribute<number>(context, "eps"),
    }),

  relu: activation("relu"),
  prelu: (context) => prelu(first(context), context.parameter("weight")!),
  relu6: activation("relu6"),
  leaky_relu: activation("leakyRelu", (context) => ({
    negativeSlope: attribute<number>(context, "negative_slope"),
  })),
  elu: activation("elu", (context) => ({ alpha: attribute<number>(context, "alpha") })),
  selu: activation("selu"),
  gelu: (context) =>
    unary(
      first(context),
      attribute<string>(context, "approximate") === "tanh" ? "geluTanh" : "gelu",
    ),
  silu: activation("silu"),
  mish: activation("mish"),
  hardswish: activation("hardSwish"),
  hardsigmoid: activation("hardSigmoid"),
  sigmoid: activation("sigmoid"),
  tanh: activation("tanh"),
  softplus: activation("softplus", (context) => ({
    beta: attribute<number>(context, "beta"),
    threshold: attribute<number>(context, "threshold"),
  })),
  softmax: (context) => softmax(first(context), attribute<number>(context, "dim")),
  log_softmax: (context) => logSoftmax(first(context), attribute<number>(context, "dim")),

  add: ({ inputs }) => add(inputs[0]!, inputs[1]!),
  mul: ({ inputs }) => multiply(inputs[0]!, inputs[1]!),
  concat: (context) => concat(context.inputs, attribute<number>(context, "dim")),
  flatten: (context) =>
    flatten(first(context), {
      start: attribute<number>(context, "start_dim"),
      end: attribute<number>(context, "end_dim"),
    }),
  reshape: (context) => reshape(first(context), attribute<Shape>(context, "shape")),
  permute: (context) => transpose(first(context), attribute<readonly number[]>(context, "dims")),
  pad: padPlane,
  dropout: (context) => {
    if (context.training && attribute<number>(context, "p") !== 0) {
      throw new Error("dropout that drops cannot be compared with recorded numbers");
    }
    return first(context);
  },
  interpolate: (context) =>
    resize(first(context), {
      size: attribute<Pair>(context, "size"),
      mode: attribute<"nearest" | "bilinear" | "bicubic">(context, "mode"),
      alignCorners: attribute<boolean | null>(context, "align_corners") ?? false,
    }),
  pixel_shuffle: (context) =>
    pixelShuffle(first(context), attribute<number>(context, "upscale_factor")),
  channel_shuffle: (context) =>
    channelShuffle(first(context), attribute<number>(context, "groups")),
  scale_channels: (context) => {
    const gamma = context.parameter("gamma")!;
    return multiply(first(context), reshape(gamma, [gamma.shape[0]!, 1, 1]));
  },

  cross_entropy: (context) =>
    crossEntropy(context.inputs[0]!, context.inputs[1]!, {
      ...classLossOptions(context),
      labelSmoothing: attribute<number>(context, "label_smoothing"),
    }),
  nll_loss: (context) => nll(context.inputs[0]!, context.inputs[1]!, classLossOptions(context)),
  mse_loss: pointwiseLoss(mse),
  l1_loss: pointwiseLoss(l1),
  smooth_l1_loss: (context) =>
    pointwiseLoss((x, target, options) =>
      smoothL1(x, target, { ...options, beta: attribute<number>(context, "beta") }),
    )(context),
  huber_loss: (context) =>
    pointwiseLoss((x, target, options) =>
      huber(x, target, { ...options, delta: attribute<number>(context, "delta") }),
    )(context),
  bce_with_logits: pointwiseLoss(bceWithLogits),
  kl_div: (context) => {
    const reduction = attribute<Reduction | "batchmean">(context, "reduction");
    return klDiv(context.inputs[0]!, context.inputs[1]!, {
      reduction: reduction === "batchmean" ? "batchMean" : reduction,
    });
  },
};
