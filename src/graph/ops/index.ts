import type { Op } from "../op.ts";
import { argMaxOp } from "./argMax.ts";
import { avgPool2dOp } from "./avgPool2d.ts";
import { axisMapOp } from "./axisMap.ts";
import { binaryOp } from "./binary.ts";
import { broadcastOp } from "./broadcast.ts";
import { concatOp } from "./concat.ts";
import { conv2dInputGradientOp, conv2dOp, conv2dWeightGradientOp } from "./conv2d.ts";
import { elementwiseOp } from "./elementwise.ts";
import { constantOp, inputOp, stateOp } from "./leaf.ts";
import { matmulOp } from "./matmul.ts";
import { gatherSwitchesOp, maxPool2dOp, maxUnpool2dOp } from "./maxPool2d.ts";
import { momentsOp } from "./moments.ts";
import { batchNormOp, groupNormOp, layerNormOp, localResponseNormOp } from "./normalization.ts";
import { oneHotOp } from "./oneHot.ts";
import { padOp } from "./pad.ts";
import { randomOp } from "./random.ts";
import { reduceOp } from "./reduce.ts";
import { reshapeOp } from "./reshape.ts";
import { sliceOp } from "./slice.ts";
import { logSoftmaxOp, softmaxOp } from "./softmax.ts";
import { transposeOp } from "./transpose.ts";
import { unaryOp } from "./unary.ts";

/** Operations with a gradient of their own, for each of which every backend has a kernel. */
export const primitiveOps = {
  input: inputOp,
  state: stateOp,
  constant: constantOp,
  random: randomOp,
  unary: unaryOp,
  binary: binaryOp,
  elementwise: elementwiseOp,
  reduce: reduceOp,
  moments: momentsOp,
  argMax: argMaxOp,
  oneHot: oneHotOp,
  matmul: matmulOp,
  conv2d: conv2dOp,
  conv2dInputGradient: conv2dInputGradientOp,
  conv2dWeightGradient: conv2dWeightGradientOp,
  maxPool2d: maxPool2dOp,
  maxUnpool2d: maxUnpool2dOp,
  gatherSwitches: gatherSwitchesOp,
  axisMap: axisMapOp,
  reshape: reshapeOp,
  transpose: transposeOp,
  broadcast: broadcastOp,
  slice: sliceOp,
  pad: padOp,
  concat: concatOp,
} as const;

/** Operations made of others. */
export const compositeOps = {
  avgPool2d: avgPool2dOp,
  batchNorm: batchNormOp,
  layerNorm: layerNormOp,
  groupNorm: groupNormOp,
  localResponseNorm: localResponseNormOp,
  softmax: softmaxOp,
  logSoftmax: logSoftmaxOp,
} as const;

export type PrimitiveName = keyof typeof primitiveOps;
export type CompositeName = keyof typeof compositeOps;
export type OpName = PrimitiveName | CompositeName;

/** Attributes of an operation, by its name. */
export type AttributesOf<K extends OpName> =
  (typeof primitiveOps & typeof compositeOps)[K] extends Op<infer A> ? A : never;

/** The table of all operations. The casts widen each row to the common type; a row's own attributes stay checked where nodes are made. */
export function operation(name: string): Op | undefined {
  const table: Readonly<Record<string, unknown>> = { ...primitiveOps, ...compositeOps };
  return Object.hasOwn(table, name) ? (table[name] as Op) : undefined;
}
