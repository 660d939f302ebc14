import { FormatError } from "../../../core/errors.ts";
import { formatShape } from "../../../core/shape.ts";
import type { Value } from "../../../graph/builder.ts";
import { input, scalar as s } from "../../../graph/expression.ts";
import { take } from "../../../graph/ops/axisMap.ts";
import { broadcastTo } from "../../../graph/ops/broadcast.ts";
import { elementwise } from "../../../graph/ops/elementwise.ts";
import { moments } from "../../../graph/ops/moments.ts";
import { batchNormOp, groupNormOp, localResponseNormOp } from "../../../graph/ops/normalization.ts";
import { reduceMean, reduceSum } from "../../../graph/ops/reduce.ts";
import { reshape } from "../../../graph/ops/reshape.ts";
import type { NodeContext } from "../nodeContext.ts";
import { normalizedAxis } from "./axes.ts";
import type { Importers } from "./operator.ts";

/**
 * Batch norm. Statistics are the given ones, except where the node asks to train (`training_mode` from operator set 14 on,
 * more outputs than one before): then they are the batch's, and follow as outputs with the running ones,
 * `running · momentum + batch · (1 − momentum)`.
 */
function batchNormalization(node: NodeContext): (Value | undefined)[] {
  const x = node.input(0);
  const eps = node.float("epsilon", 1e-5);
  const [scale, bias, mean, variance] = [1, 2, 3, 4].map((index) => node.input(index)) as [
    Value,
    Value,
    Value,
    Value,
  ];
  const trains = node.opset >= 14 ? node.int("training_mode", 0) !== 0 : node.wants(1);
  if (!trains && node.opset < 9 && node.int("spatial", 1) === 0) {
    // One statistic for each element of a sample.
    const factor = elementwise([variance, scale], s.div(input(1), s.sqrt(s.add(input(0), eps))));
    const centred = s.sub(input(0), input(1));
    return [elementwise([x, mean, factor, bias], s.fma(centred, input(2), input(3)))];
  }
  if (!trains) {
    const attributes = { eps, training: false, affine: true };
    return [x.builder.add(batchNormOp, [x, scale, bias, mean, variance], attributes)[0]];
  }
  const attributes = { eps, training: true, affine: true };
  const [y, batchMean, batchVariance] = x.builder.add(batchNormOp, [x, scale, bias], attributes);
  const momentum = node.float("momentum", 0.9);
  const moved = (running: Value, batch: Value) =>
    elementwise([running, batch], s.add(s.mul(momentum, input(0)), s.mul(1 - momentum, input(1))));
  return [y, moved(mean, batchMean!), moved(variance, batchVariance!), batchMean, batchVariance];
}

/** Mean and variance over all axes from `axis` on. */
function layerNormalization(node: NodeContext): Value[] {
  const x = node.input(0);
  const axis = normalizedAxis(node, node.int("axis", -1), x.shape.length);
  const axes = [...x.shape.keys()].slice(axis);
  const { mean, variance } = moments(x, axes);
  const inverse = elementwise(
    [variance],
    s.div(1, s.sqrt(s.add(input(0), node.float("epsilon", 1e-5)))),
  );
  const normal = s.mul(s.sub(input(0), input(1)), input(2));
  const scaled = s.mul(normal, input(3));
  const operands = [x, mean, inverse, node.input(1)];
  const y = node.has(2)
    ? elementwise([...operands, node.input(2)], s.add(scaled, input(4)))
    : elementwise(operands, scaled);
  return [y, mean, inverse];
}

/** `x/√(mean x² + ε) · scale`, the mean over all axes from `axis` on. */
function rmsNormalization(node: NodeContext): Value {
  const x = node.input(0);
  const axis = normalizedAxis(node, node.int("axis", -1), x.shape.length);
  const squares = elementwise([x], s.mul(input(0), input(0)));
  const mean = reduceMean(squares, { axes: [...x.shape.keys()].slice(axis), keepDims: true });
  const spread = s.sqrt(s.add(input(1), node.float("epsilon", 1e-5)));
  return elementwise([x, mean, node.input(1)], s.mul(s.div(input(0), spread), input(2)));
}

/** Scale and shift are one number for each group before operator set 21, one for each channel from there on. */
function groupNormalization(node: NodeContext): Value {
  const x = node.input(0);
  const groups = node.int("num_groups", 0);
  const channels = x.shape[1] ?? 0;
  if (!(groups >= 1) || channels % groups !== 0) {
    throw new FormatError(
      `${node.where}: the channels of ${formatShape(x.shape)} do not divide into ${groups} groups.`,
    );
  }
  const parameter = (index: number) => {
    const given = node.input(index);
    if (node.opset >= 21) return given;
    return reshape(broadcastTo(reshape(given, [groups, 1]), [groups, channels / groups]), [
      channels,
    ]);
  };
  return normalizedGroups(node, x, groups, parameter(1), parameter(2));
}

function normalizedGroups(
  node: NodeContext,
  x: Value,
  groups: number,
  scale: Value,
  bias: Value,
): Value {
  const attributes = { eps: node.float("epsilon", 1e-5), groups, affine: true };
  return x.builder.add(groupNormOp, [x, scale, bias], attributes)[0]!;
}

/** The engine's window leans to the front where its size is even, ONNX's to the back. */
function lrn(node: NodeContext): Value {
  const x = node.input(0);
  const size = node.int("size", 0);
  const attributes = {
    size,
    alpha: node.float("alpha", 1e-4) / size,
    beta: node.float("beta", 0.75),
    k: node.float("bias", 1),
  };
  const normalized = (value: Value) =>
    value.builder.add(localResponseNormOp, [value], attributes)[0]!;
  const channels = x.shape[1] ?? 0;
  node.chargeTable(3 * channels, channels * Math.min(size, channels));
  if (size % 2 === 1) return normalized(x);
  const backwards = Array.from({ length: channels }, (_, c) => channels - 1 - c);
  return take(normalized(take(x, 1, backwards)), 1, backwards);
}

/** `x/‖x‖ₚ` along an axis; 0 where the norm is. */
function lpNormalization(node: NodeContext): Value {
  const x = node.input(0);
  const axis = normalizedAxis(node, node.int("axis", -1), x.shape.length);
  const p = node.int("p", 2);
  if (p !== 1 && p !== 2) throw new FormatError(`${node.where}: p is ${p}; expected 1 or 2.`);
  const parts = p === 1 ? s.abs(input(0)) : s.mul(input(0), input(0));
  const sum = reduceSum(elementwise([x], parts), { axes: [axis], keepDims: true });
  const norm = p === 1 ? input(1) : s.sqrt(input(1));
  return elementwise([x, sum], s.select(s.equal(input(1), 0), 0, s.div(input(0), norm)));
}

/** Operators that bring numbers to a common scale. */
export const normalizations: Importers = {
  BatchNormalization: batchNormalization,
  GroupNormalization: groupNormalization,
  InstanceNormalization(node) {
    const x = node.input(0);
    return normalizedGroups(node, x, x.shape[1] ?? 0, node.input(1), node.input(2));
  },
  LayerNormalization: layerNormalization,
  LpNormalization: lpNormalization,
  LRN: lrn,
  MeanVarianceNormalization(node) {
    const x = node.input(0);
    const axes = (node.ints("axes") ?? [0, 2, 3]).map((axis) =>
      normalizedAxis(node, axis, x.shape.length),
    );
    const { mean, variance } = moments(x, axes);
    const spread = s.add(s.sqrt(input(2)), 1e-9);
    return elementwise([x, mean, variance], s.div(s.sub(input(0), input(1)), spread));
  },
  RMSNormalization: rmsNormalization,
};
