/**
 * ConvNeXt: a ResNet rebuilt step by step with what transformers had taught.
 *
 * V1: Liu et al. 2022, "A ConvNet for the 2020s" (CVPR): tiny, small, base, large, as torchvision; tiny has 28,589,128
 * parameters. atto, femto, pico, nano are R. Wightman's smaller nets, as timm. V2: Woo et al. 2023, "ConvNeXt V2: co-designing
 * and scaling ConvNets with masked autoencoders" (CVPR), global response normalisation in place of the layer scale, names as
 * timm; `small` is not in that paper and is built after V1's.
 *
 * Published top-1 on ImageNet-1k at 224, trained on it alone: V1 82.1, 83.1, 83.8, 84.3 % (tiny … large; torchvision's
 * weights 82.5, 83.6, 84.1, 84.4 %), atto 75.7, femto 77.5, pico 79.5, nano 80.8 % (timm, some at 288); V2 76.7, 78.5, 80.3,
 * 81.9, 83.0 % (atto, femto, pico, nano, tiny), 84.9 (base), 85.8 % (large), all after pretraining by masking.
 */
import { constant, truncatedNormal } from "../initializers/basic.ts";
import { conv2d } from "../layers/conv2d.ts";
import { convNextBlock } from "../layers/convNextBlock.ts";
import type { Layer } from "../layers/layer.ts";
import { layerNorm } from "../layers/layerNorm.ts";
import { linear } from "../layers/linear.ts";
import { adaptiveAvgPool2d } from "../layers/pooling.ts";
import { flatten, sequential } from "../layers/structure.ts";
import type { NetFamily, NetTarget, NetVariant } from "./net.ts";

/** A row of the tables. */
export interface ConvNextVariant extends NetVariant {
  /** Whose parameter names. */
  readonly form: "torchvision" | "timm";
  /** Blocks of each stage. */
  readonly depths: readonly number[];
  /** Channels of each stage. */
  readonly widths: readonly number[];
  /** How 1x1 convolutions are kept. Default `linear`. */
  readonly pointwise?: "linear" | "convolution";
  /** Probability of leaving out the last block's branch while training; it grows evenly from 0. Default 0. */
  readonly dropPath?: number;
}

/** A row of the V2 table: how 1x1 convolutions are kept does not vary. */
export type ConvNextV2Variant = Omit<ConvNextVariant, "form" | "pointwise">;

export const convnext: NetFamily<ConvNextVariant> = {
  paper: "Liu et al. 2022, A ConvNet for the 2020s",
  year: 2022,
  input: [3, 224, 224],
  classes: 1000,
  minimum: 32,
  nets: {
    convnext: {
      tiny: {
        form: "torchvision",
        depths: [3, 3, 9, 3],
        widths: [96, 192, 384, 768],
        dropPath: 0.1,
      },
      atto: {
        form: "timm",
        depths: [2, 2, 6, 2],
        widths: [40, 80, 160, 320],
        pointwise: "convolution",
      },
      femto: {
        form: "timm",
        depths: [2, 2, 6, 2],
        widths: [48, 96, 192, 384],
        pointwise: "convolution",
      },
      pico: {
        form: "timm",
        depths: [2, 2, 6, 2],
        widths: [64, 128, 256, 512],
        pointwise: "convolution",
      },
      nano: {
        form: "timm",
        depths: [2, 2, 8, 2],
        widths: [80, 160, 320, 640],
        pointwise: "convolution",
      },
      small: {
        form: "torchvision",
        depths: [3, 3, 27, 3],
        widths: [96, 192, 384, 768],
        dropPath: 0.4,
      },
      base: {
        form: "torchvision",
        depths: [3, 3, 27, 3],
        widths: [128, 256, 512, 1024],
        dropPath: 0.5,
      },
      large: {
        form: "torchvision",
        depths: [3, 3, 27, 3],
        widths: [192, 384, 768, 1536],
        dropPath: 0.5,
      },
    },
  },
  tests: {
    test: {
      form: "torchvision",
      depths: [1, 2],
      widths: [4, 6],
      dropPath: 0.1,
      input: [3, 16, 16],
      classes: 3,
      minimum: 8,
    },
    testTimm: {
      form: "timm",
      depths: [1, 1],
      widths: [4, 6],
      pointwise: "convolution",
      input: [3, 16, 16],
      classes: 3,
      minimum: 8,
    },
  },
  build: (variant, target) =>
    variant.form === "torchvision" ? torchvision(variant, target) : timm(variant, target, false),
};

export const convnextV2: NetFamily<ConvNextV2Variant> = {
  paper: "Woo et al. 2023, ConvNeXt V2: Co-Designing and Scaling ConvNets with Masked Autoencoders",
  year: 2023,
  input: [3, 224, 224],
  classes: 1000,
  minimum: 32,
  nets: {
    convnextv2: {
      tiny: { depths: [3, 3, 9, 3], widths: [96, 192, 384, 768], dropPath: 0.2 },
      atto: { depths: [2, 2, 6, 2], widths: [40, 80, 160, 320] },
      femto: { depths: [2, 2, 6, 2], widths: [48, 96, 192, 384] },
      pico: { depths: [2, 2, 6, 2], widths: [64, 128, 256, 512] },
      nano: { depths: [2, 2, 8, 2], widths: [80, 160, 320, 640], dropPath: 0.1 },
      small: { depths: [3, 3, 27, 3], widths: [96, 192, 384, 768], dropPath: 0.3 },
      base: { depths: [3, 3, 27, 3], widths: [128, 256, 512, 1024], dropPath: 0.1 },
      large: { depths: [3, 3, 27, 3], widths: [192, 384, 768, 1536], dropPath: 0.2 },
    },
  },
  tests: {
    test: { depths: [1, 1], widths: [4, 6], input: [3, 16, 16], classes: 3, minimum: 8 },
  },
  build: (variant, target) => timm({ form: "timm", ...variant }, target, true),
};

/** How all weights of ConvNeXts begin. */
export function drawnAsConvNext() {
  return {
    weightInitializer: truncatedNormal({ deviation: 0.02, low: -2, high: 2 }),
    biasInitializer: constant(0),
  };
}

/** Convolution whose windows touch but do not overlap; pixels that fill no window are left out. */
export function patches(channels: number, size: number): Layer {
  return conv2d({ channels, kernel: size, stride: size, fit: "floor", ...drawnAsConvNext() });
}

/** Layer normalisation over the channels, with ConvNeXt's ε. */
export function channelNorm(): Layer {
  return layerNorm({ over: "channels", eps: 1e-6 });
}

/** For each block of each stage the probability of leaving it out. */
export function dropPaths(depths: readonly number[], last: number): number[][] {
  const total = depths.reduce((sum, depth) => sum + depth, 0);
  let index = 0;
  return depths.map((depth) =>
    Array.from({ length: depth }, () => (total === 1 ? 0 : (last * index++) / (total - 1))),
  );
}

function torchvision(variant: ConvNextVariant, { classes }: NetTarget): Layer {
  const { depths, widths, dropPath = 0 } = variant;
  const features: Layer[] = [sequential([patches(widths[0]!, 4), channelNorm()])];
  dropPaths(depths, dropPath).forEach((probabilities, stage) => {
    if (stage > 0) features.push(sequential([channelNorm(), patches(widths[stage]!, 2)]));
    features.push(
      sequential(probabilities.map((p) => convNextBlock({ form: "torchvision", dropPath: p }))),
    );
  });
  return sequential({
    features: sequential(features),
    avgpool: adaptiveAvgPool2d({ size: 1 }),
    classifier: sequential([
      channelNorm(),
      flatten(),
      linear({ features: classes, ...drawnAsConvNext() }),
    ]),
  });
}

function timm(variant: ConvNextVariant, { classes }: NetTarget, second: boolean): Layer {
  const { depths, widths, pointwise = "linear", dropPath = 0 } = variant;
  const stages = dropPaths(depths, dropPath).map((probabilities, stage) => {
    const blocks = probabilities.map((p) =>
      convNextBlock({
        form: "timm",
        pointwise,
        dropPath: p,
        ...(second ? { responseNorm: true, layerScale: null } : {}),
      }),
    );
    return sequential({
      ...(stage > 0 ? { downsample: sequential([channelNorm(), patches(widths[stage]!, 2)]) } : {}),
      blocks: sequential(blocks),
    });
  });
  return sequential({
    stem: sequential([patches(widths[0]!, 4), channelNorm()]),
    stages: sequential(stages),
    head: sequential({
      global_pool: adaptiveAvgPool2d({ size: 1 }),
      norm: channelNorm(),
      flatten: flatten(),
      fc: linear({ features: classes, ...drawnAsConvNext() }),
    }),
  });
}
