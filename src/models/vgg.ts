/**
 * VGG: nothing but 3x3 convolutions, deeper and deeper.
 *
 * Simonyan & Zisserman 2015, arXiv:1409.1556, configurations A, B, D and E; `_bn` has batch normalisation behind each
 * convolution, which the paper did not know. Names and initialisation as torchvision. VGG-16 has 138,357,544 parameters.
 *
 * Published top-1 on ImageNet, one crop (torchvision's weights): 69.0, 69.9, 71.6, 72.4 % for 11, 13, 16, 19, and
 * 70.4, 71.6, 73.4, 74.2 % with batch normalisation.
 */
import { constant, normal } from "../initializers/basic.ts";
import { kaimingNormal } from "../initializers/scaled.ts";
import { relu } from "../layers/activation.ts";
import { batchNorm2d } from "../layers/batchNorm.ts";
import { conv2d } from "../layers/conv2d.ts";
import { dropout } from "../layers/dropout.ts";
import type { Layer } from "../layers/layer.ts";
import { linear } from "../layers/linear.ts";
import { adaptiveAvgPool2d, maxPool2d } from "../layers/pooling.ts";
import { asFunction, flatten, sequential } from "../layers/structure.ts";
import type { NetFamily, NetTarget, NetVariant } from "./net.ts";
import { kerasWeights, torchvisionWeights } from "./publishedWeights.ts";

/** A row of the table. */
export interface VggVariant extends NetVariant {
  /** Convolutions of each stage. */
  readonly depths: readonly number[];
  /** Channels of each stage. Default 64, 128, 256, 512, 512. */
  readonly widths?: readonly number[];
  readonly batchNorm?: boolean;
  /** Height and width that the last pooling brings the maps to. Default 7. */
  readonly pooled?: number;
  /** Units of each hidden layer of the classifier. Default 4096. */
  readonly hidden?: number;
}

export const vgg: NetFamily<VggVariant> = {
  paper:
    "Simonyan & Zisserman 2015, Very Deep Convolutional Networks for Large-Scale Image Recognition",
  year: 2014,
  input: [3, 224, 224],
  classes: 1000,
  minimum: 32,
  nets: {
    vgg11: { torchvision: { depths: [1, 1, 2, 2, 2] } },
    vgg13: { torchvision: { depths: [2, 2, 2, 2, 2] } },
    vgg16: { torchvision: { depths: [2, 2, 3, 3, 3] } },
    vgg19: { torchvision: { depths: [2, 2, 4, 4, 4] } },
    vgg11_bn: { torchvision: { depths: [1, 1, 2, 2, 2], batchNorm: true } },
    vgg13_bn: { torchvision: { depths: [2, 2, 2, 2, 2], batchNorm: true } },
    vgg16_bn: { torchvision: { depths: [2, 2, 3, 3, 3], batchNorm: true } },
    vgg19_bn: { torchvision: { depths: [2, 2, 4, 4, 4], batchNorm: true } },
  },
  tests: {
    test: {
      depths: [1, 2],
      widths: [4, 6],
      pooled: 2,
      hidden: 8,
      input: [3, 8, 8],
      classes: 3,
      minimum: 4,
    },
    testBatchNorm: {
      depths: [1, 2],
      widths: [4, 6],
      pooled: 2,
      hidden: 8,
      batchNorm: true,
      input: [3, 8, 8],
      classes: 3,
      minimum: 4,
    },
  },
  weights: () => [
    ...Object.entries(torchvisionTop1).map(([net, top1]) => torchvisionWeights(net, top1)),
    kerasWeights("vgg16", "torchvision", "top-1 71.3 %, top-5 90.1 %", kerasLayer([2, 2, 3, 3, 3])),
    kerasWeights("vgg19", "torchvision", "top-1 71.3 %, top-5 90.0 %", kerasLayer([2, 2, 4, 4, 4])),
  ],
  build,
};

const torchvisionTop1: Readonly<Record<string, number>> = {
  vgg11: 69.0,
  vgg13: 69.9,
  vgg16: 71.6,
  vgg19: 72.4,
  vgg11_bn: 70.4,
  vgg13_bn: 71.6,
  vgg16_bn: 73.4,
  vgg19_bn: 74.2,
};

/** Keras's names for a net of these depths. The weights are the authors', from Caffe. */
function kerasLayer(depths: readonly number[]): (layer: string) => string | undefined {
  return (layer) => dense[layer] ?? features(layer, depths);
}

const dense: Readonly<Record<string, string | undefined>> = {
  fc1: "classifier.0",
  fc2: "classifier.3",
  predictions: "classifier.6",
};

/** `block2_conv1` → `features.5`: a relu stands behind each convolution, a pooling behind each block. */
function features(layer: string, depths: readonly number[]): string | undefined {
  const [, block, position] = /^block(\d)_conv(\d)$/.exec(layer) ?? [];
  if (block === undefined) return undefined;
  const before = depths.slice(0, Number(block) - 1).reduce((sum, depth) => sum + 2 * depth + 1, 0);
  return `features.${before + 2 * (Number(position) - 1)}`;
}

function build(variant: VggVariant, { classes }: NetTarget): Layer {
  const { depths, widths = [64, 128, 256, 512, 512], batchNorm = false } = variant;
  const { pooled = 7, hidden = 4096 } = variant;
  const features: Layer[] = [];
  depths.forEach((depth, stage) => {
    for (let i = 0; i < depth; i++) {
      features.push(
        conv2d({
          channels: widths[stage]!,
          kernel: 3,
          padding: 1,
          weightInitializer: kaimingNormal({ fan: "out" }),
          biasInitializer: constant(0),
        }),
      );
      if (batchNorm) features.push(batchNorm2d());
      features.push(relu());
    }
    features.push(maxPool2d({ kernel: 2, fit: "floor" }));
  });
  const dense = (units: number) =>
    linear({
      features: units,
      weightInitializer: normal({ deviation: 0.01 }),
      biasInitializer: constant(0),
    });
  return sequential({
    features: sequential(features),
    avgpool: adaptiveAvgPool2d({ size: pooled }),
    flatten: asFunction(flatten()),
    classifier: sequential([
      dense(hidden),
      relu(),
      dropout(),
      dense(hidden),
      relu(),
      dropout(),
      dense(classes),
    ]),
  });
}
