/**
 * SqueezeNet: AlexNet's accuracy with a fiftieth of its parameters.
 *
 * Iandola, Han, Moskewicz, Ashraf, Dally & Keutzer 2016, arXiv:1602.07360. `1.0` is the paper's net (1,248,424
 * parameters), `1.1` the authors' later one with a 3x3 first layer and earlier pooling (1,235,496; 2.4 times fewer
 * multiply-adds), both as torchvision, `1.0-bypass` adds the paper's simple bypass round fire3, 5, 7 and 9.
 *
 * Published top-1/top-5 on ImageNet: 57.5/80.3 % (1.0), 60.4/82.5 % (bypass); torchvision's weights 58.1/80.4 (1.0),
 * 58.2/80.6 % (1.1).
 */
import { constant, normal } from "../initializers/basic.ts";
import { kaimingUniform } from "../initializers/scaled.ts";
import { relu } from "../layers/activation.ts";
import { conv2d } from "../layers/conv2d.ts";
import { dropout } from "../layers/dropout.ts";
import { fire } from "../layers/fire.ts";
import type { Layer } from "../layers/layer.ts";
import { adaptiveAvgPool2d, maxPool2d } from "../layers/pooling.ts";
import { asFunction, flatten, sequential } from "../layers/structure.ts";
import type { NetFamily, NetTarget, NetVariant } from "./net.ts";
import { caffePreprocessing, imagenetPreprocessing } from "./publishedWeights.ts";

/** A row of the table: the first convolution, then fire modules with poolings between. */
export interface SqueezeNetVariant extends NetVariant {
  readonly first: { readonly channels: number; readonly kernel: number };
  /** `pool`, or a fire module: squeeze, then expand of either kind. */
  readonly body: readonly ("pool" | readonly [number, number])[];
  /** Round every fire module that keeps the number of channels. */
  readonly bypass?: boolean;
}

const body11: SqueezeNetVariant["body"] = [
  "pool",
  [16, 64],
  [16, 64],
  "pool",
  [32, 128],
  [32, 128],
  "pool",
  [48, 192],
  [48, 192],
  [64, 256],
  [64, 256],
];

const body10: SqueezeNetVariant["body"] = [
  "pool",
  [16, 64],
  [16, 64],
  [32, 128],
  "pool",
  [32, 128],
  [48, 192],
  [48, 192],
  [64, 256],
  "pool",
  [64, 256],
];

export const squeezenet: NetFamily<SqueezeNetVariant> = {
  paper: "Iandola et al. 2016, SqueezeNet",
  year: 2016,
  input: [3, 224, 224],
  classes: 1000,
  minimum: 17,
  nets: {
    squeezenet: {
      "1.1": {
        first: { channels: 64, kernel: 3 },
        body: body11,
      },
      "1.0": {
        first: { channels: 96, kernel: 7 },
        minimum: 21,
        body: body10,
      },
      "1.0-bypass": {
        first: { channels: 96, kernel: 7 },
        minimum: 21,
        bypass: true,
        body: body10,
      },
    },
  },
  tests: {
    test: {
      first: { channels: 6, kernel: 3 },
      body: ["pool", [2, 4], [2, 4]],
      bypass: true,
      input: [3, 17, 17],
      classes: 3,
      minimum: 5,
    },
  },
  weights: () => [
    {
      net: "squeezenet",
      variant: "1.1",
      origin: "torchvision",
      preprocessing: imagenetPreprocessing,
      accuracy: "top-1 58.2 %, top-5 80.6 % on ImageNet (torchvision)",
    },
    {
      net: "squeezenet",
      variant: "1.0",
      origin: "torchvision",
      preprocessing: imagenetPreprocessing,
      accuracy: "top-1 58.1 %, top-5 80.4 % on ImageNet (torchvision)",
    },
    {
      net: "squeezenet",
      variant: "1.1",
      origin: "caffe",
      preprocessing: caffePreprocessing,
      accuracy: "top-5 at least 80.3 % on ImageNet (the authors)",
      rename: (layer) => caffeLayer(layer, body11),
    },
    {
      net: "squeezenet",
      variant: "1.0",
      origin: "caffe",
      preprocessing: caffePreprocessing,
      accuracy: "top-1 57.5 %, top-5 80.3 % on ImageNet (the authors)",
      rename: (layer) => caffeLayer(layer, body10),
    },
  ],
  build,
};

/** The authors' names, also in Keras ports: `conv1`, `fire2/squeeze1x1`, `conv10`. */
function caffeLayer(layer: string, body: SqueezeNetVariant["body"]): string | undefined {
  if (layer === "conv1") return "features.0";
  if (layer === "conv10") return "classifier.1";
  const [, number, part] = /^fire(\d+)\/(squeeze|expand)(?:1x1|3x3)$/.exec(layer) ?? [];
  const modules = body.flatMap((entry, i) => (entry === "pool" ? [] : [i + 2]));
  const place = modules[Number(number) - 2];
  if (place === undefined) return undefined;
  const name = part === "squeeze" ? "squeeze" : layer.slice(layer.lastIndexOf("/") + 1);
  return `features.${place}.${name}`;
}

function build({ first, body, bypass = false }: SqueezeNetVariant, { classes }: NetTarget): Layer {
  const init = { weightInitializer: kaimingUniform(), biasInitializer: constant(0) };
  const features: Layer[] = [conv2d({ ...first, stride: 2, fit: "floor", ...init }), relu()];
  let channels = first.channels;
  for (const part of body) {
    if (part === "pool") {
      features.push(maxPool2d({ kernel: 3, stride: 2, fit: "ceil" }));
      continue;
    }
    const [squeeze, expand] = part;
    const around = bypass && channels === 2 * expand;
    features.push(fire({ squeeze, expand1x1: expand, expand3x3: expand, bypass: around }));
    channels = 2 * expand;
  }
  return sequential({
    features: sequential(features),
    classifier: sequential([
      dropout(),
      conv2d({
        channels: classes,
        kernel: 1,
        weightInitializer: normal({ deviation: 0.01 }),
        biasInitializer: constant(0),
      }),
      relu(),
      adaptiveAvgPool2d({ size: 1 }),
    ]),
    flatten: asFunction(flatten()),
  });
}
