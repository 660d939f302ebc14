/**
 * MobileNetV2: wide in the middle of a block, narrow at its ends, where the shortcuts are.
 *
 * Sandler et al. 2018, "MobileNetV2: inverted residuals and linear bottlenecks" (CVPR). As torchvision, 3,504,872 parameters;
 * published top-1 on ImageNet 72.0 % (paper), 71.9 % (torchvision's weights).
 */
import { constant, normal } from "../initializers/basic.ts";
import { activation } from "../layers/activation.ts";
import { convNormActivation } from "../layers/convNormActivation.ts";
import { dropout } from "../layers/dropout.ts";
import { invertedResidual } from "../layers/invertedResidual.ts";
import type { Layer } from "../layers/layer.ts";
import { linear } from "../layers/linear.ts";
import { globalAvgPool2d } from "../layers/pooling.ts";
import { asFunction, sequential } from "../layers/structure.ts";
import type { NetFamily, NetTarget, NetVariant } from "./net.ts";

/** A row of the table. */
export interface MobileNetV2Variant extends NetVariant {
  /** Channels of the first convolution. */
  readonly first: number;
  /** Expansion, channels, repeats and first stride of each stage: table 2 of the paper. */
  readonly stages: readonly (readonly [
    expansion: number,
    channels: number,
    repeats: number,
    stride: number,
  ])[];
  /** Channels of the last convolution. */
  readonly last: number;
}

export const mobilenetV2: NetFamily<MobileNetV2Variant> = {
  paper: "Sandler et al. 2018, MobileNetV2: Inverted Residuals and Linear Bottlenecks",
  year: 2018,
  input: [3, 224, 224],
  classes: 1000,
  minimum: 1,
  nets: {
    mobilenet_v2: {
      torchvision: {
        first: 32,
        stages: [
          [1, 16, 1, 1],
          [6, 24, 2, 2],
          [6, 32, 3, 2],
          [6, 64, 4, 2],
          [6, 96, 3, 1],
          [6, 160, 3, 2],
          [6, 320, 1, 1],
        ],
        last: 1280,
      },
    },
  },
  tests: {
    test: {
      first: 4,
      stages: [
        [1, 4, 1, 1],
        [2, 6, 2, 2],
      ],
      last: 8,
      input: [3, 16, 16],
      classes: 3,
    },
  },
  build,
};

function build({ first, stages, last }: MobileNetV2Variant, { classes }: NetTarget): Layer {
  const relu6 = activation({ function: "relu6" });
  const features = [
    convNormActivation({ channels: first, kernel: 3, stride: 2, activation: relu6 }),
  ];
  for (const [expansion, channels, repeats, stride] of stages) {
    for (let i = 0; i < repeats; i++) {
      features.push(invertedResidual({ channels, expansion, stride: i === 0 ? stride : 1 }));
    }
  }
  features.push(convNormActivation({ channels: last, kernel: 1, activation: relu6 }));
  return sequential({
    features: sequential(features),
    avgpool: asFunction(globalAvgPool2d()),
    classifier: sequential([
      dropout({ p: 0.2 }),
      linear({
        features: classes,
        weightInitializer: normal({ deviation: 0.01 }),
        biasInitializer: constant(0),
      }),
    ]),
  });
}
