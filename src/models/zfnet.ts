/**
 * ZFNet: AlexNet with its first layers mended after looking at what they had learned.
 *
 * Zeiler & Fergus 2014, "Visualizing and understanding convolutional networks" (ECCV). The first filters are 7x7 at
 * stride 2 in place of 11x11 at stride 4, and there is one column.
 * - `paper`: figure 3's net, 62,357,608 parameters; top-5 error 16.5 % against AlexNet's 18.1 % (one net, ten crops).
 * - `deck`: the lecture's "512, 1024, 512" filters in the last three convolutions, the paper's larger net (table 2): top-5
 *   error 16.0 %.
 *
 * Figure 3 goes from 224x224 to 110x110, 55x55, 26x26, 13x13 and 6x6. Only 225x225 gives 110 without padding, and the first
 * two poolings must then hang over by a pixel (`fit: "ceil"`), as Caffe's do.
 */
import { constant, normal } from "../initializers/basic.ts";
import { relu } from "../layers/activation.ts";
import { conv2d } from "../layers/conv2d.ts";
import { dropout } from "../layers/dropout.ts";
import type { Layer } from "../layers/layer.ts";
import { linear } from "../layers/linear.ts";
import { localResponseNorm } from "../layers/localResponseNorm.ts";
import { maxPool2d } from "../layers/pooling.ts";
import { flatten, sequential } from "../layers/structure.ts";
import type { NetFamily, NetTarget, NetVariant } from "./net.ts";

/** A row of the table. */
export interface ZfNetVariant extends NetVariant {
  /** Channels of the five convolutions. */
  readonly channels: readonly number[];
  /** Units of the hidden layers. Default 4096. */
  readonly hidden?: number;
}

export const zfnet: NetFamily<ZfNetVariant> = {
  paper: "Zeiler & Fergus 2014, Visualizing and Understanding Convolutional Networks",
  year: 2013,
  input: [3, 225, 225],
  classes: 1000,
  minimum: 65,
  nets: {
    zfnet: {
      paper: { channels: [96, 256, 384, 384, 256] },
      deck: { channels: [96, 256, 512, 1024, 512] },
    },
  },
  tests: {
    test: { channels: [4, 6, 6, 6, 4], hidden: 8, input: [3, 65, 65], classes: 3 },
  },
  build,
};

function build({ channels, hidden = 4096 }: ZfNetVariant, { classes }: NetTarget): Layer {
  const [c1, c2, c3, c4, c5] = channels as [number, number, number, number, number];
  const init = { weightInitializer: normal({ deviation: 0.01 }), biasInitializer: constant(0) };
  const same = (filters: number) => conv2d({ channels: filters, kernel: 3, padding: 1, ...init });
  const dense = (features: number) => linear({ features, ...init });
  const pool = () => maxPool2d({ kernel: 3, stride: 2, fit: "ceil" });
  return sequential({
    conv1: conv2d({ channels: c1, kernel: 7, stride: 2, ...init }),
    relu1: relu(),
    pool1: pool(),
    norm1: localResponseNorm({ form: "paper" }),
    conv2: conv2d({ channels: c2, kernel: 5, stride: 2, ...init }),
    relu2: relu(),
    pool2: pool(),
    norm2: localResponseNorm({ form: "paper" }),
    conv3: same(c3),
    relu3: relu(),
    conv4: same(c4),
    relu4: relu(),
    conv5: same(c5),
    relu5: relu(),
    pool5: pool(),
    flatten: flatten(),
    fc6: dense(hidden),
    relu6: relu(),
    drop6: dropout(),
    fc7: dense(hidden),
    relu7: relu(),
    drop7: dropout(),
    fc8: dense(classes),
  });
}
