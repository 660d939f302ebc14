import type { Layer } from "../layers/layer.ts";
import type { AverageOptions } from "../optim/averageWeights.ts";
import type { ClipOptions } from "../optim/clipGradients.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import type { ParameterGroup } from "../optim/parameterGroups.ts";
import type { Normalization } from "./normalization.ts";

/** Losses that a classifier is trained with, and whether a small output of the net means a likely class. */
export const classifierLosses = {
  crossEntropy: { smallIsLikely: false },
  multiclassHinge: { smallIsLikely: false },
  rbfLoss: { smallIsLikely: true },
} as const;

export type ClassifierLoss = keyof typeof classifierLosses;

/** A net with what its inputs and outputs mean. */
export interface NetRecipe {
  readonly net: Layer;
  /** Channels, height, width. */
  readonly input: readonly [number, number, number];
  readonly classes: number;
  readonly normalization: Normalization;
  /** What it is trained with. Default `crossEntropy`. */
  readonly loss?: ClassifierLoss;
}

/** Everything that decides what one training step computes. Together with a batch it is the graph. */
export interface Recipe extends NetRecipe {
  readonly optimizer: Optimizer;
  /** Share of the target spread over all classes; cross-entropy only. Default 0. */
  readonly labelSmoothing?: number;
  /** A factor for each class. Default 1 for all. */
  readonly classWeights?: readonly number[];
  /** Whether targets are probabilities (MixUp, CutMix) instead of classes. */
  readonly softTargets?: boolean;
  readonly clip?: ClipOptions;
  readonly groups?: readonly ParameterGroup[];
  /** Whether biases, scales and shifts decay, too. Default true, as PyTorch. */
  readonly decayVectors?: boolean;
  /** Keeps a moving average of the weights, which is what is validated and kept. */
  readonly average?: AverageOptions;
  /** Parameters that stay as they are. */
  readonly frozen?: (name: string) => boolean;
  /**
   * Batches whose gradients are added up before one update. The sum is exact: it is the gradient of all
   * their images as one batch. Batch norm still normalises each of them by its own statistics, and moves its
   * running statistics once for each.
   */
  readonly accumulate?: number;
}
