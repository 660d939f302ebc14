/**
 * Residual nets, the plain nets they were compared with, and their small form for CIFAR.
 *
 * He, Zhang, Ren & Sun 2016, "Deep residual learning for image recognition" (CVPR); He et al. 2016, "Identity mappings
 * in deep residual networks" (ECCV) for `preact`.
 *
 * Variants of the ImageNet nets: `torchvision` has the stride of a bottleneck on its 3x3 convolution ("v1.5"), `v1` on
 * the first 1x1 as in the paper (the same net for 18 and 34), `preact` normalises and activates before each convolution
 * (names as timm's ResNetV2); `narrow`, of
 * ResNet-18 alone and ours, has half the channels: a net for some thousand photos and no pretrained weights. CIFAR nets: `cifar` has shortcuts without parameters (A), `b` projects where sizes
 * change, `c` always. Plain nets are those of the same depth without shortcuts.
 *
 * Published top-1 on ImageNet, one crop: 69.8, 73.3, 76.1, 77.4, 78.3 % for 18, 34, 50, 101, 152 (torchvision's first
 * weights). Test error on CIFAR-10: 8.75, 7.51, 7.17, 6.97, 6.43 % for 20, 32, 44, 56, 110 (table 6); plain-20 and
 * plain-56 show the degradation that shortcuts cure (figure 6).
 */
import { kaimingNormal } from "../initializers/scaled.ts";
import { relu } from "../layers/activation.ts";
import { batchNorm2d } from "../layers/batchNorm.ts";
import { conv2d } from "../layers/conv2d.ts";
import type { Layer } from "../layers/layer.ts";
import { linear } from "../layers/linear.ts";
import { adaptiveAvgPool2d, globalAvgPool2d, maxPool2d } from "../layers/pooling.ts";
import {
  basicBlock,
  bottleneck,
  preactivationBlock,
  type Shortcut,
} from "../layers/residualBlock.ts";
import { asFunction, flatten, sequential } from "../layers/structure.ts";
import type { NetFamily, NetTarget, NetVariant } from "./net.ts";
import {
  cifar10Labels,
  imagenetPreprocessing,
  kerasWeights,
  type PublishedWeights,
  torchvisionWeights,
} from "./publishedWeights.ts";

/** A row of the tables of this family. */
export interface ResNetVariant extends NetVariant {
  readonly block: "basic" | "bottleneck";
  /** Blocks of each stage. */
  readonly depths: readonly number[];
  /** Channels of each stage's 3x3 convolutions. Default 64, 128, 256, 512. */
  readonly widths?: readonly number[];
  /** Default `B`. */
  readonly shortcut?: Shortcut;
  readonly strideOn?: "1x1" | "3x3";
}

/** ResNet-18 … 152. */
export const resnet: NetFamily<ResNetVariant & { readonly preactivation?: boolean }> = {
  paper: "He, Zhang, Ren & Sun 2016, Deep Residual Learning for Image Recognition",
  year: 2016,
  input: [3, 224, 224],
  classes: 1000,
  minimum: 1,
  nets: {
    resnet18: {
      torchvision: { block: "basic", depths: [2, 2, 2, 2] },
      v1: { block: "basic", depths: [2, 2, 2, 2] },
      preact: { block: "basic", depths: [2, 2, 2, 2], preactivation: true },
      narrow: { block: "basic", depths: [2, 2, 2, 2], widths: [32, 64, 128, 256] },
    },
    resnet34: {
      torchvision: { block: "basic", depths: [3, 4, 6, 3] },
      v1: { block: "basic", depths: [3, 4, 6, 3] },
      preact: { block: "basic", depths: [3, 4, 6, 3], preactivation: true },
    },
    resnet50: {
      torchvision: { block: "bottleneck", depths: [3, 4, 6, 3] },
      v1: { block: "bottleneck", depths: [3, 4, 6, 3], strideOn: "1x1" },
      preact: { block: "bottleneck", depths: [3, 4, 6, 3], preactivation: true },
    },
    resnet101: {
      torchvision: { block: "bottleneck", depths: [3, 4, 23, 3] },
      v1: { block: "bottleneck", depths: [3, 4, 23, 3], strideOn: "1x1" },
      preact: { block: "bottleneck", depths: [3, 4, 23, 3], preactivation: true },
    },
    resnet152: {
      torchvision: { block: "bottleneck", depths: [3, 8, 36, 3] },
      v1: { block: "bottleneck", depths: [3, 8, 36, 3], strideOn: "1x1" },
      preact: { block: "bottleneck", depths: [3, 8, 36, 3], preactivation: true },
    },
  },
  tests: {
    test: { block: "basic", depths: [1, 1], widths: [4, 8], input: [3, 16, 16], classes: 3 },
    testBottleneck: {
      block: "bottleneck",
      depths: [1, 1],
      widths: [2, 3],
      strideOn: "1x1",
      input: [3, 16, 16],
      classes: 3,
    },
    testPreact: {
      block: "bottleneck",
      depths: [1, 1],
      widths: [2, 3],
      preactivation: true,
      input: [3, 16, 16],
      classes: 3,
    },
  },
  weights: () => [
    torchvisionWeights("resnet18", 69.8),
    torchvisionWeights("resnet34", 73.3),
    torchvisionWeights("resnet50", 76.1),
    torchvisionWeights("resnet101", 77.4),
    torchvisionWeights("resnet152", 78.3),
    kerasWeights("resnet50", "v1", "top-1 74.9 %, top-5 92.1 %", kerasLayer),
    kerasWeights("resnet101", "v1", "top-1 76.4 %, top-5 92.8 %", kerasLayer),
    kerasWeights("resnet152", "v1", "top-1 76.6 %, top-5 93.1 %", kerasLayer),
  ],
  build: (variant, target) =>
    variant.preactivation === true ? preactivated(variant, target) : imagenet(variant, target),
};

/**
 * Keras's names: `conv1_conv`, `conv2_block1_0_bn`, `predictions`; before 2019 `conv1`, `bn2a_branch1`, `fc1000`. The
 * weights are the authors', from Caffe. Their convolutions have biases, which the norms behind them take up, and their
 * norms have ε = 1.001e-5, not 1e-5.
 */
function kerasLayer(layer: string): string | undefined {
  if (layer === "conv1_conv") return "conv1";
  if (layer === "conv1_bn" || layer === "bn_conv1") return "bn1";
  if (["predictions", "probs", "fc1000"].includes(layer)) return "fc";
  const [, stage, block, place, kind] = /^conv(\d)_block(\d+)_(\d)_(conv|bn)$/.exec(layer) ?? [];
  if (stage !== undefined) {
    return inBlock(Number(stage) - 1, Number(block) - 1, Number(place), kind === "bn");
  }
  const [, old, part, letter, branch] = /^(res|bn)(\d)([a-z])_branch(1|2[abc])$/.exec(layer) ?? [];
  if (old === undefined) return undefined;
  const branchPlace = branch === "1" ? 0 : "abc".indexOf(branch![1]!) + 1;
  return inBlock(Number(part) - 1, letter!.charCodeAt(0) - 97, branchPlace, old === "bn");
}

/** A layer of a bottleneck; place 0 is that of the shortcut. */
function inBlock(stage: number, block: number, place: number, isNorm: boolean): string {
  const shortcut = `downsample.${isNorm ? 1 : 0}`;
  const name = place === 0 ? shortcut : `${isNorm ? "bn" : "conv"}${place}`;
  return `layer${stage}.${block}.${name}`;
}

/** ResNet-20 … 110 and plain-20 … 56 for images of 32x32. */
export const cifarResnet: NetFamily<ResNetVariant> = {
  paper: "He, Zhang, Ren & Sun 2016, Deep Residual Learning for Image Recognition, section 4.2",
  year: 2016,
  input: [3, 32, 32],
  classes: 10,
  minimum: 1,
  nets: {
    resnet20: {
      cifar: { block: "basic", depths: [3, 3, 3], shortcut: "A" },
      b: { block: "basic", depths: [3, 3, 3], shortcut: "B" },
      c: { block: "basic", depths: [3, 3, 3], shortcut: "C" },
    },
    resnet32: {
      cifar: { block: "basic", depths: [5, 5, 5], shortcut: "A" },
      b: { block: "basic", depths: [5, 5, 5], shortcut: "B" },
      c: { block: "basic", depths: [5, 5, 5], shortcut: "C" },
    },
    resnet44: {
      cifar: { block: "basic", depths: [7, 7, 7], shortcut: "A" },
      b: { block: "basic", depths: [7, 7, 7], shortcut: "B" },
      c: { block: "basic", depths: [7, 7, 7], shortcut: "C" },
    },
    resnet56: {
      cifar: { block: "basic", depths: [9, 9, 9], shortcut: "A" },
      b: { block: "basic", depths: [9, 9, 9], shortcut: "B" },
      c: { block: "basic", depths: [9, 9, 9], shortcut: "C" },
    },
    resnet110: {
      cifar: { block: "basic", depths: [18, 18, 18], shortcut: "A" },
      b: { block: "basic", depths: [18, 18, 18], shortcut: "B" },
      c: { block: "basic", depths: [18, 18, 18], shortcut: "C" },
    },
    plain20: { cifar: { block: "basic", depths: [3, 3, 3], shortcut: "none" } },
    plain32: { cifar: { block: "basic", depths: [5, 5, 5], shortcut: "none" } },
    plain44: { cifar: { block: "basic", depths: [7, 7, 7], shortcut: "none" } },
    plain56: { cifar: { block: "basic", depths: [9, 9, 9], shortcut: "none" } },
  },
  tests: {
    test: {
      block: "basic",
      depths: [1, 1],
      widths: [4, 8],
      shortcut: "A",
      input: [3, 8, 8],
      classes: 3,
    },
    testPlain: {
      block: "basic",
      depths: [1, 1],
      widths: [4, 8],
      shortcut: "none",
      input: [3, 8, 8],
      classes: 3,
    },
  },
  weights: () => [
    cifarWeights("resnet20", 8.27),
    cifarWeights("resnet32", 7.37),
    cifarWeights("resnet44", 6.9),
    cifarWeights("resnet56", 6.61),
    cifarWeights("resnet110", 6.32),
  ],
  build: cifar,
};

/** The port by Y. Idelbayev (akamaster), with ImageNet's mean and deviation. */
function cifarWeights(net: string, error: number): PublishedWeights {
  const { mean, std } = imagenetPreprocessing;
  return {
    net,
    variant: "cifar",
    origin: "akamaster",
    preprocessing: { mean, std },
    accuracy: `test error ${error} % on CIFAR-10 (akamaster/pytorch_resnet_cifar10)`,
    labels: cifar10Labels,
  };
}

const stem = { kernel: 7, stride: 2, padding: 3, bias: false, fit: "floor" } as const;
const stemPool = { kernel: 3, stride: 2, padding: 1, fit: "floor" } as const;

function imagenet(variant: ResNetVariant, { classes }: NetTarget): Layer {
  const { depths, widths = [64, 128, 256, 512], strideOn = "3x3" } = variant;
  const init = kaimingNormal({ fan: "out" });
  const layers: Record<string, Layer> = {
    conv1: conv2d({ channels: widths[0]!, ...stem, weightInitializer: init }),
    bn1: batchNorm2d(),
    relu: relu(),
    maxpool: maxPool2d(stemPool),
  };
  depths.forEach((depth, stage) => {
    layers[`layer${stage + 1}`] = sequential(
      Array.from({ length: depth }, (_, i) => {
        const options = { channels: widths[stage]!, stride: i === 0 && stage > 0 ? 2 : 1 };
        return variant.block === "basic"
          ? basicBlock(options)
          : bottleneck({ ...options, strideOn });
      }),
    );
  });
  return sequential({
    ...layers,
    avgpool: adaptiveAvgPool2d({ size: 1 }),
    flatten: asFunction(flatten()),
    fc: linear({ features: classes }),
  });
}

function preactivated(variant: ResNetVariant, { classes }: NetTarget): Layer {
  const { depths, widths = [64, 128, 256, 512], block } = variant;
  const init = kaimingNormal({ fan: "out" });
  const stages: Record<string, Layer> = {};
  depths.forEach((depth, stage) => {
    const blocks = Array.from({ length: depth }, (_, i) =>
      preactivationBlock({
        form: block,
        channels: widths[stage]!,
        stride: i === 0 && stage > 0 ? 2 : 1,
      }),
    );
    stages[stage] = sequential({ blocks: sequential(blocks) });
  });
  return sequential({
    stem: sequential({
      conv: conv2d({ channels: widths[0]!, ...stem, weightInitializer: init }),
      pool: maxPool2d(stemPool),
    }),
    stages: sequential(stages),
    norm: batchNorm2d(),
    "norm.act": relu(),
    head: sequential({
      global_pool: globalAvgPool2d({ keepDims: true }),
      fc: conv2d({ channels: classes, kernel: 1 }),
      flatten: flatten(),
    }),
  });
}

/** Parameter names as in the widespread PyTorch port by Y. Idelbayev (akamaster), whose weights people load. */
function cifar(variant: ResNetVariant, { classes }: NetTarget): Layer {
  const { depths, widths = [16, 32, 64], shortcut = "A" } = variant;
  const weightInitializer = kaimingNormal();
  const layers: Record<string, Layer> = {
    conv1: conv2d({ channels: widths[0]!, kernel: 3, padding: 1, bias: false, weightInitializer }),
    bn1: batchNorm2d(),
    relu: relu(),
  };
  depths.forEach((depth, stage) => {
    layers[`layer${stage + 1}`] = sequential(
      Array.from({ length: depth }, (_, i) =>
        basicBlock({
          channels: widths[stage]!,
          stride: i === 0 && stage > 0 ? 2 : 1,
          shortcut,
          projection: "shortcut",
          weightInitializer,
        }),
      ),
    );
  });
  return sequential({
    ...layers,
    avgpool: globalAvgPool2d(),
    linear: linear({ features: classes, weightInitializer }),
  });
}
