import {
  activation,
  conv2d,
  identity,
  type Layer,
  type LayerKind,
  layers,
  relu,
} from "../../src/layers/index.ts";
import type { Expectation } from "./checkLayer.ts";

export interface LayerCase extends Expectation {
  readonly layer: Layer;
}

const image = [[2, 3, 6, 6]] as const;
const bn = (prefix: string, channels: number) => ({
  [`${prefix}weight`]: [channels],
  [`${prefix}bias`]: [channels],
  [`~${prefix}running_mean`]: [channels],
  [`~${prefix}running_var`]: [channels],
  [`~${prefix}num_batches_tracked`]: [],
});
const tanh = () => activation({ function: "tanh" });

/** At least one case for every layer of the table; the compiler asks for missing ones. */
export const layerCases: { readonly [K in LayerKind]: readonly LayerCase[] } = {
  sequential: [
    {
      layer: layers.sequential({
        layers: [
          conv2d({ channels: 4, kernel: 3 }),
          relu(),
          layers.flatten(),
          layers.linear({ features: 2 }),
        ],
      }),
      inputs: image,
      output: [2, 2],
      parameters: { "0.weight": [4, 3, 3, 3], "0.bias": [4], "3.weight": [2, 64], "3.bias": [2] },
      macs: 2 * (4 * 16 * 27 + 2 * 64),
    },
    {
      layer: layers.sequential({ layers: { act: tanh() } }),
      inputs: [[2, 3]],
      output: [2, 3],
      parameters: {},
    },
  ],
  functional: [
    {
      layer: layers.functional({
        steps: {
          stem: { layer: conv2d({ channels: 2, kernel: 1, bias: false }) },
          left: { layer: tanh() },
          right: { layer: activation({ function: "sigmoid" }), from: "stem" },
          both: { layer: layers.concat(), from: ["left", "right", "input"] },
        },
      }),
      inputs: image,
      output: [2, 7, 6, 6],
      parameters: { "stem.weight": [2, 3, 1, 1] },
      macs: 2 * 2 * 36 * 3,
    },
  ],
  branches: [
    {
      layer: layers.branches({ layers: { a: tanh(), b: identity() } }),
      inputs: image,
      output: [2, 6, 6, 6],
      parameters: {},
    },
    {
      layer: layers.branches({ layers: [tanh(), identity()], merge: "sum" }),
      inputs: image,
      output: [2, 3, 6, 6],
      parameters: {},
    },
  ],
  residual: [
    {
      layer: layers.residual({
        body: conv2d({ channels: 4, kernel: 3, padding: 1, bias: false }),
        shortcut: conv2d({ channels: 4, kernel: 1, bias: false }),
        activation: tanh(),
      }),
      inputs: image,
      output: [2, 4, 6, 6],
      parameters: { "body.weight": [4, 3, 3, 3], "shortcut.weight": [4, 3, 1, 1] },
      macs: 2 * 4 * 36 * 30,
    },
  ],
  identity: [{ layer: layers.identity(), inputs: image, output: [2, 3, 6, 6], parameters: {} }],
  flatten: [{ layer: layers.flatten(), inputs: image, output: [2, 108], parameters: {} }],
  sum: [
    {
      layer: layers.sum(),
      inputs: [
        [2, 3, 4, 4],
        [2, 3, 4, 4],
        [2, 3, 4, 4],
      ],
      output: [2, 3, 4, 4],
      parameters: {},
    },
  ],
  concat: [
    {
      layer: layers.concat(),
      inputs: [
        [2, 3, 4, 4],
        [2, 1, 4, 4],
      ],
      output: [2, 4, 4, 4],
      parameters: {},
    },
  ],
  conv2d: [
    {
      layer: layers.conv2d({
        channels: 4,
        kernel: [3, 2],
        stride: [1, 2],
        padding: 1,
        dilation: [2, 1],
      }),
      inputs: [[2, 2, 6, 6]],
      output: [2, 4, 4, 4],
      parameters: { weight: [4, 2, 3, 2], bias: [4] },
      macs: 2 * 4 * 16 * 12,
    },
    {
      layer: layers.conv2d({ channels: 4, kernel: 3, groups: 2, bias: false, padding: "same" }),
      inputs: [[1, 2, 5, 5]],
      output: [1, 4, 5, 5],
      parameters: { weight: [4, 1, 3, 3] },
      macs: 4 * 25 * 9,
    },
  ],
  depthwiseConv2d: [
    {
      layer: layers.depthwiseConv2d({ kernel: 3, padding: 1, multiplier: 2 }),
      inputs: image,
      output: [2, 6, 6, 6],
      parameters: { weight: [6, 1, 3, 3], bias: [6] },
      macs: 2 * 6 * 36 * 9,
    },
  ],
  separableConv2d: [
    {
      layer: layers.separableConv2d({ channels: 5, kernel: 3, multiplier: 2 }),
      inputs: image,
      output: [2, 5, 4, 4],
      parameters: {
        "depthwise.weight": [6, 1, 3, 3],
        "pointwise.weight": [5, 6, 1, 1],
        "pointwise.bias": [5],
      },
      macs: 2 * 16 * (6 * 9 + 5 * 6),
    },
  ],
  partialConv2d: [
    {
      layer: layers.partialConv2d({ connections: [[0, 1], [2], [0, 2], [0, 1, 2]], kernel: 3 }),
      inputs: image,
      output: [2, 4, 4, 4],
      parameters: { weight: [8, 3, 3], bias: [4] },
      macs: 2 * 4 * 16 * 27,
    },
  ],
  convTranspose2d: [
    {
      layer: layers.convTranspose2d({
        channels: 4,
        kernel: 3,
        stride: 2,
        padding: 1,
        outputPadding: 1,
      }),
      inputs: [[1, 2, 4, 4]],
      output: [1, 4, 8, 8],
      parameters: { weight: [2, 4, 3, 3], bias: [4] },
      macs: 2 * 16 * 4 * 9,
    },
    {
      layer: layers.convTranspose2d({ channels: 4, kernel: 2, stride: 2, groups: 2, bias: false }),
      inputs: [[1, 2, 3, 3]],
      output: [1, 4, 6, 6],
      parameters: { weight: [2, 2, 2, 2] },
      macs: 2 * 9 * 2 * 4,
    },
  ],
  linear: [
    {
      layer: layers.linear({ features: 4 }),
      inputs: [[3, 5]],
      output: [3, 4],
      parameters: { weight: [4, 5], bias: [4] },
      macs: 60,
    },
    {
      layer: layers.linear({ features: 4, bias: false }),
      inputs: [[2, 3, 5]],
      output: [2, 3, 4],
      parameters: { weight: [4, 5] },
      macs: 120,
    },
    {
      layer: layers.linear({ features: 4, over: "channels" }),
      inputs: image,
      output: [2, 4, 6, 6],
      parameters: { weight: [4, 3], bias: [4] },
      macs: 2 * 36 * 12,
    },
  ],
  radialBasis: [
    {
      layer: layers.radialBasis({
        codes: [
          [1, -1, 1],
          [-1, -1, 1],
        ],
      }),
      inputs: [[4, 3]],
      output: [4, 2],
      parameters: { "~weight": [2, 3] },
      macs: 24,
    },
  ],
  batchNorm2d: [
    {
      layer: layers.batchNorm2d(),
      inputs: image,
      output: [2, 3, 6, 6],
      parameters: bn("", 3),
      phaseMatters: true,
    },
    {
      layer: layers.batchNorm2d({ affine: false, momentum: null, eps: 1e-3 }),
      inputs: image,
      output: [2, 3, 6, 6],
      parameters: { "~running_mean": [3], "~running_var": [3], "~num_batches_tracked": [] },
      phaseMatters: true,
    },
  ],
  batchNorm1d: [
    {
      layer: layers.batchNorm1d(),
      inputs: [[5, 3]],
      output: [5, 3],
      parameters: bn("", 3),
      phaseMatters: true,
    },
    {
      layer: layers.batchNorm1d(),
      inputs: [[2, 3, 4]],
      output: [2, 3, 4],
      parameters: bn("", 3),
      phaseMatters: true,
    },
  ],
  layerNorm: [
    {
      layer: layers.layerNorm(),
      inputs: [[2, 3, 5]],
      output: [2, 3, 5],
      parameters: { weight: [5], bias: [5] },
    },
    {
      layer: layers.layerNorm({ over: 2, eps: 1e-3 }),
      inputs: [[2, 3, 5]],
      output: [2, 3, 5],
      parameters: { weight: [3, 5], bias: [3, 5] },
    },
    {
      layer: layers.layerNorm({ over: "channels" }),
      inputs: image,
      output: [2, 3, 6, 6],
      parameters: { weight: [3], bias: [3] },
    },
    {
      layer: layers.layerNorm({ affine: false }),
      inputs: [[2, 5]],
      output: [2, 5],
      parameters: {},
    },
  ],
  groupNorm: [
    {
      layer: layers.groupNorm({ groups: 2 }),
      inputs: [[2, 4, 3, 3]],
      output: [2, 4, 3, 3],
      parameters: { weight: [4], bias: [4] },
    },
  ],
  instanceNorm: [
    { layer: layers.instanceNorm(), inputs: image, output: [2, 3, 6, 6], parameters: {} },
    {
      layer: layers.instanceNorm({ affine: true }),
      inputs: image,
      output: [2, 3, 6, 6],
      parameters: { weight: [3], bias: [3] },
    },
  ],
  localResponseNorm: (["torch", "paper", "caffe", "tensorflow"] as const).map((form) => ({
    layer: layers.localResponseNorm({ form, size: 3, alpha: 0.5 }),
    inputs: [[1, 6, 2, 2]],
    output: [1, 6, 2, 2],
    parameters: {},
  })),
  globalResponseNorm: [
    {
      layer: layers.globalResponseNorm(),
      inputs: image,
      output: [2, 3, 6, 6],
      parameters: { weight: [3], bias: [3] },
    },
  ],
  layerScale: [
    { layer: layers.layerScale(), inputs: image, output: [2, 3, 6, 6], parameters: { gamma: [3] } },
    {
      layer: layers.layerScale({ parameter: "layer_scale", initial: 0.1 }),
      inputs: image,
      output: [2, 3, 6, 6],
      parameters: { layer_scale: [3, 1, 1] },
    },
  ],
  subtractMean: [
    {
      layer: layers.subtractMean(),
      inputs: image,
      output: [2, 3, 6, 6],
      parameters: { "~mean": [3, 6, 6] },
    },
  ],
  activation: [
    {
      layer: layers.activation({ function: "leakyRelu", negativeSlope: 0.2 }),
      inputs: image,
      output: [2, 3, 6, 6],
      parameters: {},
    },
  ],
  relu: [{ layer: layers.relu(), inputs: image, output: [2, 3, 6, 6], parameters: {} }],
  prelu: [
    { layer: layers.prelu(), inputs: image, output: [2, 3, 6, 6], parameters: { weight: [1] } },
    {
      layer: layers.prelu({ perChannel: true, initial: 0.1 }),
      inputs: image,
      output: [2, 3, 6, 6],
      parameters: { weight: [3] },
    },
  ],
  dropout: [
    {
      layer: layers.dropout({ p: 0.4 }),
      inputs: image,
      output: [2, 3, 6, 6],
      parameters: {},
      phaseMatters: true,
    },
    { layer: layers.dropout({ p: 0 }), inputs: image, output: [2, 3, 6, 6], parameters: {} },
  ],
  stochasticDepth: [
    {
      layer: layers.stochasticDepth({ p: 0.5 }),
      inputs: [[8, 2]],
      output: [8, 2],
      parameters: {},
      phaseMatters: true,
    },
  ],
  maxPool2d: [
    {
      layer: layers.maxPool2d({ kernel: 3, stride: 2, padding: 1, fit: "ceil" }),
      inputs: image,
      output: [2, 3, 4, 4],
      parameters: {},
    },
  ],
  avgPool2d: [
    {
      layer: layers.avgPool2d({ kernel: 3, stride: 1, padding: 1, countIncludePad: false }),
      inputs: image,
      output: [2, 3, 6, 6],
      parameters: {},
    },
  ],
  subsampling: [
    {
      layer: layers.subsampling({ kernel: 2 }),
      inputs: image,
      output: [2, 3, 3, 3],
      parameters: { weight: [3], bias: [3] },
    },
  ],
  adaptiveAvgPool2d: [
    {
      layer: layers.adaptiveAvgPool2d({ size: [4, 5] }),
      inputs: image,
      output: [2, 3, 4, 5],
      parameters: {},
    },
  ],
  adaptiveMaxPool2d: [
    {
      layer: layers.adaptiveMaxPool2d({ size: 4 }),
      inputs: image,
      output: [2, 3, 4, 4],
      parameters: {},
    },
  ],
  globalAvgPool2d: [
    { layer: layers.globalAvgPool2d(), inputs: image, output: [2, 3], parameters: {} },
    {
      layer: layers.globalAvgPool2d({ keepDims: true }),
      inputs: image,
      output: [2, 3, 1, 1],
      parameters: {},
    },
  ],
  globalMaxPool2d: [
    { layer: layers.globalMaxPool2d(), inputs: image, output: [2, 3], parameters: {} },
    {
      layer: layers.globalMaxPool2d({ keepDims: true }),
      inputs: image,
      output: [2, 3, 1, 1],
      parameters: {},
    },
  ],
  upsample: [
    {
      layer: layers.upsample({ factor: 2 }),
      inputs: image,
      output: [2, 3, 12, 12],
      parameters: {},
    },
    {
      layer: layers.upsample({ size: [4, 9], mode: "bicubic", antialias: true }),
      inputs: image,
      output: [2, 3, 4, 9],
      parameters: {},
    },
  ],
  reshape: [
    {
      layer: layers.reshape({ shape: [2, -1, 2] }),
      inputs: [[2, 3, 2, 2]],
      output: [2, 2, 3, 2],
      parameters: {},
    },
  ],
  transpose: [
    {
      layer: layers.transpose({ axes: [2, 3, 1] }),
      inputs: [[2, 3, 4, 5]],
      output: [2, 4, 5, 3],
      parameters: {},
    },
  ],
  zeroPad2d: [
    {
      layer: layers.zeroPad2d({ padding: [0, 1, 2, 3] }),
      inputs: [[2, 3, 2, 2]],
      output: [2, 3, 4, 6],
      parameters: {},
    },
    {
      layer: layers.zeroPad2d({ padding: [1, 2] }),
      inputs: [[2, 3, 2, 2]],
      output: [2, 3, 4, 6],
      parameters: {},
    },
    {
      layer: layers.zeroPad2d({ padding: [-1, 2, 0, -2] }),
      inputs: [[2, 3, 4, 4]],
      output: [2, 3, 3, 4],
      parameters: {},
    },
  ],
  rescale: [
    {
      layer: layers.rescale({ scale: [0.5, 2, -1], offset: 3 }),
      inputs: [[2, 3, 2, 2]],
      output: [2, 3, 2, 2],
      parameters: {},
    },
    {
      layer: layers.rescale({ offset: [1, 2, 3] }),
      inputs: [[2, 3]],
      output: [2, 3],
      parameters: {},
    },
  ],
  standardize: [
    {
      layer: layers.standardize(),
      inputs: [[2, 3, 2, 2]],
      output: [2, 3, 2, 2],
      parameters: { "~mean": [3], "~variance": [3] },
    },
  ],
  multiply: [
    {
      layer: layers.multiply(),
      inputs: [
        [2, 3, 2, 2],
        [2, 3, 1, 1],
      ],
      output: [2, 3, 2, 2],
      parameters: {},
    },
  ],
  channelShuffle: [
    {
      layer: layers.channelShuffle({ groups: 2 }),
      inputs: [[1, 6, 2, 2]],
      output: [1, 6, 2, 2],
      parameters: {},
    },
  ],
  pixelShuffle: [
    {
      layer: layers.pixelShuffle({ factor: 2 }),
      inputs: [[1, 8, 2, 3]],
      output: [1, 2, 4, 6],
      parameters: {},
    },
  ],
  squeezeExcite: [
    {
      layer: layers.squeezeExcite({ squeeze: 2, activation: tanh() }),
      inputs: image,
      output: [2, 3, 6, 6],
      parameters: {
        "fc1.weight": [2, 3, 1, 1],
        "fc1.bias": [2],
        "fc2.weight": [3, 2, 1, 1],
        "fc2.bias": [3],
      },
      macs: 2 * 12,
    },
  ],
  fusion: [
    {
      layer: layers.fusion({ mode: "sum", channels: 2 }),
      inputs: [
        [1, 3, 4, 4],
        [1, 2, 2, 2],
      ],
      output: [1, 2, 4, 4],
      parameters: { "project.0.weight": [2, 3, 1, 1], "project.0.bias": [2] },
      macs: 16 * 6,
    },
    {
      layer: layers.fusion({ mode: "concat", channels: 2, resize: "nearest" }),
      inputs: [
        [1, 3, 4, 4],
        [1, 2, 2, 2],
      ],
      output: [1, 2, 4, 4],
      parameters: { "mix.weight": [2, 5, 1, 1], "mix.bias": [2] },
      macs: 16 * 10,
    },
    {
      layer: layers.fusion({ mode: "gated", channels: 2 }),
      inputs: [
        [1, 2, 3, 3],
        [1, 2, 3, 3],
        [1, 2, 3, 3],
      ],
      output: [1, 2, 3, 3],
      parameters: {
        "gate.0.weight": [2, 6, 1, 1],
        "gate.0.bias": [2],
        "gate.1.weight": [2, 6, 1, 1],
        "gate.1.bias": [2],
      },
      macs: 9 * 24,
    },
  ],
  convNormActivation: [
    {
      layer: layers.convNormActivation({ channels: 4, kernel: 3, stride: 2, activation: tanh() }),
      inputs: image,
      output: [2, 4, 3, 3],
      parameters: { "0.weight": [4, 3, 3, 3], ...bn("1.", 4) },
      phaseMatters: true,
      macs: 2 * 4 * 9 * 27,
    },
  ],
  fire: [
    {
      layer: layers.fire({ squeeze: 2, expand1x1: 1, expand3x3: 2, bypass: true }),
      inputs: image,
      output: [2, 3, 6, 6],
      parameters: {
        "squeeze.weight": [2, 3, 1, 1],
        "squeeze.bias": [2],
        "expand1x1.weight": [1, 2, 1, 1],
        "expand1x1.bias": [1],
        "expand3x3.weight": [2, 2, 3, 3],
        "expand3x3.bias": [2],
      },
      macs: 72 * (6 + 2 + 36),
    },
  ],
  inceptionConvolution: [
    {
      layer: layers.inceptionConvolution({ channels: 2, kernel: 3, batchNorm: true }),
      inputs: image,
      output: [2, 2, 6, 6],
      parameters: { "conv.weight": [2, 3, 3, 3], ...bn("bn.", 2) },
      phaseMatters: true,
      macs: 72 * 54,
    },
  ],
  inception: [
    {
      layer: layers.inception({
        channels1x1: 1,
        reduce3x3: 2,
        channels3x3: 3,
        reduce5x5: 1,
        channels5x5: 2,
        poolProjection: 1,
      }),
      inputs: image,
      output: [2, 7, 6, 6],
      parameters: {
        "branch1.conv.weight": [1, 3, 1, 1],
        "branch1.conv.bias": [1],
        "branch2.0.conv.weight": [2, 3, 1, 1],
        "branch2.0.conv.bias": [2],
        "branch2.1.conv.weight": [3, 2, 3, 3],
        "branch2.1.conv.bias": [3],
        "branch3.0.conv.weight": [1, 3, 1, 1],
        "branch3.0.conv.bias": [1],
        "branch3.1.conv.weight": [2, 1, 5, 5],
        "branch3.1.conv.bias": [2],
        "branch4.1.conv.weight": [1, 3, 1, 1],
        "branch4.1.conv.bias": [1],
      },
      macs: 72 * (3 + 6 + 54 + 3 + 50 + 3),
    },
  ],
  naiveInception: [
    {
      layer: layers.naiveInception({ channels1x1: 1, channels3x3: 2, channels5x5: 1 }),
      inputs: image,
      output: [2, 7, 6, 6],
      parameters: {
        "branch1.conv.weight": [1, 3, 1, 1],
        "branch1.conv.bias": [1],
        "branch2.conv.weight": [2, 3, 3, 3],
        "branch2.conv.bias": [2],
        "branch3.conv.weight": [1, 3, 5, 5],
        "branch3.conv.bias": [1],
      },
      macs: 72 * (3 + 54 + 75),
    },
  ],
  basicBlock: [
    {
      layer: layers.basicBlock({ channels: 4, stride: 2 }),
      inputs: image,
      output: [2, 4, 3, 3],
      parameters: {
        "conv1.weight": [4, 3, 3, 3],
        ...bn("bn1.", 4),
        "conv2.weight": [4, 4, 3, 3],
        ...bn("bn2.", 4),
        "downsample.0.weight": [4, 3, 1, 1],
        ...bn("downsample.1.", 4),
      },
      phaseMatters: true,
      macs: 18 * (108 + 144 + 12),
    },
    {
      layer: layers.basicBlock({ channels: 5, stride: 2, shortcut: "A" }),
      inputs: image,
      output: [2, 5, 3, 3],
      parameters: {
        "conv1.weight": [5, 3, 3, 3],
        ...bn("bn1.", 5),
        "conv2.weight": [5, 5, 3, 3],
        ...bn("bn2.", 5),
      },
      phaseMatters: true,
      macs: 18 * (135 + 225),
    },
  ],
  bottleneck: [
    {
      layer: layers.bottleneck({ channels: 2, strideOn: "1x1", stride: 2 }),
      inputs: image,
      output: [2, 8, 3, 3],
      parameters: {
        "conv1.weight": [2, 3, 1, 1],
        ...bn("bn1.", 2),
        "conv2.weight": [2, 2, 3, 3],
        ...bn("bn2.", 2),
        "conv3.weight": [8, 2, 1, 1],
        ...bn("bn3.", 8),
        "downsample.0.weight": [8, 3, 1, 1],
        ...bn("downsample.1.", 8),
      },
      phaseMatters: true,
      macs: 18 * (6 + 36 + 16 + 24),
    },
  ],
  preactivationBlock: [
    {
      layer: layers.preactivationBlock({ form: "basic", channels: 4 }),
      inputs: image,
      output: [2, 4, 6, 6],
      parameters: {
        "downsample.conv.weight": [4, 3, 1, 1],
        ...bn("norm1.", 3),
        "conv1.weight": [4, 3, 3, 3],
        ...bn("norm2.", 4),
        "conv2.weight": [4, 4, 3, 3],
      },
      phaseMatters: true,
      macs: 72 * (12 + 108 + 144),
    },
  ],
  identityShortcut: [
    {
      layer: layers.identityShortcut({ channels: 7, stride: 2 }),
      inputs: image,
      output: [2, 7, 3, 3],
      parameters: {},
    },
  ],
  depthwiseSeparable: [
    {
      layer: layers.depthwiseSeparable({ channels: 4, stride: 2, activation: tanh() }),
      inputs: image,
      output: [2, 4, 3, 3],
      parameters: {
        "conv_dw.weight": [3, 1, 3, 3],
        ...bn("bn1.", 3),
        "conv_pw.weight": [4, 3, 1, 1],
        ...bn("bn2.", 4),
      },
      phaseMatters: true,
      macs: 18 * (27 + 12),
    },
  ],
  invertedResidual: [
    {
      layer: layers.invertedResidual({ channels: 3, expansion: 2 }),
      inputs: image,
      output: [2, 3, 6, 6],
      parameters: {
        "conv.0.0.weight": [6, 3, 1, 1],
        ...bn("conv.0.1.", 6),
        "conv.1.0.weight": [6, 1, 3, 3],
        ...bn("conv.1.1.", 6),
        "conv.2.weight": [3, 6, 1, 1],
        ...bn("conv.3.", 3),
      },
      phaseMatters: true,
      macs: 72 * (18 + 54 + 18),
    },
  ],
  mobileBlock: [
    {
      layer: layers.mobileBlock({
        channels: 4,
        expanded: 6,
        kernel: 5,
        stride: 2,
        squeeze: 2,
        activation: "hardSwish",
      }),
      inputs: image,
      output: [2, 4, 3, 3],
      parameters: {
        "block.0.0.weight": [6, 3, 1, 1],
        ...bn("block.0.1.", 6),
        "block.1.0.weight": [6, 1, 5, 5],
        ...bn("block.1.1.", 6),
        "block.2.fc1.weight": [2, 6, 1, 1],
        "block.2.fc1.bias": [2],
        "block.2.fc2.weight": [6, 2, 1, 1],
        "block.2.fc2.bias": [6],
        "block.3.0.weight": [4, 6, 1, 1],
        ...bn("block.3.1.", 4),
      },
      phaseMatters: true,
      macs: 72 * 18 + 18 * (150 + 24) + 2 * 24,
    },
  ],
  convNextBlock: [
    {
      layer: layers.convNextBlock({ form: "torchvision", layerScale: 0.5, dropPath: 0.4 }),
      inputs: [[4, 2, 4, 4]],
      output: [4, 2, 4, 4],
      parameters: {
        layer_scale: [2, 1, 1],
        "block.0.weight": [2, 1, 7, 7],
        "block.0.bias": [2],
        "block.2.weight": [2],
        "block.2.bias": [2],
        "block.3.weight": [8, 2],
        "block.3.bias": [8],
        "block.5.weight": [2, 8],
        "block.5.bias": [2],
      },
      phaseMatters: true,
      macs: 64 * (98 + 32),
    },
    {
      layer: layers.convNextBlock({
        responseNorm: true,
        layerScale: null,
        pointwise: "convolution",
      }),
      inputs: [[1, 2, 4, 4]],
      output: [1, 2, 4, 4],
      parameters: {
        "conv_dw.weight": [2, 1, 7, 7],
        "conv_dw.bias": [2],
        "norm.weight": [2],
        "norm.bias": [2],
        "mlp.fc1.weight": [8, 2, 1, 1],
        "mlp.fc1.bias": [8],
        "mlp.grn.weight": [8],
        "mlp.grn.bias": [8],
        "mlp.fc2.weight": [2, 8, 1, 1],
        "mlp.fc2.bias": [2],
      },
      macs: 16 * (98 + 32),
    },
  ],
};
