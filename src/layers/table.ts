import { activation, prelu, relu } from "./activation.ts";
import { batchNorm1d, batchNorm2d } from "./batchNorm.ts";
import { conv2d, depthwiseConv2d } from "./conv2d.ts";
import { convNextBlock } from "./convNextBlock.ts";
import { convNormActivation } from "./convNormActivation.ts";
import { convTranspose2d } from "./convTranspose2d.ts";
import { dropout, stochasticDepth } from "./dropout.ts";
import { fire } from "./fire.ts";
import { functional } from "./functional.ts";
import { fusion } from "./fusion.ts";
import { globalResponseNorm } from "./globalResponseNorm.ts";
import { inception, inceptionConvolution, naiveInception } from "./inception.ts";
import { invertedResidual, mobileBlock } from "./invertedResidual.ts";
import type { Layer } from "./layer.ts";
import { groupNorm, instanceNorm, layerNorm } from "./layerNorm.ts";
import { layerScale } from "./layerScale.ts";
import { linear } from "./linear.ts";
import { localResponseNorm } from "./localResponseNorm.ts";
import { partialConv2d } from "./partialConv2d.ts";
import {
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  avgPool2d,
  globalAvgPool2d,
  globalMaxPool2d,
  maxPool2d,
} from "./pooling.ts";
import { radialBasis } from "./radialBasis.ts";
import { reshape, transpose, zeroPad2d } from "./rearrangement.ts";
import { channelShuffle, pixelShuffle, upsample } from "./resampling.ts";
import { rescale, standardize } from "./rescale.ts";
import { basicBlock, bottleneck, identityShortcut, preactivationBlock } from "./residualBlock.ts";
import { depthwiseSeparable, separableConv2d } from "./separableConv2d.ts";
import { squeezeExcite } from "./squeezeExcite.ts";
import {
  branches,
  concat,
  flatten,
  identity,
  type Layers,
  multiply,
  residual,
  sequential,
  sum,
} from "./structure.ts";
import { subsampling } from "./subsampling.ts";
import { subtractMean } from "./subtractMean.ts";

/** Every layer by the name a file calls it; each takes its options. */
export const layers = {
  sequential: (options: { readonly layers: Layers }) => sequential(options.layers),
  functional,
  branches,
  residual,
  identity,
  flatten,
  reshape,
  transpose,
  sum,
  multiply,
  concat,
  conv2d,
  depthwiseConv2d,
  separableConv2d,
  partialConv2d,
  convTranspose2d,
  linear,
  radialBasis,
  batchNorm2d,
  batchNorm1d,
  layerNorm,
  groupNorm,
  instanceNorm,
  localResponseNorm,
  globalResponseNorm,
  layerScale,
  activation,
  relu,
  prelu,
  dropout,
  stochasticDepth,
  maxPool2d,
  avgPool2d,
  subsampling,
  subtractMean,
  rescale,
  standardize,
  zeroPad2d,
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  globalAvgPool2d,
  globalMaxPool2d,
  upsample,
  channelShuffle,
  pixelShuffle,
  squeezeExcite,
  fusion,
  convNormActivation,
  fire,
  inceptionConvolution,
  inception,
  naiveInception,
  basicBlock,
  bottleneck,
  preactivationBlock,
  identityShortcut,
  depthwiseSeparable,
  invertedResidual,
  mobileBlock,
  convNextBlock,
} as const satisfies Readonly<Record<string, (options: never) => Layer>>;

/** A key of the table of layers. */
export type LayerKind = keyof typeof layers;
