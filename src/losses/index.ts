import { bceWithLogits } from "./bceWithLogits.ts";
import { crossEntropy, nll } from "./crossEntropy.ts";
import { klDiv } from "./klDiv.ts";
import { multiclassHinge } from "./multiclassHinge.ts";
import { rbfLoss } from "./rbfLoss.ts";
import { huber, l1, mse, smoothL1 } from "./regression.ts";

export {
  type BceWithLogitsOptions,
  bceWithLogits,
} from "./bceWithLogits.ts";
export type { ClassWeights } from "./classWeights.ts";
export {
  type CrossEntropyOptions,
  crossEntropy,
  type NllOptions,
  nll,
} from "./crossEntropy.ts";
export { type KlDivOptions, klDiv } from "./klDiv.ts";
export { type HingeForm, type MulticlassHingeOptions, multiclassHinge } from "./multiclassHinge.ts";
export { type RbfLossOptions, rbfLoss } from "./rbfLoss.ts";
export type { LossOptions, Reduction } from "./reduction.ts";
export { huber, l1, mse, smoothL1 } from "./regression.ts";

/**
 * Every loss, with what it reads: `input` is what the net must give, `target` what it is compared with.
 * `classes` are int32 `[N, …]`; the other targets are float32 of the input's shape.
 */
export const losses = {
  crossEntropy: { loss: crossEntropy, input: "logits", target: "classes or probabilities" },
  nll: {
    loss: nll,
    input: "log-probabilities",
    target: "classes",
  },
  multiclassHinge: { loss: multiclassHinge, input: "scores", target: "classes" },
  rbfLoss: { loss: rbfLoss, input: "penalties", target: "classes" },
  bceWithLogits: {
    loss: bceWithLogits,
    input: "logits",
    target: "probabilities",
  },
  klDiv: { loss: klDiv, input: "log-probabilities", target: "probabilities" },
  mse: { loss: mse, input: "values", target: "values" },
  l1: { loss: l1, input: "values", target: "values" },
  smoothL1: { loss: smoothL1, input: "values", target: "values" },
  huber: { loss: huber, input: "values", target: "values" },
} as const;

export type LossName = keyof typeof losses;
