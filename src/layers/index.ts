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
  type LayerJson,
  type LayerJsonOptions,
  type LayerTable,
  layerFromJson,
  layerToJson,
} from "./layerJson.ts";
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
export {
  type ReshapeOptions,
  reshape,
  type TransposeOptions,
  transpose,
  type ZeroPad2dOptions,
  zeroPad2d,
} from "./rearrangement.ts";
export { channelShuffle, pixelShuffle, type UpsampleOptions, upsample } from "./resampling.ts";
export { type RescaleOptions, rescale, standardize } from "./rescale.ts";
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
  multiply,
  type ResidualOptions,
  residual,
  sequential,
  sum,
} from "./structure.ts";
export { type SubsamplingOptions, subsampling } from "./subsampling.ts";
export { subtractMean } from "./subtractMean.ts";
export { type LayerKind, layers } from "./table.ts";
