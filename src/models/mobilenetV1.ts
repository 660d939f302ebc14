/**
 * MobileNet: depthwise separable convolutions, and two knobs for size.
 *
 * Howard et al. 2017, arXiv:1704.04861. The variant is the width multiplier; the resolution multiplier is the input's
 * size (`input`: 224, 192, 160 or 128). 4,231,976 parameters at width 1.0.
 *
 * The authors' TensorFlow form, whose weights people load: `same` padding in TensorFlow's meaning (the odd pixel at the
 * bottom right), ReLU6, batch normalisation with ε 1e-3. Names as timm's `mobilenetv1_100`.
 *
 * Published top-1 on ImageNet at 224: 70.6, 68.4, 63.7, 50.6 % for 1.0, 0.75, 0.5, 0.25 (table 6); 70.6, 69.1, 67.2, 64.4 %
 * at 224, 192, 160, 128 for 1.0 (table 7).
 */
import { kaimingNormal } from "../initializers/scaled.ts";
import { activation } from "../layers/activation.ts";
import { batchNorm2d } from "../layers/batchNorm.ts";
import { conv2d } from "../layers/conv2d.ts";
import { dropout } from "../layers/dropout.ts";
import type { Layer } from "../layers/layer.ts";
import { linear } from "../layers/linear.ts";
import { globalAvgPool2d } from "../layers/pooling.ts";
import { depthwiseSeparable } from "../layers/separableConv2d.ts";
import { sequential } from "../layers/structure.ts";
import type { NetFamily, NetTarget, NetVariant } from "./net.ts";
import { kerasPreprocessing, type PublishedWeights } from "./publishedWeights.ts";

/** A row of the table. */
export interface MobileNetV1Variant extends NetVariant {
  /** Width multiplier α: every number of channels is this part of the full net's. */
  readonly width: number;
  /** Channels and strides of the units. Default: table 1 of the paper. */
  readonly units?: readonly (readonly [channels: number, stride: number])[];
}

const table: readonly (readonly [number, number])[] = [
  [64, 1],
  [128, 2],
  [128, 1],
  [256, 2],
  [256, 1],
  [512, 2],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [1024, 2],
  [1024, 1],
];

export const mobilenetV1: NetFamily<MobileNetV1Variant> = {
  paper: "Howard et al. 2017, MobileNets",
  year: 2017,
  input: [3, 224, 224],
  classes: 1000,
  minimum: 1,
  nets: {
    mobilenet_v1: {
      "1.0": { width: 1 },
      "0.75": { width: 0.75 },
      "0.5": { width: 0.5 },
      "0.25": { width: 0.25 },
    },
  },
  tests: {
    test: {
      width: 0.25,
      units: [
        [32, 1],
        [48, 2],
      ],
      input: [3, 16, 16],
      classes: 3,
    },
  },
  weights: () => Object.keys(published).map(kerasWeights),
  build,
};

/** Top-1 and top-5 of the authors' TensorFlow weights at 224 (tensorflow/models, mobilenet_v1.md). */
const published: Readonly<Record<string, readonly [number, number]>> = {
  "1.0": [70.9, 89.9],
  "0.75": [68.4, 88.2],
  "0.5": [63.3, 84.9],
  "0.25": [49.8, 74.2],
};

function kerasWeights(variant: string): PublishedWeights {
  const [top1, top5] = published[variant]!;
  return {
    net: "mobilenet_v1",
    variant,
    origin: "keras",
    preprocessing: kerasPreprocessing,
    accuracy: `top-1 ${top1} %, top-5 ${top5} % on ImageNet (the authors)`,
    rename: kerasLayer,
  };
}

/** Keras' names: `conv1`, `conv1_bn`, `conv_dw_1`, `conv_pw_1_bn`, `conv_preds`. */
function kerasLayer(layer: string): string | undefined {
  if (layer === "conv1") return "conv_stem";
  if (layer === "conv1_bn") return "bn1";
  if (layer === "conv_preds") return "classifier";
  const [, kind, number, norm] = /^conv_(dw|pw)_(\d+)(_bn)?$/.exec(layer) ?? [];
  const place = placeOf(Number(number) - 1);
  if (place === undefined) return undefined;
  const name = norm === undefined ? `conv_${kind}` : kind === "dw" ? "bn1" : "bn2";
  return `blocks.${place}.${name}`;
}

/** Stage and place in it of a unit: a stride of 2 begins a new stage. */
function placeOf(unit: number): string | undefined {
  if (!(unit >= 0 && unit < table.length)) return undefined;
  const starts = table.flatMap(([, stride], i) => (stride > 1 && i <= unit ? [i] : []));
  return `${starts.length}.${unit - (starts.at(-1) ?? 0)}`;
}

function build({ width, units = table }: MobileNetV1Variant, { classes }: NetTarget): Layer {
  const wide = (channels: number) => Math.floor(channels * width);
  const relu6 = activation({ function: "relu6" });
  const norm = { normEps: 1e-3, normMomentum: 0.01 };
  const stages: Layer[][] = [[]];
  for (const [channels, stride] of units) {
    if (stride > 1) stages.push([]);
    const unit = {
      channels: wide(channels),
      stride,
      padding: "sameUpper",
      activation: relu6,
    } as const;
    stages.at(-1)!.push(depthwiseSeparable({ ...unit, ...norm }));
  }
  return sequential({
    conv_stem: conv2d({
      channels: wide(32),
      kernel: 3,
      stride: 2,
      padding: "sameUpper",
      bias: false,
      weightInitializer: kaimingNormal({ fan: "out" }),
    }),
    bn1: batchNorm2d({ eps: norm.normEps, momentum: norm.normMomentum }),
    "bn1.act": relu6,
    blocks: sequential(stages.map((stage) => sequential(stage))),
    global_pool: globalAvgPool2d(),
    dropout: dropout({ p: 0.001 }),
    classifier: linear({ features: classes }),
  });
}
