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
import { channelShuffle, pixelShuffle, upsample } from "./resampling.ts";
import { basicBlock, bottleneck, identityShortcut, preactivationBlock } from "./residualBlock.ts";
import { depthwiseSeparable, separableConv2d } from "./separableConv2d.ts";
import { squeezeExcite } from "./squeezeExcite.ts";
import {
  branches,
  concat,
  flatten,
  identity,
  type Layers,
  residual,
  sequential,
  sum,
} from "./structure.ts";
import { subsampling } from "./subsampling.ts";

export {
  type ActivationOptions,
  activation,
  type PreluOptions,
  prelu,
  relu,
} from "./activation.ts";
export { type BatchNormOptions, batchNorm1d, batchNorm2d } from "./batchNorm.ts";
export {
  type Conv2dLayerOptions,
  type ConvolutionOptions,
  conv2d,
  type DepthwiseConv2dOptions,
  depthwiseConv2d,
} from "./conv2d.ts";
export { type ConvNextBlockOptions, convNextBlock } from "./convNextBlock.ts";
export { type ConvNormActivationOptions, convNormActivation } from "./convNormActivation.ts";
export { type ConvTranspose2dLayerOptions, convTranspose2d } from "./convTranspose2d.ts";
export {
  type DropoutOptions,
  dropout,
  type StochasticDepthOptions,
  stochasticDepth,
} from "./dropout.ts";
export { type FireOptions, fire } from "./fire.ts";
export { type FunctionalOptions, type FunctionalStep, functional } from "./functional.ts";
export { type FusionOptions, fusion } from "./fusion.ts";
export { type GlobalResponseNormLayerOptions, globalResponseNorm } from "./globalResponseNorm.ts";
export {
  type InceptionConvolutionOptions,
  type InceptionOptions,
  inception,
  inceptionConvolution,
  type NaiveInceptionOptions,
  naiveInception,
} from "./inception.ts";
export {
  type InvertedResidualOptions,
  invertedResidual,
  type MobileBlockOptions,
  mobileBlock,
} from "./invertedResidual.ts";
export {
  type AuxiliaryOutput,
  type BuildOptions,
  type BuiltNet,
  buildNet,
  initialize,
  type Layer,
  type LayerFacts,
  type LayerOptions,
  type LayerRecord,
  layer,
  type ParameterDeclaration,
} from "./layer.ts";
export {
  type GroupNormOptions,
  groupNorm,
  type InstanceNormOptions,
  instanceNorm,
  type LayerNormOptions,
  layerNorm,
} from "./layerNorm.ts";
export { type LayerScaleOptions, layerScale } from "./layerScale.ts";
export { type LinearOptions, linear } from "./linear.ts";
export { type LocalResponseNormOptions, localResponseNorm } from "./localResponseNorm.ts";
export { type PartialConv2dOptions, partialConv2d } from "./partialConv2d.ts";
export {
  type AdaptivePoolOptions,
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  avgPool2d,
  type GlobalPoolOptions,
  globalAvgPool2d,
  globalMaxPool2d,
  maxPool2d,
} from "./pooling.ts";
export { type RadialBasisOptions, radialBasis } from "./radialBasis.ts";
export { channelShuffle, pixelShuffle, type UpsampleOptions, upsample } from "./resampling.ts";
export {
  type BottleneckOptions,
  basicBlock,
  bottleneck,
  identityShortcut,
  type PreactivationBlockOptions,
  preactivationBlock,
  type ResidualBlockOptions,
  type Shortcut,
} from "./residualBlock.ts";
export { Scope } from "./scope.ts";
export {
  type DepthwiseSeparableOptions,
  depthwiseSeparable,
  type SeparableConv2dOptions,
  separableConv2d,
} from "./separableConv2d.ts";
export { type SqueezeExciteOptions, squeezeExcite } from "./squeezeExcite.ts";
export {
  type BranchesOptions,
  branches,
  concat,
  flatten,
  identity,
  type Layers,
  type ResidualOptions,
  residual,
  sequential,
  sum,
} from "./structure.ts";
export { type SubsamplingOptions, subsampling } from "./subsampling.ts";

/** Every layer by the name a file calls it; each takes its options. */
export const layers = {
  sequential: (options: { readonly layers: Layers }) => sequential(options.layers),
  functional,
  branches,
  residual,
  identity,
  flatten,
  sum,
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
