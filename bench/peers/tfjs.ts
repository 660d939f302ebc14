// Throughput of tensorflow.js on its WebAssembly or CPU backend; started by bench/run.ts, which installs the packages.
import { createRequire } from "node:module";
import { join } from "node:path";
import { cache } from "../cache.ts";
import { nets, type Words } from "./nets.ts";
import { answer, readRequest } from "./request.ts";
import { timeSteps } from "./stepClock.ts";

/** What is used of the package, whose types are not here when it is not. */
interface Tensor {
  readonly shape: readonly number[];
  data(): Promise<Float32Array>;
  dispose(): void;
}
interface Tensorflow {
  readonly version_core: string;
  readonly train: {
    momentum(
      rate: number,
      momentum: number,
    ): { minimize(loss: () => Tensor, returnCost: true): Tensor };
  };
  readonly losses: { softmaxCrossEntropy(labels: Tensor, logits: Tensor): Tensor };
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  tidy<R>(body: () => R): R;
  variable(value: Tensor): Tensor;
  randomUniform(shape: readonly number[], low?: number, high?: number): Tensor;
  randomNormal(shape: readonly number[], mean: number, deviation: number): Tensor;
  zeros(shape: readonly number[]): Tensor;
  ones(shape: readonly number[]): Tensor;
  oneHot(indices: Int32Array, classes: number): Tensor;
  conv2d(x: Tensor, filter: Tensor, stride: number, ...pad: Pad): Tensor;
  depthwiseConv2d(x: Tensor, filter: Tensor, stride: number, ...pad: Pad): Tensor;
  maxPool(x: Tensor, kernel: number, stride: number, pad: number, rounding: "floor"): Tensor;
  avgPool(x: Tensor, kernel: number, stride: number, pad: "valid"): Tensor;
  moments(x: Tensor, axes: readonly number[]): { readonly mean: Tensor; readonly variance: Tensor };
  batchNorm(
    x: Tensor,
    mean: Tensor,
    variance: Tensor,
    offset: Tensor,
    scale: Tensor,
    eps: number,
  ): Tensor;
  localResponseNormalization(
    x: Tensor,
    radius: number,
    bias: number,
    alpha: number,
    beta: number,
  ): Tensor;
  add(x: Tensor, y: Tensor): Tensor;
  mul(x: Tensor, factor: number): Tensor;
  reshape(x: Tensor, shape: readonly number[]): Tensor;
  slice(x: Tensor, begin: readonly number[], size: readonly number[]): Tensor;
  mean(x: Tensor, axes: readonly number[]): Tensor;
  pad(x: Tensor, paddings: readonly (readonly [number, number])[]): Tensor;
  relu(x: Tensor): Tensor;
  matMul(x: Tensor, y: Tensor): Tensor;
  concat(tensors: readonly Tensor[], axis: number): Tensor;
}
type Pad = readonly [pad: number, format: "NHWC", dilation: 1, rounding: "floor"];

const request = readRequest(["backend"]);
const require = createRequire(join(cache, "package.json"));
const tf = require("@tensorflow/tfjs") as Tensorflow;
const { backend } = request.values;
require(`@tensorflow/tfjs-backend-${backend}`);
await tf.setBackend(backend!);
await tf.ready();

const variables: Tensor[] = [];
let next = 0;
/** The weights of the call at hand: made in the first pass, then read in the same order. */
function weights(make: () => Tensor): Tensor {
  if (next === variables.length) variables.push(tf.variable(make()));
  next++;
  return variables[next - 1]!;
}
function drawn(shape: readonly number[], fanIn: number): Tensor {
  return weights(() => tf.randomNormal(shape, 0, Math.sqrt(2 / fanIn)));
}
const vector = (size: number, make: typeof tf.zeros) => weights(() => make([size]));

const trains = request.mode === "train";
const words: Words<Tensor> = {
  conv(x, filters, kernel, stride, pad, bias) {
    const channels = x.shape[3]!;
    const filter = drawn([kernel, kernel, channels, filters], kernel * kernel * channels);
    const y = tf.conv2d(x, filter, stride, pad, "NHWC", 1, "floor");
    return bias ? tf.add(y, vector(filters, tf.zeros)) : y;
  },
  depthwise(x, kernel, stride, pad) {
    const filter = drawn([kernel, kernel, x.shape[3]!, 1], kernel * kernel);
    return tf.depthwiseConv2d(x, filter, stride, pad, "NHWC", 1, "floor");
  },
  batchNorm(x) {
    const channels = x.shape[3]!;
    const [offset, scale] = [vector(channels, tf.zeros), vector(channels, tf.ones)];
    const { mean, variance } = trains
      ? tf.moments(x, [0, 1, 2])
      : { mean: vector(channels, tf.zeros), variance: vector(channels, tf.ones) };
    return tf.batchNorm(x, mean, variance, offset, scale, 1e-5);
  },
  relu: (x) => tf.relu(x),
  maxPool: (x, kernel, stride, pad) => tf.maxPool(x, kernel, stride, pad, "floor"),
  normalizeResponse: (x) => tf.localResponseNormalization(x, 2, 2, 1e-4, 0.75),
  meanOfPixels: (x) => tf.mean(x, [1, 2]),
  averageTo7(x) {
    // From 2x2: the middle row and column are means of both, the others copies.
    const spread = (t: Tensor, axis: 1 | 2): Tensor => {
      const part = (at: number) => {
        const begin = [0, 0, 0, 0];
        begin[axis] = at;
        const size = [...t.shape];
        size[axis] = 1;
        return tf.slice(t, begin, size);
      };
      const [a, b] = [part(0), part(1)];
      return tf.concat([a, a, a, tf.mul(tf.add(a, b), 0.5), b, b, b], axis);
    };
    return spread(spread(x, 1), 2);
  },
  flatten: (x) => tf.reshape(x, [x.shape[0]!, x.shape.slice(1).reduce((a, b) => a * b, 1)]),
  linear(x, features) {
    const inputs = x.shape[1]!;
    return tf.add(tf.matMul(x, drawn([inputs, features], inputs)), vector(features, tf.zeros));
  },
  add: (x, y) => tf.add(x, y),
  subsample(x, channels) {
    const half = (channels - x.shape[3]!) / 2;
    return tf.pad(tf.avgPool(x, 1, 2, "valid"), [
      [0, 0],
      [0, 0],
      [0, 0],
      [half, half],
    ]);
  },
  concat: (x, y) => tf.concat([x, y], 3),
};

const { batch, classes, net } = request;
const images = tf.randomUniform([batch, ...request.input]);
const labels = tf.oneHot(
  Int32Array.from({ length: batch }, (_, i) => i % classes),
  classes,
);
const forward = (): Tensor => {
  next = 0;
  return nets[net]!(words, images, classes);
};
// The variables must exist before a gradient is asked for.
tf.tidy(() => {
  forward();
});
const optimizer = tf.train.momentum(0.001, 0.9);
const times = await timeSteps(async () => {
  const result = trains
    ? optimizer.minimize(() => tf.losses.softmaxCrossEntropy(labels, forward()), true)
    : tf.tidy(forward);
  await result.data();
  result.dispose();
}, request.seconds * 1000);
answer("tfjs", request, times, `tensorflow.js ${tf.version_core}, ${backend}`);
process.exit(0);
