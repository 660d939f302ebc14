/**
 * Network in Network: small perceptrons (1x1 convolutions) behind each convolution, and the mean of each map in place of
 * fully connected layers.
 *
 * Lin, Chen & Yan 2014, arXiv:1312.4400. Sizes and names are those of the authors' Caffe files.
 * - `cifar`: 966,986 parameters; test error on CIFAR-10 10.41 %, 8.81 % with augmentation.
 * - `imagenet`: 7,595,176 parameters, 227x227; top-1 59.4 % (Caffe model zoo).
 *
 * Poolings hang over (`fit: "ceil"`), as Caffe's do.
 */
import { constant, normal } from "../initializers/basic.ts";
import { relu } from "../layers/activation.ts";
import { conv2d } from "../layers/conv2d.ts";
import { dropout } from "../layers/dropout.ts";
import type { Layer } from "../layers/layer.ts";
import { avgPool2d, globalAvgPool2d, maxPool2d } from "../layers/pooling.ts";
import { sequential } from "../layers/structure.ts";
import type { NetFamily, NetTarget, NetVariant } from "./net.ts";

/** One convolution, the two 1x1 convolutions behind it, and what follows. */
interface Stage {
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
  /** Channels of the three; the last of the last stage is the number of classes. */
  readonly channels: readonly [number, number, number] | readonly [number, number];
  readonly pool?: "max" | "average";
  readonly dropout?: boolean;
}

/** A row of the table. */
export interface NinVariant extends NetVariant {
  readonly stages: readonly Stage[];
}

export const nin: NetFamily<NinVariant> = {
  paper: "Lin, Chen & Yan 2014, Network in Network",
  year: 2013,
  input: [3, 32, 32],
  classes: 10,
  minimum: 4,
  nets: {
    nin: {
      cifar: {
        stages: [
          { kernel: 5, padding: 2, channels: [192, 160, 96], pool: "max", dropout: true },
          { kernel: 5, padding: 2, channels: [192, 192, 192], pool: "average", dropout: true },
          { kernel: 3, padding: 1, channels: [192, 192] },
        ],
      },
      imagenet: {
        input: [3, 227, 227],
        classes: 1000,
        minimum: 39,
        stages: [
          { kernel: 11, stride: 4, channels: [96, 96, 96], pool: "max" },
          { kernel: 5, padding: 2, channels: [256, 256, 256], pool: "max" },
          { kernel: 3, padding: 1, channels: [384, 384, 384], pool: "max", dropout: true },
          { kernel: 3, padding: 1, channels: [1024, 1024] },
        ],
      },
    },
  },
  tests: {
    test: {
      input: [3, 8, 8],
      classes: 3,
      stages: [
        { kernel: 5, padding: 2, channels: [5, 4, 4], pool: "max", dropout: true },
        { kernel: 3, padding: 1, channels: [4, 4, 4], pool: "average" },
        { kernel: 3, padding: 1, channels: [4, 4] },
      ],
    },
  },
  build,
};

function build({ stages }: NinVariant, { classes }: NetTarget): Layer {
  const layers: Record<string, Layer> = {};
  let one = 0;
  stages.forEach(({ kernel, stride = 1, padding = 0, channels, pool, dropout: drops }, i) => {
    const init = {
      weightInitializer: normal({ deviation: 0.05 }),
      biasInitializer: constant(0),
      fit: "floor",
    } as const;
    const [first, second, third = classes] = channels;
    layers[`conv${i + 1}`] = conv2d({ channels: first, kernel, stride, padding, ...init });
    layers[`relu${i + 1}`] = relu();
    for (const width of [second, third]) {
      one++;
      layers[`cccp${one}`] = conv2d({ channels: width, kernel: 1, ...init });
      layers[`relu_cccp${one}`] = relu();
    }
    const window = { kernel: 3, stride: 2, fit: "ceil" } as const;
    if (pool === "max") layers[`pool${i + 1}`] = maxPool2d(window);
    if (pool === "average") layers[`pool${i + 1}`] = avgPool2d(window);
    if (drops === true) layers[`drop${i + 1}`] = dropout();
  });
  layers[`pool${stages.length}`] = globalAvgPool2d();
  return sequential(layers);
}
