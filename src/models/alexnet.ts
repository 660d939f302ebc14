/**
 * AlexNet: the net that won ImageNet 2012 by ten points.
 *
 * Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional neural networks" (NIPS).
 * - `torchvision`: one column with 64 first filters and no normalisation (Krizhevsky 2014, arXiv:1404.5997); 61,100,840
 *   parameters; published top-1 56.5 %.
 * - `paper`: two groups in the second, fourth and fifth convolution, local response normalisation before the pooling;
 *   60,965,224 parameters; top-1 59.3 % (one net, ten crops). The paper says 224x224; only 227x227 comes out.
 * - `deck`: as lectures draw it, one column, pooling before normalisation, 227x227x3 to 55x55x96; 62,378,344 parameters.
 * - `caffenet`: Caffe's reference net, two groups, pooling before normalisation; top-1 57.4 %.
 */
import { constant, normal } from "../initializers/basic.ts";
import { relu } from "../layers/activation.ts";
import { conv2d } from "../layers/conv2d.ts";
import { dropout } from "../layers/dropout.ts";
import type { Layer } from "../layers/layer.ts";
import { linear } from "../layers/linear.ts";
import { localResponseNorm } from "../layers/localResponseNorm.ts";
import { adaptiveAvgPool2d, maxPool2d } from "../layers/pooling.ts";
import { asFunction, flatten, sequential } from "../layers/structure.ts";
import type { NetFamily, NetTarget, NetVariant } from "./net.ts";

/** A row of the table. */
export interface AlexNetVariant extends NetVariant {
  readonly form: "torchvision" | "paper" | "deck" | "caffenet";
  /** Channels of the five convolutions. */
  readonly channels: readonly number[];
  /** Units of the hidden layers. Default 4096. */
  readonly hidden?: number;
  /** Kernel and stride of the first convolution. Default 11 and 4. */
  readonly first?: readonly [kernel: number, stride: number];
  /** Height and width that torchvision's last pooling brings the maps to. Default 6. */
  readonly pooled?: number;
}

export const alexnet: NetFamily<AlexNetVariant> = {
  paper:
    "Krizhevsky, Sutskever & Hinton 2012, ImageNet Classification with Deep Convolutional Neural Networks",
  year: 2012,
  input: [3, 227, 227],
  classes: 1000,
  minimum: 67,
  nets: {
    alexnet: {
      torchvision: {
        form: "torchvision",
        channels: [64, 192, 384, 256, 256],
        input: [3, 224, 224],
        minimum: 63,
        source: "Krizhevsky 2014, One Weird Trick for Parallelizing Convolutional Neural Networks",
      },
      paper: { form: "paper", channels: [96, 256, 384, 384, 256] },
      deck: { form: "deck", channels: [96, 256, 384, 384, 256] },
      caffenet: { form: "caffenet", channels: [96, 256, 384, 384, 256] },
    },
  },
  tests: {
    test: {
      form: "torchvision",
      channels: [4, 6, 6, 4, 4],
      hidden: 8,
      first: [3, 2],
      pooled: 2,
      input: [3, 31, 31],
      classes: 3,
      minimum: 27,
    },
    testPaper: {
      form: "paper",
      channels: [4, 6, 6, 4, 4],
      hidden: 8,
      first: [3, 2],
      input: [3, 31, 31],
      classes: 3,
      minimum: 31,
    },
    testDeck: {
      form: "deck",
      channels: [4, 6, 6, 4, 4],
      hidden: 8,
      first: [3, 2],
      input: [3, 31, 31],
      classes: 3,
      minimum: 31,
    },
  },
  build: (variant, target) =>
    variant.form === "torchvision" ? torchvision(variant, target) : original(variant, target),
};

function torchvision(variant: AlexNetVariant, { classes }: NetTarget): Layer {
  const { channels, hidden = 4096, first = [11, 4], pooled = 6 } = variant;
  const [c1, c2, c3, c4, c5] = channels as [number, number, number, number, number];
  const pool = () => maxPool2d({ kernel: 3, stride: 2, fit: "floor" });
  const [kernel, stride] = first;
  return sequential({
    features: sequential([
      conv2d({ channels: c1, kernel, stride, padding: 2, fit: "floor" }),
      relu(),
      pool(),
      conv2d({ channels: c2, kernel: 5, padding: 2 }),
      relu(),
      pool(),
      conv2d({ channels: c3, kernel: 3, padding: 1 }),
      relu(),
      conv2d({ channels: c4, kernel: 3, padding: 1 }),
      relu(),
      conv2d({ channels: c5, kernel: 3, padding: 1 }),
      relu(),
      pool(),
    ]),
    avgpool: adaptiveAvgPool2d({ size: pooled }),
    flatten: asFunction(flatten()),
    classifier: sequential([
      dropout(),
      linear({ features: hidden }),
      relu(),
      dropout(),
      linear({ features: hidden }),
      relu(),
      linear({ features: classes }),
    ]),
  });
}

/**
 * The four other forms: 11x11 filters at stride 4, names as Caffe's. Initialised as the paper, section 5: weights
 * normal with deviation 0.01, biases 1 in the second, fourth and fifth convolution and the hidden layers, else 0;
 * Caffe's deviation of 0.005 in the hidden layers.
 */
function original(variant: AlexNetVariant, { classes }: NetTarget): Layer {
  const { form, channels, hidden = 4096, first = [11, 4] } = variant;
  const groups = form === "deck" ? 1 : 2;
  const filters = (index: number, kernel: number, bias: number, split = 1, stride = 1) =>
    conv2d({
      channels: channels[index]!,
      kernel,
      stride,
      padding: index === 0 ? 0 : (kernel - 1) / 2,
      groups: split,
      weightInitializer: normal({ deviation: 0.01 }),
      biasInitializer: constant(bias),
    });
  const dense = (features: number, deviation: number, bias: number) =>
    linear({
      features,
      weightInitializer: normal({ deviation }),
      biasInitializer: constant(bias),
    });
  const norm = () =>
    form === "caffenet"
      ? localResponseNorm({ form: "caffe", alpha: 1e-4 })
      : localResponseNorm({ form: "paper" });
  const pool = () => maxPool2d({ kernel: 3, stride: 2 });
  const normAndPool = (index: number): Record<string, Layer> =>
    form === "paper"
      ? { [`norm${index}`]: norm(), [`pool${index}`]: pool() }
      : { [`pool${index}`]: pool(), [`norm${index}`]: norm() };
  return sequential({
    conv1: filters(0, first[0], 0, 1, first[1]),
    relu1: relu(),
    ...normAndPool(1),
    conv2: filters(1, 5, 1, groups),
    relu2: relu(),
    ...normAndPool(2),
    conv3: filters(2, 3, 0),
    relu3: relu(),
    conv4: filters(3, 3, 1, groups),
    relu4: relu(),
    conv5: filters(4, 3, 1, groups),
    relu5: relu(),
    pool5: pool(),
    flatten: flatten(),
    fc6: dense(hidden, 0.005, 1),
    relu6: relu(),
    drop6: dropout(),
    fc7: dense(hidden, 0.005, 1),
    relu7: relu(),
    drop7: dropout(),
    fc8: dense(classes, 0.01, 0),
  });
}
