/**
 * LeNet-5, read on cheques.
 *
 * LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document recognition" (Proc. IEEE).
 * - `modern`: the same sizes with ReLU, max pooling, full connections and a linear output; 61,706 parameters.
 * - `paper`: trainable subsampling, the partial connections of table I, scaled tanh and radial basis functions as output;
 *   60,000 trainable parameters; test error on MNIST 0.95 %, 0.8 % with distortions. Its outputs are penalties, of which
 *   the smallest wins: train it with `rbfLoss`.
 * - `caffe`: Caffe's larger LeNet for 28x28 (20 and 50 filters, 500 units), 431,080 parameters, about 99.1 %.
 *
 * Images of 28x28 get two pixels of zeros all round in `modern` and `paper`, which take 32x32.
 */
import { constant, uniform } from "../initializers/basic.ts";
import { fanInUniform, kaimingUniform } from "../initializers/scaled.ts";
import { activation, relu } from "../layers/activation.ts";
import { conv2d } from "../layers/conv2d.ts";
import type { Layer } from "../layers/layer.ts";
import { linear } from "../layers/linear.ts";
import { partialConv2d } from "../layers/partialConv2d.ts";
import { maxPool2d } from "../layers/pooling.ts";
import { radialBasis } from "../layers/radialBasis.ts";
import { flatten, sequential } from "../layers/structure.ts";
import { subsampling } from "../layers/subsampling.ts";
import { digitCodes } from "./digitCodes.ts";
import type { NetFamily, NetTarget, NetVariant } from "./net.ts";

/** A row of the table. */
export interface LeNetVariant extends NetVariant {
  readonly form: "modern" | "paper" | "caffe";
  /** Filters of the two convolutions, then units of the hidden layers; the paper's form is fixed. */
  readonly sizes: readonly number[];
}

export const lenet: NetFamily<LeNetVariant> = {
  paper:
    "LeCun, Bottou, Bengio & Haffner 1998, Gradient-Based Learning Applied to Document Recognition",
  year: 1998,
  input: [1, 32, 32],
  classes: 10,
  minimum: 16,
  nets: {
    lenet5: {
      modern: { form: "modern", sizes: [6, 16, 120, 84] },
      paper: { form: "paper", sizes: [6, 16, 120, 84], minimum: 28, loss: "rbfLoss" },
      caffe: {
        form: "caffe",
        sizes: [20, 50, 500],
        input: [1, 28, 28],
        source: "Jia et al. 2014, Caffe: examples/mnist",
      },
    },
  },
  tests: {
    test: { form: "modern", sizes: [2, 3, 8, 6], input: [1, 16, 16], classes: 3 },
    testPaper: { form: "paper", sizes: [6, 16, 10, 8], minimum: 28, classes: 3, loss: "rbfLoss" },
    testCaffe: { form: "caffe", sizes: [2, 3, 8], input: [1, 16, 16], classes: 3 },
  },
  weights: () => [
    {
      net: "lenet5",
      variant: "caffe",
      origin: "caffe",
      preprocessing: { mean: [0], std: [1], scale: 1 / 256 },
      accuracy: "about 99.1 % on MNIST (Caffe's examples/mnist)",
    },
  ],
  build(variant, target) {
    if (variant.form === "modern") return modern(variant, target);
    return variant.form === "paper" ? paper(variant, target) : caffe(variant, target);
  },
};

/** Two pixels of zeros all round an image of 28x28, none round others. */
function border({ input: [, height, width] }: NetTarget): number {
  return height === 28 && width === 28 ? 2 : 0;
}

function modern({ sizes }: LeNetVariant, target: NetTarget): Layer {
  const [c1, c2, f1, f2] = sizes as [number, number, number, number];
  return sequential({
    conv1: conv2d({ channels: c1, kernel: 5, padding: border(target) }),
    relu1: relu(),
    pool1: maxPool2d({ kernel: 2 }),
    conv2: conv2d({ channels: c2, kernel: 5 }),
    relu2: relu(),
    pool2: maxPool2d({ kernel: 2 }),
    flatten: flatten(),
    fc1: linear({ features: f1 }),
    relu3: relu(),
    fc2: linear({ features: f2 }),
    relu4: relu(),
    fc3: linear({ features: target.classes }),
  });
}

/** Table I: which of the six maps of S2 each of the sixteen maps of C3 sees. */
function connectionsOfC3(): number[][] {
  const threeInARow = Array.from({ length: 6 }, (_, i) => [i, i + 1, i + 2]);
  const fourInARow = Array.from({ length: 6 }, (_, i) => [i, i + 1, i + 2, i + 3]);
  const twoPairs = Array.from({ length: 3 }, (_, i) => [i, i + 1, i + 3, i + 4]);
  const all = [[0, 1, 2, 3, 4, 5]];
  return [...threeInARow, ...fourInARow, ...twoPairs, ...all].map((maps) =>
    maps.map((map) => map % 6).sort((a, b) => a - b),
  );
}

function paper({ sizes }: LeNetVariant, target: NetTarget): Layer {
  const [c1, , c5, f6] = sizes as [number, number, number, number];
  const squash = () => activation({ function: "scaledTanh" });
  const init = { weightInitializer: fanInUniform(), biasInitializer: constant(0) };
  const coefficients = { weightInitializer: uniform({ low: -2.4 / 4, high: 2.4 / 4 }) };
  return sequential({
    c1: conv2d({ channels: c1, kernel: 5, padding: border(target), ...init }),
    squash1: squash(),
    s2: subsampling({ kernel: 2, ...coefficients }),
    squash2: squash(),
    c3: partialConv2d({
      connections: connectionsOfC3(),
      kernel: 5,
      biasInitializer: constant(0),
    }),
    squash3: squash(),
    s4: subsampling({ kernel: 2, ...coefficients }),
    squash4: squash(),
    c5: conv2d({ channels: c5, kernel: 5, ...init }),
    squash5: squash(),
    flatten: flatten(),
    f6: linear({ features: f6, ...init }),
    squash6: squash(),
    output: radialBasis({ codes: digitCodes(target.classes, f6) }),
  });
}

/** Names and initialisation as Caffe's `lenet_train_test.prototxt`: xavier over the inputs, biases 0. */
function caffe({ sizes }: LeNetVariant, { classes }: NetTarget): Layer {
  const [c1, c2, units] = sizes as [number, number, number];
  const init = {
    weightInitializer: kaimingUniform({ nonlinearity: "linear" }),
    biasInitializer: constant(0),
  };
  return sequential({
    conv1: conv2d({ channels: c1, kernel: 5, ...init }),
    pool1: maxPool2d({ kernel: 2 }),
    conv2: conv2d({ channels: c2, kernel: 5, ...init }),
    pool2: maxPool2d({ kernel: 2 }),
    flatten: flatten(),
    ip1: linear({ features: units, ...init }),
    relu1: relu(),
    ip2: linear({ features: classes, ...init }),
  });
}
