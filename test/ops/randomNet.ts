import type { Shape } from "../../src/core/shape.ts";
import { GraphBuilder, type Value } from "../../src/graph/builder.ts";
import { avgPool2d, globalAvgPool2d } from "../../src/graph/ops/avgPool2d.ts";
import { add, multiply } from "../../src/graph/ops/binary.ts";
import { concat } from "../../src/graph/ops/concat.ts";
import { conv2d, convTranspose2d } from "../../src/graph/ops/conv2d.ts";
import { matmul } from "../../src/graph/ops/matmul.ts";
import { maxPool2d } from "../../src/graph/ops/maxPool2d.ts";
import {
  batchNormOp,
  layerNormOp,
  localResponseNormOp,
} from "../../src/graph/ops/normalization.ts";
import { pad } from "../../src/graph/ops/pad.ts";
import { flatten, reshape } from "../../src/graph/ops/reshape.ts";
import { resize } from "../../src/graph/ops/resize.ts";
import { channelShuffle } from "../../src/graph/ops/shuffle.ts";
import { slice } from "../../src/graph/ops/slice.ts";
import { logSoftmax } from "../../src/graph/ops/softmax.ts";
import { transpose } from "../../src/graph/ops/transpose.ts";
import { type UnaryName, unary } from "../../src/graph/ops/unary.ts";
import type { OpCase } from "./opCase.ts";

/** One layer of a random net: which, and two numbers that shape it. */
export type Gene = readonly [kind: number, a: number, b: number];

/** Gives a parameter of the net. */
type Parameter = (shape: Shape, range?: readonly [number, number]) => Value;

type Step = (x: Value, a: number, b: number, parameter: Parameter) => Value;

const activations: readonly UnaryName[] = [
  "relu",
  "tanh",
  "gelu",
  "silu",
  "sigmoid",
  "elu",
  "softplus",
  "hardSwish",
];

const channelsOf = (x: Value): number => x.shape[1]!;

/** Shares of ones that weights of a layer stay below, so that sums neither vanish nor grow. */
function weights(parameter: Parameter, shape: Shape, fanIn: number): Value {
  const bound = Math.sqrt(3 / fanIn);
  return parameter(shape, [-bound, bound]);
}

function convolve(x: Value, channels: number, kernel: number, parameter: Parameter): Value {
  const inputs = channelsOf(x);
  const weight = weights(parameter, [channels, inputs, kernel, kernel], inputs * kernel ** 2);
  return conv2d(x, weight, { padding: Math.floor(kernel / 2), bias: parameter([channels]) });
}

/** The layers that random nets are made of; each takes and gives `[N, C, H, W]`. */
const steps: readonly Step[] = [
  (x, a, b, parameter) => convolve(x, 1 + (a % 9), 1 + (b % 4), parameter),
  (x, a, b, parameter) => {
    const inputs = channelsOf(x);
    const groups = [4, 3, 2, 1].find((count) => inputs % count === 0)!;
    const channels = groups * (1 + (a % 4));
    const kernel = 1 + (b % 3);
    const shape = [channels, inputs / groups, kernel, kernel];
    const weight = weights(parameter, shape, (inputs / groups) * kernel ** 2);
    const stride = 1 + (a % 2);
    return conv2d(x, weight, { groups, stride, padding: kernel - 1, fit: "floor" });
  },
  (x, a, b, parameter) => {
    const groups = channelsOf(x);
    const weight = weights(parameter, [groups * (1 + (a % 2)), 1, 3, 3], 9);
    return conv2d(x, weight, { groups, padding: 1 + (b % 2), dilation: 1 + (b % 2) });
  },
  (x, a, b, parameter) => {
    const stride = 1 + (a % 2);
    const channels = 1 + (b % 4);
    const weight = weights(parameter, [channelsOf(x), channels, 2, 3], channelsOf(x) * 3);
    return convTranspose2d(x, weight, { stride, padding: [0, 1], outputPadding: stride - 1 });
  },
  (x, a) => unary(x, activations[a % activations.length]!),
  (x, a) => unary(x, activations[a % activations.length]!),
  (x, _a, _b, parameter) => {
    const scale = [parameter([channelsOf(x)], [0.5, 1.5]), parameter([channelsOf(x)])];
    const attributes = { eps: 1e-2, affine: true, training: true };
    return x.builder.add(batchNormOp, [x, ...scale], attributes)[0]!;
  },
  (x) => x.builder.add(layerNormOp, [x], { eps: 1e-2, axes: [1], affine: false })[0]!,
  (x, a) => {
    const attributes = { size: 2 + (a % 4), alpha: 0.2, beta: 0.75, k: 1 };
    return x.builder.add(localResponseNormOp, [x], attributes)[0]!;
  },
  (x, a, b) => maxPool2d(x, { kernel: 3, stride: 1 + (a % 2), padding: b % 2, fit: "ceil" }),
  (x, a, b) => {
    const fit = a % 2 === 0 ? "ceil" : "floor";
    return avgPool2d(x, {
      kernel: 2,
      stride: 1 + (b % 2),
      padding: 1,
      fit,
      countIncludePad: a > 4,
    });
  },
  (x, a, _b, parameter) => {
    const same = convolve(x, channelsOf(x), 3, parameter);
    return a % 2 === 0 ? add(x, unary(same, "relu")) : multiply(same, unary(x, "sigmoid"));
  },
  (x, a, b, parameter) => concat([x, convolve(x, 1 + (a % 3), 1, parameter)].reverse(), 1 + 0 * b),
  (x, _a, _b, parameter) => {
    const gate = unary(convolve(globalAvgPool2d(x), channelsOf(x), 1, parameter), "sigmoid");
    return multiply(x, gate);
  },
  (x, a, b) => resize(x, { size: [2 + (a % 6), 2 + (b % 6)], mode: "bilinear" }),
  (x, a) => channelShuffle(x, channelsOf(x) % 2 === 0 && a % 2 === 0 ? 2 : channelsOf(x)),
  (x, a) => pad(x, { before: [0, 0, 1, 0], after: [0, 0, a % 2, 1], mode: "replicate" }),
  (x) => transpose(x, [0, 1, 3, 2]),
  (x, a) => (channelsOf(x) < 2 ? x : slice(x, 1, a % 2, channelsOf(x) - 1 + (a % 2))),
];

/** How many kinds of layer a gene can name. */
export const kindCount = steps.length;

/** Largest plane and number of channels; beyond them a layer that enlarges is left out. */
const mostPixels = 200;
const mostChannels = 24;

function grow(genes: readonly Gene[], x: Value, parameter: Parameter): Value {
  let y = x;
  for (const [kind, a, b] of genes) {
    const [, channels, height, width] = y.shape as [number, number, number, number];
    if (height * width > mostPixels || channels > mostChannels)
      y = avgPool2d(convolve(y, 3, 1, parameter), { kernel: 2, fit: "ceil" });
    // Windows of 3 need 3 pixels.
    if (Math.min(y.shape[2]!, y.shape[3]!) < 3) y = resize(y, { size: 4, mode: "nearest" });
    y = steps[kind % steps.length]!(y, a, b, parameter);
  }
  const features = flatten(globalAvgPool2d(y));
  const weight = weights(parameter, [5, features.shape[1]!], features.shape[1]!);
  return logSoftmax(reshape(matmul(features, weight, { transposeB: true }), [-1, 5]));
}

/** A net from its genes, as a case whose inputs are an image and all parameters. */
export function randomNet(name: string, image: Shape, genes: readonly Gene[]): OpCase {
  const inputs: { shape: Shape; range?: readonly [number, number] }[] = [{ shape: image }];
  const builder = new GraphBuilder();
  grow(genes, builder.input("image", image), (shape, range = [-0.5, 0.5]) => {
    inputs.push({ shape, range });
    return builder.input(`parameter ${inputs.length}`, shape);
  });
  return {
    name,
    inputs,
    build([x, ...parameters]) {
      const rest = [...parameters];
      return grow(genes, x!, () => rest.shift()!);
    },
  };
}
