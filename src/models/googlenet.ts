/**
 * GoogLeNet: 22 layers of Inception modules, which look at each place through windows of several sizes at once.
 *
 * Szegedy et al. 2015, "Going deeper with convolutions" (CVPR).
 * - `torchvision`: batch normalisation instead of local response normalisation, and by an old mistake 3x3 in place of 5x5
 *   convolutions; 6,624,904 parameters without its heads, 13,004,888 with; published top-1 69.8 %. Its weights expect
 *   inputs scaled to ±1 (`transform_input`).
 * - `paper`: table 1 with 5x5 convolutions, biases and local response normalisation; 6,998,552 parameters, 13,378,280
 *   with both heads; top-5 error 10.07 % (one net, one crop).
 *
 * Both have two auxiliary classifiers, which add 0.3 of their loss while training and are no part of the result.
 */
import { lookUp } from "../core/errors.ts";
import { constant, truncatedNormal } from "../initializers/basic.ts";
import { relu } from "../layers/activation.ts";
import { dropout } from "../layers/dropout.ts";
import { type FunctionalStep, functional } from "../layers/functional.ts";
import { type InceptionOptions, inception, inceptionConvolution } from "../layers/inception.ts";
import type { Layer } from "../layers/layer.ts";
import { linear } from "../layers/linear.ts";
import { localResponseNorm } from "../layers/localResponseNorm.ts";
import { adaptiveAvgPool2d, avgPool2d, maxPool2d } from "../layers/pooling.ts";
import { asFunction, flatten, sequential } from "../layers/structure.ts";
import type { NetFamily, NetTarget, NetVariant } from "./net.ts";

/** Channels of a module, in the order of table 1: 1x1, reduction and 3x3, reduction and 5x5, projection of the pool. */
type Module = readonly [number, number, number, number, number, number];

/** A row of the table. */
export interface GoogLeNetVariant extends NetVariant {
  readonly form: "torchvision" | "paper";
  /** Channels of the three convolutions in front. Default 64, 64, 192. */
  readonly stem?: readonly [number, number, number];
  /** By name: `3a`, `3b`, …. Default: table 1. */
  readonly modules?: Readonly<Record<string, Module>>;
  /** Channels and units of the auxiliary classifiers. Default 128 and 1024. */
  readonly head?: readonly [number, number];
}

const table: Readonly<Record<string, Module>> = {
  "3a": [64, 96, 128, 16, 32, 32],
  "3b": [128, 128, 192, 32, 96, 64],
  "4a": [192, 96, 208, 16, 48, 64],
  "4b": [160, 112, 224, 24, 64, 64],
  "4c": [128, 128, 256, 24, 64, 64],
  "4d": [112, 144, 288, 32, 64, 64],
  "4e": [256, 160, 320, 32, 128, 128],
  "5a": [256, 160, 320, 32, 128, 128],
  "5b": [384, 192, 384, 48, 128, 128],
};

export const googlenet: NetFamily<GoogLeNetVariant> = {
  paper: "Szegedy et al. 2015, Going Deeper with Convolutions",
  year: 2014,
  input: [3, 224, 224],
  classes: 1000,
  minimum: 79,
  nets: {
    googlenet: { torchvision: { form: "torchvision", minimum: 15 }, paper: { form: "paper" } },
  },
  tests: {
    test: {
      form: "torchvision",
      stem: [4, 4, 6],
      modules: { "3a": [2, 2, 3, 2, 2, 2], "4a": [2, 2, 3, 2, 2, 2], "4d": [3, 2, 2, 2, 2, 2] },
      head: [3, 6],
      input: [3, 32, 32],
      classes: 3,
      minimum: 15,
    },
    testPaper: {
      form: "paper",
      stem: [4, 4, 6],
      modules: { "3a": [2, 2, 3, 2, 2, 2], "4a": [2, 2, 3, 2, 2, 2], "4d": [3, 2, 2, 2, 2, 2] },
      head: [3, 6],
      input: [3, 79, 79],
      classes: 3,
    },
  },
  build,
};

/** What `torchvision` and `paper` differ in. */
interface Form {
  readonly batchNorm: boolean;
  readonly kernel5x5: 3 | 5;
  /** Of the fourth pooling. */
  readonly lastPool: number;
  /** Behind the poolings and convolutions of the stem, as in the paper's table. */
  readonly localNorm: boolean;
  /** In front of an auxiliary classifier. */
  readonly headPool: () => Layer;
  readonly dropout: number;
}

const forms: Readonly<Record<GoogLeNetVariant["form"], Form>> = {
  torchvision: {
    batchNorm: true,
    kernel5x5: 3,
    lastPool: 2,
    localNorm: false,
    headPool: () => adaptiveAvgPool2d({ size: 4 }),
    dropout: 0.2,
  },
  paper: {
    batchNorm: false,
    kernel5x5: 5,
    lastPool: 3,
    localNorm: true,
    headPool: () => avgPool2d({ kernel: 5, stride: 3, fit: "floor" }),
    dropout: 0.4,
  },
};

function build(variant: GoogLeNetVariant, { classes }: NetTarget): Layer {
  const { stem = [64, 64, 192], modules = table, head = [128, 1024] } = variant;
  const form = lookUp(forms, variant.form, "form of GoogLeNet");
  const { batchNorm, kernel5x5, lastPool, localNorm } = form;
  const dense = (features: number) =>
    linear({
      features,
      weightInitializer: truncatedNormal({ deviation: 0.01, low: -2, high: 2 }),
      biasInitializer: constant(0),
    });
  const convolution = (channels: number, kernel: number, stride = 1) =>
    inceptionConvolution({ channels, kernel, stride, batchNorm });
  const pool = (kernel = 3) => maxPool2d({ kernel, stride: 2, fit: "ceil" });
  const classifier = auxiliaryClassifier(form.headPool(), convolution(head[0], 1), [
    dense(head[1]),
    dense(classes),
  ]);
  const moduleOf = ([c1, r3, c3, r5, c5, projection]: Module) => {
    const options: InceptionOptions = {
      channels1x1: c1,
      reduce3x3: r3,
      channels3x3: c3,
      reduce5x5: r5,
      channels5x5: c5,
      poolProjection: projection,
      kernel5x5,
      batchNorm,
    };
    return inception(options);
  };
  const steps: Record<string, FunctionalStep> = { conv1: { layer: convolution(stem[0], 7, 2) } };
  const norm = { layer: localResponseNorm({ form: "caffe", alpha: 1e-4 }) };
  steps.maxpool1 = { layer: pool() };
  if (localNorm) steps.norm1 = norm;
  steps.conv2 = { layer: convolution(stem[1], 1) };
  steps.conv3 = { layer: convolution(stem[2], 3) };
  if (localNorm) steps.norm2 = norm;
  steps.maxpool2 = { layer: pool() };
  let stage = "3";
  for (const [name, row] of Object.entries(modules)) {
    if (!name.startsWith(stage)) {
      steps[`maxpool${stage}`] = { layer: pool(stage === "4" ? lastPool : 3) };
      stage = name[0]!;
    }
    steps[`inception${name}`] = { layer: moduleOf(row) };
  }
  steps.aux1 = { layer: classifier, from: "inception4a", auxiliary: 0.3 };
  steps.aux2 = { layer: classifier, from: "inception4d", auxiliary: 0.3 };
  steps.avgpool = { layer: adaptiveAvgPool2d({ size: 1 }) };
  steps.flatten = { layer: asFunction(flatten()) };
  steps.dropout = { layer: dropout({ p: form.dropout }) };
  steps.fc = { layer: dense(classes) };
  return functional({ steps });
}

/** Pooling, 1x1 convolution, a hidden layer and a classifier, on the way; section 5 of the paper. */
function auxiliaryClassifier(pool: Layer, conv: Layer, [fc1, fc2]: readonly [Layer, Layer]): Layer {
  return sequential({
    pool: asFunction(pool),
    conv,
    flatten: asFunction(flatten()),
    fc1,
    relu: asFunction(relu()),
    dropout: dropout({ p: 0.7 }),
    fc2,
  });
}
