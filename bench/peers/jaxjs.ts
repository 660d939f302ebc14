// Throughput of jax-js on its WebAssembly backend; started by bench/run.ts, which installs the package.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { cache } from "../cache.ts";
import { nets, type Words } from "./nets.ts";
import { answer, readRequest } from "./request.ts";
import { timeSteps } from "./stepClock.ts";

/** What is used of the package, whose types are not here when it is not. Every use takes an array; `ref` keeps it. */
interface Tensor {
  readonly ref: Tensor;
  readonly shape: readonly number[];
  add(other: Tensor | number): Tensor;
  sub(other: Tensor): Tensor;
  mul(other: Tensor | number): Tensor;
  div(other: Tensor): Tensor;
  reshape(shape: readonly number[]): Tensor;
  blockUntilReady(): Promise<Tensor>;
  dispose(): void;
}
type Pairs = readonly (readonly [number, number])[];
interface Jax {
  init(device: string): Promise<readonly string[]>;
  defaultDevice(device: string): string;
  jit<F>(body: F): F;
  valueAndGrad(
    loss: (weights: Tensor[]) => Tensor,
  ): (weights: Tensor[]) => readonly [Tensor, Tensor[]];
  readonly numpy: {
    array(data: Float32Array): Tensor;
    max(x: Tensor): Tensor;
    mean(x: Tensor, axes?: readonly number[], options?: { keepdims: boolean }): Tensor;
    sum(x: Tensor): Tensor;
    sqrt(x: Tensor): Tensor;
    power(x: Tensor, exponent: number): Tensor;
    pad(x: Tensor, width: Pairs): Tensor;
    matmul(x: Tensor, y: Tensor): Tensor;
    concatenate(xs: readonly Tensor[], axis: number): Tensor;
  };
  readonly nn: { relu(x: Tensor): Tensor; logSoftmax(x: Tensor): Tensor };
  readonly lax: {
    convGeneralDilated(
      x: Tensor,
      filter: Tensor,
      strides: readonly number[],
      padding: Pairs,
      options: { readonly featureGroupCount: number },
    ): Tensor;
    reduceWindow(
      x: Tensor,
      reduce: (x: Tensor) => Tensor,
      window: readonly number[],
      strides: readonly number[],
    ): Tensor;
  };
}

const request = readRequest(["backend"]);
const folder = join(cache, "node_modules/@jax-js/jax");
const jax = (await import(pathToFileURL(join(folder, "dist/index.js")).href)) as Jax;
const { numpy: np, lax, nn } = jax;
const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
  version: string;
};
await jax.init("wasm");
jax.defaultDevice("wasm");

const filled = (shape: readonly number[], make: () => number): Tensor => {
  const count = shape.reduce((a, b) => a * b, 1);
  return np.array(Float32Array.from({ length: count }, make)).reshape(shape);
};
/** All weights: made in the first pass, then handed to each step and read in the same order. */
const initial: Tensor[] = [];
let given: readonly Tensor[] | undefined;
let next = 0;
function weight(shape: readonly number[], make: () => number): Tensor {
  if (given === undefined) initial.push(filled(shape, make));
  next++;
  return (given ?? initial)[next - 1]!.ref;
}
const drawn = (shape: readonly number[], fanIn: number) =>
  weight(shape, () => (2 * Math.random() - 1) * Math.sqrt(3 / fanIn));
const zeros = (size: number, shape: readonly number[] = [size]) => weight(shape, () => 0);

function convolve(x: Tensor, filter: Tensor, stride: number, pad: number, groups: number): Tensor {
  const padding = [[pad, pad] as const, [pad, pad] as const];
  return lax.convGeneralDilated(x.ref, filter, [stride, stride], padding, {
    featureGroupCount: groups,
  });
}

/** Tensors are N, C, H, W here. */
const words: Words<Tensor> = {
  conv(x, filters, kernel, stride, pad, bias) {
    const channels = x.shape[1]!;
    const filter = drawn([filters, channels, kernel, kernel], channels * kernel * kernel);
    const y = convolve(x, filter, stride, pad, 1);
    return bias ? y.add(zeros(filters, [filters, 1, 1])) : y;
  },
  depthwise(x, kernel, stride, pad) {
    const channels = x.shape[1]!;
    return convolve(
      x,
      drawn([channels, 1, kernel, kernel], kernel * kernel),
      stride,
      pad,
      channels,
    );
  },
  batchNorm(x) {
    const channels = x.shape[1]!;
    const centred = x.ref.sub(np.mean(x.ref, [0, 2, 3], { keepdims: true }));
    const variance = np.mean(centred.ref.mul(centred.ref), [0, 2, 3], { keepdims: true });
    const y = centred.div(np.sqrt(variance.add(1e-5)));
    const scale = weight([channels, 1, 1], () => 1);
    return y.mul(scale).add(zeros(channels, [channels, 1, 1]));
  },
  relu: (x) => nn.relu(x.ref),
  maxPool(x, kernel, stride, pad) {
    // Zeros around, which cannot win after relu.
    const [none, both] = [[0, 0] as const, [pad, pad] as const];
    const padded = pad === 0 ? x.ref : np.pad(x.ref, [none, none, both, both]);
    return lax.reduceWindow(padded, (w) => np.max(w), [kernel, kernel], [stride, stride]);
  },
  normalizeResponse(x) {
    const [n, c, h, w] = x.shape as [number, number, number, number];
    const squares = x.ref.mul(x.ref).reshape([n, 1, c, h * w]);
    const [none, two] = [[0, 0] as const, [2, 2] as const];
    const padded = np.pad(squares, [none, none, two, none]);
    const sums = lax.reduceWindow(padded, (window) => np.sum(window), [5, 1], [1, 1]);
    const scale = np.power(sums.mul(1e-4).add(2), -0.75);
    return x.ref.mul(scale.reshape([n, c, h, w]));
  },
  meanOfPixels: (x) => np.mean(x.ref, [2, 3]),
  averageTo7(x) {
    // From 2x2, as products: the middle row and column are means of both, the others copies.
    const columns = [1, 1, 1, 0.5, 0, 0, 0, 0, 0, 0, 0.5, 1, 1, 1];
    const wide = np.matmul(x.ref, np.array(Float32Array.from(columns)).reshape([2, 7]));
    const rows = Array.from({ length: 14 }, (_, i) => columns[(i % 2) * 7 + (i >> 1)]!);
    return np.matmul(np.array(Float32Array.from(rows)).reshape([7, 2]), wide);
  },
  flatten: (x) => x.ref.reshape([x.shape[0]!, x.shape.slice(1).reduce((a, b) => a * b, 1)]),
  linear(x, features) {
    const inputs = x.shape[1]!;
    return np.matmul(x.ref, drawn([inputs, features], inputs)).add(zeros(features));
  },
  add: (x, y) => x.ref.add(y.ref),
  subsample(x, channels) {
    const half = (channels - x.shape[1]!) / 2;
    const [none, both] = [[0, 0] as const, [half, half] as const];
    const fewer = lax.reduceWindow(x.ref, (window) => np.max(window), [1, 1], [2, 2]);
    return np.pad(fewer, [none, both, none, none]);
  },
  concat: (x, y) => np.concatenate([x.ref, y.ref], 1),
};

const { batch, classes, net, mode } = request;
const [height, width, channels] = request.input;
const images = filled([batch, channels, height, width], Math.random);
let at = 0;
const labels = filled([batch, classes], () => {
  const place = at++;
  return place % classes === Math.floor(place / classes) % classes ? 1 : 0;
});
const forward = (weights?: readonly Tensor[]): Tensor => {
  given = weights;
  next = 0;
  return nets[net]!(words, images, classes);
};
await forward().blockUntilReady();

const lossOf = (weights: Tensor[]): Tensor =>
  np.sum(nn.logSoftmax(forward(weights)).mul(labels.ref)).mul(-1 / batch);
const train = jax.jit((weights: Tensor[]): Tensor[] => {
  const [loss, slopes] = jax.valueAndGrad(lossOf)(weights.map((w) => w.ref));
  return [loss, ...weights.map((w, i) => w.sub(slopes[i]!.mul(0.001)))];
});
const infer = jax.jit((weights: Tensor[]): Tensor => forward(weights));
let current = initial;
const times = await timeSteps(async () => {
  if (mode === "infer") {
    const scores = infer(current.map((w) => w.ref));
    await scores.blockUntilReady();
    scores.dispose();
    return;
  }
  const [loss, ...updated] = train(current);
  await loss!.blockUntilReady();
  loss!.dispose();
  current = updated;
}, request.seconds * 1000);
answer("jaxjs", request, times, `jax-js ${version}, WebAssembly`);
process.exit(0);
