import type { OpName } from "../../src/graph/ops/index.ts";
import {
  dropoutCases,
  globalResponseNormCases,
  preluCases,
  resizeCases,
  shuffleCases,
} from "./functions.cases.ts";
import { lossCases } from "./losses.cases.ts";
import {
  batchNormCases,
  groupNormCases,
  layerNormCases,
  localResponseNormCases,
  logSoftmaxCases,
  softmaxCases,
} from "./norms.cases.ts";
import type { OpCase } from "./opCase.ts";
import {
  borderCases,
  broadcastCases,
  concatCases,
  constantCases,
  inputCases,
  padCases,
  randomCases,
  reshapeCases,
  sliceCases,
  stateCases,
  transposeCases,
} from "./places.cases.ts";
import { binaryCases, elementwiseCases } from "./pointwise.cases.ts";
import {
  conv2dCases,
  conv2dInputGradientCases,
  conv2dWeightGradientCases,
  matmulCases,
} from "./products.cases.ts";
import { argMaxCases, momentsCases, oneHotCases, reduceCases } from "./reductions.cases.ts";
import { unaryCases } from "./unary.cases.ts";
import {
  avgPool2dCases,
  axisMapCases,
  gatherSwitchesCases,
  maxPool2dCases,
  maxUnpool2dCases,
} from "./windows.cases.ts";

/** Cases of every operation of the graph; a missing one is a compile error. */
export const opCases: { readonly [K in OpName]: readonly OpCase[] } = {
  input: inputCases,
  state: stateCases,
  constant: constantCases,
  random: randomCases,
  unary: unaryCases(),
  binary: binaryCases(),
  elementwise: elementwiseCases,
  reduce: reduceCases,
  moments: momentsCases,
  argMax: argMaxCases,
  oneHot: oneHotCases,
  matmul: matmulCases,
  conv2d: conv2dCases,
  conv2dInputGradient: conv2dInputGradientCases,
  conv2dWeightGradient: conv2dWeightGradientCases,
  maxPool2d: maxPool2dCases,
  maxUnpool2d: maxUnpool2dCases,
  gatherSwitches: gatherSwitchesCases,
  axisMap: axisMapCases,
  reshape: reshapeCases,
  transpose: transposeCases,
  broadcast: broadcastCases,
  slice: sliceCases,
  pad: padCases,
  concat: concatCases,
  avgPool2d: avgPool2dCases,
  batchNorm: batchNormCases,
  layerNorm: layerNormCases,
  groupNorm: groupNormCases,
  localResponseNorm: localResponseNormCases,
  softmax: softmaxCases,
  logSoftmax: logSoftmaxCases,
};

/** Cases of functions that append operations and have no entry in the table. */
export const functionCases = {
  dropout: dropoutCases,
  globalResponseNorm: globalResponseNormCases,
  prelu: preluCases,
  resize: resizeCases,
  shuffle: shuffleCases,
  "pad, other borders": borderCases,
  ...lossCases,
} as const;
