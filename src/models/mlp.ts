/**
 * Multi-layer perceptrons: what an image costs without convolutions.
 *
 * Rumelhart, Hinton & Williams 1986, "Learning representations by back-propagating errors" (Nature), for the training.
 * `mlp` is the lecture's example, 64x64x3 = 12288 inputs, 1000 and 500 hidden units and two classes: 12,789,000 weights,
 * 12,790,502 parameters with the biases. `wide` has an image of 256x256x3 = 196,608 inputs before one hidden layer of 1000
 * units, 196,608,000 weights in the first layer alone. `mnist` is the size used for digits (28x28, 300 and 100 units,
 * LeCun et al. 1998: 3.05 % test error).
 */
import { relu } from "../layers/activation.ts";
import type { Layer } from "../layers/layer.ts";
import { linear } from "../layers/linear.ts";
import { flatten, sequential } from "../layers/structure.ts";
import type { NetFamily, NetTarget, NetVariant } from "./net.ts";

/** A row of the table. */
export interface MlpVariant extends NetVariant {
  /** Units of each hidden layer. */
  readonly hidden: readonly number[];
}

export const mlp: NetFamily<MlpVariant> = {
  paper: "Rumelhart, Hinton & Williams 1986, Learning Representations by Back-Propagating Errors",
  year: 1986,
  input: [3, 64, 64],
  classes: 2,
  minimum: 1,
  nets: {
    mlp: {
      deck: { hidden: [1000, 500] },
      wide: { hidden: [1000], input: [3, 256, 256] },
      mnist: {
        hidden: [300, 100],
        input: [1, 28, 28],
        classes: 10,
        source:
          "LeCun et al. 1998, Gradient-Based Learning Applied to Document Recognition, III.C.3",
      },
    },
  },
  tests: { test: { hidden: [6, 5], input: [3, 4, 4], classes: 3 } },
  build,
};

function build({ hidden }: MlpVariant, { classes }: NetTarget): Layer {
  const layers: Record<string, Layer> = { flatten: flatten() };
  hidden.forEach((features, i) => {
    layers[`fc${i + 1}`] = linear({ features });
    layers[`relu${i + 1}`] = relu();
  });
  layers[`fc${hidden.length + 1}`] = linear({ features: classes });
  return sequential(layers);
}
