import {
  bceWithLogits,
  crossEntropy,
  huber,
  klDiv,
  type LossName,
  l1,
  mse,
  multiclassHinge,
  nll,
  rbfLoss,
  smoothL1,
} from "../../src/losses/index.ts";
import type { OpCase, OpInput } from "./opCase.ts";

const logits: OpInput = { shape: [4, 5] };
const target: OpInput = { shape: [4], dtype: "int32", values: [1, 0, 4, 2] };
/** Values and targets that are 0.1 away from one another, from 1 and from −1. */
const values: OpInput = { shape: [3, 5], distinct: { step: 0.2 } };
const others: OpInput = { shape: [3, 5], distinct: { step: 0.4, offset: 0.1 }, gradient: false };
const probabilities: OpInput = { shape: [4, 5], range: [0, 1] };
/** Scores whose margins are odd multiples of 0.05 away from the hinge. */
const scores: OpInput = { shape: [4, 5], distinct: { step: 0.17 } };

export const lossCases: { readonly [K in LossName]: readonly OpCase[] } = {
  crossEntropy: [
    ...(["mean", "sum", "none"] as const).map(
      (reduction): OpCase => ({
        name: reduction,
        inputs: [logits, target],
        build: ([x, t]) => crossEntropy(x!, t!, { reduction }),
      }),
    ),
    {
      name: "smoothed, weighted, one ignored",
      inputs: [logits, target],
      build: ([x, t]) =>
        crossEntropy(x!, t!, {
          labelSmoothing: 0.2,
          classWeights: [1, 0.5, 2, 0, 3],
          ignoreIndex: 4,
        }),
    },
    {
      name: "probabilities, smoothed, weighted",
      inputs: [logits, probabilities],
      build: ([x, t]) =>
        crossEntropy(x!, t!, { labelSmoothing: 0.1, classWeights: [1, 0.5, 2, 0, 3] }),
    },
    {
      name: "a class for each pixel",
      inputs: [{ shape: [2, 3, 2, 2] }, { shape: [2, 2, 2], dtype: "int32", range: [0, 2] }],
      build: ([x, t]) => crossEntropy(x!, t!),
    },
  ],
  nll: [
    {
      name: "weighted by a tensor",
      inputs: [logits, target, { shape: [5], range: [0.5, 2] }],
      build: ([x, t, weights]) => nll(x!, t!, { classWeights: weights! }),
    },
  ],
  multiclassHinge: (["westonWatkins", "torch", "crammerSinger"] as const).flatMap((form) =>
    ([1, 2] as const).map((power) => ({
      name: `${form}, power ${power}`,
      inputs: [scores, target],
      build: ([x, t]) => multiclassHinge(x!, t!, { form, power, margin: 0.92 }),
    })),
  ),
  rbfLoss: (["penalty", "discriminative"] as const).map((form) => ({
    name: form,
    inputs: [{ shape: [4, 5], range: [0, 4] }, target],
    build: ([x, t]) => rbfLoss(x!, t!, { form }),
  })),
  bceWithLogits: [
    {
      name: "plain",
      inputs: [{ ...logits, avoid: [0] }, probabilities],
      build: ([x, t]) => bceWithLogits(x!, t!),
    },
    {
      name: "with positive weights",
      inputs: [{ ...logits, avoid: [0] }, probabilities, { shape: [5], range: [0.5, 3] }],
      build: ([x, t, p]) => bceWithLogits(x!, t!, { positiveWeights: p!, reduction: "sum" }),
    },
  ],
  klDiv: [
    ...(["mean", "sum", "none", "batchMean"] as const).map(
      (reduction): OpCase => ({
        name: reduction,
        inputs: [logits, { ...probabilities, range: [0.05, 1] }],
        build: ([x, t]) => klDiv(x!, t!, { reduction }),
      }),
    ),
    {
      name: "target as logarithms",
      inputs: [logits, logits],
      build: ([x, t]) => klDiv(x!, t!, { logTarget: true }),
    },
  ],
  mse: [{ name: "mean", inputs: [values, others], build: ([x, t]) => mse(x!, t!) }],
  l1: [{ name: "mean", inputs: [values, others], build: ([x, t]) => l1(x!, t!) }],
  smoothL1: [
    { name: "β 1", inputs: [values, others], build: ([x, t]) => smoothL1(x!, t!) },
    { name: "β 0.4", inputs: [values, others], build: ([x, t]) => smoothL1(x!, t!, { beta: 0.4 }) },
  ],
  huber: [
    { name: "δ 1", inputs: [values, others], build: ([x, t]) => huber(x!, t!) },
    {
      name: "δ 0.4, added up",
      inputs: [values, others],
      build: ([x, t]) => huber(x!, t!, { delta: 0.4, reduction: "sum" }),
    },
  ],
};
