/**
 * MobileNetV3: found by search, with squeeze-and-excitation and hard swish.
 *
 * Howard et al. 2019, "Searching for MobileNetV3" (ICCV), tables 1 and 2. As torchvision: 2,542,856 (small) and 5,483,032
 * (large) parameters; published top-1 on ImageNet 67.4 and 75.2 % (paper), 67.7 and 74.0 % (torchvision's weights).
 */
import { constant, normal } from "../initializers/basic.ts";
import { activation } from "../layers/activation.ts";
import { convNormActivation } from "../layers/convNormActivation.ts";
import { dropout } from "../layers/dropout.ts";
import { mobileBlock } from "../layers/invertedResidual.ts";
import type { Layer } from "../layers/layer.ts";
import { linear } from "../layers/linear.ts";
import { adaptiveAvgPool2d } from "../layers/pooling.ts";
import { asFunction, flatten, sequential } from "../layers/structure.ts";
import type { NetFamily, NetTarget, NetVariant } from "./net.ts";

/** Kernel, expanded channels, channels, squeeze-and-excitation, activation, stride: a line of the paper's tables. */
type Block = readonly [
  kernel: number,
  expanded: number,
  channels: number,
  excite: boolean,
  activation: "relu" | "hardSwish",
  stride: number,
];

/** A row of the table. */
export interface MobileNetV3Variant extends NetVariant {
  readonly first: number;
  readonly blocks: readonly Block[];
  /** Units of the hidden layer. */
  readonly hidden: number;
}

export const mobilenetV3: NetFamily<MobileNetV3Variant> = {
  paper: "Howard et al. 2019, Searching for MobileNetV3",
  year: 2019,
  input: [3, 224, 224],
  classes: 1000,
  minimum: 1,
  nets: {
    mobilenet_v3_small: {
      torchvision: {
        first: 16,
        blocks: [
          [3, 16, 16, true, "relu", 2],
          [3, 72, 24, false, "relu", 2],
          [3, 88, 24, false, "relu", 1],
          [5, 96, 40, true, "hardSwish", 2],
          [5, 240, 40, true, "hardSwish", 1],
          [5, 240, 40, true, "hardSwish", 1],
          [5, 120, 48, true, "hardSwish", 1],
          [5, 144, 48, true, "hardSwish", 1],
          [5, 288, 96, true, "hardSwish", 2],
          [5, 576, 96, true, "hardSwish", 1],
          [5, 576, 96, true, "hardSwish", 1],
        ],
        hidden: 1024,
      },
    },
    mobilenet_v3_large: {
      torchvision: {
        first: 16,
        blocks: [
          [3, 16, 16, false, "relu", 1],
          [3, 64, 24, false, "relu", 2],
          [3, 72, 24, false, "relu", 1],
          [5, 72, 40, true, "relu", 2],
          [5, 120, 40, true, "relu", 1],
          [5, 120, 40, true, "relu", 1],
          [3, 240, 80, false, "hardSwish", 2],
          [3, 200, 80, false, "hardSwish", 1],
          [3, 184, 80, false, "hardSwish", 1],
          [3, 184, 80, false, "hardSwish", 1],
          [3, 480, 112, true, "hardSwish", 1],
          [3, 672, 112, true, "hardSwish", 1],
          [5, 672, 160, true, "hardSwish", 2],
          [5, 960, 160, true, "hardSwish", 1],
          [5, 960, 160, true, "hardSwish", 1],
        ],
        hidden: 1280,
      },
    },
  },
  tests: {
    test: {
      first: 4,
      blocks: [
        [3, 4, 4, true, "relu", 2],
        [5, 8, 4, false, "hardSwish", 1],
      ],
      hidden: 8,
      input: [3, 16, 16],
      classes: 3,
    },
  },
  build,
};

/** The nearest multiple of eight, at least eight, and not below nine tenths of the number. */
function multipleOfEight(channels: number): number {
  const rounded = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}

function build({ first, blocks, hidden }: MobileNetV3Variant, { classes }: NetTarget): Layer {
  const hardSwish = activation({ function: "hardSwish" });
  const norm = { normEps: 1e-3, normMomentum: 0.01, activation: hardSwish };
  const last = 6 * blocks.at(-1)![2];
  const dense = (features: number) =>
    linear({
      features,
      weightInitializer: normal({ deviation: 0.01 }),
      biasInitializer: constant(0),
    });
  return sequential({
    features: sequential([
      convNormActivation({ channels: first, kernel: 3, stride: 2, ...norm }),
      ...blocks.map(([kernel, expanded, channels, excite, bend, stride]) =>
        mobileBlock({
          kernel,
          expanded,
          channels,
          stride,
          activation: bend,
          ...(excite ? { squeeze: multipleOfEight(Math.floor(expanded / 4)) } : {}),
        }),
      ),
      convNormActivation({ channels: last, kernel: 1, ...norm }),
    ]),
    avgpool: adaptiveAvgPool2d({ size: 1 }),
    flatten: asFunction(flatten()),
    classifier: sequential([dense(hidden), hardSwish, dropout({ p: 0.2 }), dense(classes)]),
  });
}
