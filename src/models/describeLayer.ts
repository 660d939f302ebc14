import type { Shape } from "../core/shape.ts";
import type { LayerSummary } from "./summary.ts";

/** A layer in the literature's words. */
export interface LayerDescription {
  /** `CONV1`, `MAX POOL2`, `FC8`; where the path says more, `CONV layer1.0.conv1`. */
  readonly title: string;
  /** `96 11x11 filters at stride 4, pad 0`. Empty where there is nothing to say. */
  readonly text: string;
}

/** `55x55x96` for a map `[96, 55, 55]`, `4096` for a vector: as people write sizes. */
export function formatSize(shape: Shape): string {
  if (shape.length !== 3) return shape.join("x");
  const [channels, height, width] = shape;
  return `${height}x${width}x${channels}`;
}

/** What a kind of layer is called, and the beginnings of names that say no more than that. */
const words: Readonly<Record<string, readonly [title: string, ...plainNames: string[]]>> = {
  conv2d: ["CONV", "conv", "c"],
  depthwiseConv2d: ["DEPTHWISE CONV", "conv"],
  partialConv2d: ["CONV", "conv", "c"],
  convTranspose2d: ["TRANSPOSED CONV", "conv"],
  conv2dInputGradient: ["TRANSPOSED CONV"],
  linear: ["FC", "fc", "ip", "f"],
  matmul: ["FC"],
  maxPool2d: ["MAX POOL", "pool", "maxpool"],
  avgPool2d: ["AVERAGE POOL", "pool", "avgpool"],
  adaptiveAvgPool2d: ["AVERAGE POOL", "pool", "avgpool"],
  adaptiveMaxPool2d: ["MAX POOL", "pool", "maxpool"],
  globalAvgPool2d: ["GLOBAL AVERAGE POOL", "pool", "avgpool"],
  globalMaxPool2d: ["GLOBAL MAX POOL", "pool", "maxpool"],
  subsampling: ["SUBSAMPLING", "s"],
  localResponseNorm: ["NORM", "norm"],
  batchNorm2d: ["BATCH NORM", "bn", "norm"],
  batchNorm1d: ["BATCH NORM", "bn", "norm"],
  batchNorm: ["BATCH NORM"],
  layerNorm: ["LAYER NORM", "norm"],
  groupNorm: ["GROUP NORM", "norm"],
  instanceNorm: ["INSTANCE NORM", "norm"],
  globalResponseNorm: ["RESPONSE NORM", "grn"],
  radialBasis: ["RBF", "output"],
  concat: ["CONCAT", "concat"],
  sum: ["SUM", "sum"],
  multiply: ["MULTIPLY", "multiply"],
  layerScale: ["LAYER SCALE", "layerscale"],
  prelu: ["PRELU", "prelu"],
  dropout: ["DROPOUT", "dropout", "drop"],
  stochasticDepth: ["STOCHASTIC DEPTH"],
  flatten: ["FLATTEN", "flatten"],
};

/** Title and text of a line of the table. */
export function describeLayer(layer: LayerSummary): LayerDescription {
  return { title: titleOf(layer), text: (texts[layer.kind] ?? nothing)(layer) };
}

function titleOf({ name, kind, options }: LayerSummary): string {
  const isUnary = kind === "activation" || kind === "unary";
  const known = isUnary ? [String(options.function)] : (words[kind] ?? [kind]);
  const [title, ...plain] = known as readonly [string, ...string[]];
  const upper = isUnary || words[kind] === undefined ? upperCase(title) : title;
  const [, letters, number] = /^([A-Za-z]+)_?(\d*)$/.exec(name) ?? [];
  const isPlain =
    letters !== undefined && [...plain, isUnary ? title : ""].includes(letters.toLowerCase());
  if (name === "" || isPlain) return `${upper}${number ?? ""}`;
  return `${upper} ${name}`;
}

/** `leakyRelu` as `LEAKY RELU`. */
function upperCase(word: string): string {
  return word.replace(/([a-z])([A-Z])/g, "$1 $2").toUpperCase();
}

type Describe = (layer: LayerSummary) => string;

const nothing: Describe = () => "";

const normalization: Describe = () => "normalization";

const texts: Readonly<Record<string, Describe>> = {
  conv2d: convolution,
  depthwiseConv2d: convolution,
  partialConv2d: convolution,
  convTranspose2d: convolution,
  linear: neurons,
  matmul: neurons,
  radialBasis: ({ output }) => `${output[0]} distances from codes`,
  maxPool2d: pooling,
  avgPool2d: pooling,
  subsampling: (layer) => `${pooling(layer)}, trained factor and bias`,
  adaptiveAvgPool2d: ({ output }) => `to ${output[1]}x${output[2]}`,
  adaptiveMaxPool2d: ({ output }) => `to ${output[1]}x${output[2]}`,
  localResponseNorm: normalization,
  batchNorm2d: batchNormalization,
  batchNorm1d: batchNormalization,
  dropout: ({ options }) => `p ${options.p ?? 0.5}`,
  stochasticDepth: ({ options }) => `p ${options.p}`,
};

function batchNormalization({ frozen }: LayerSummary): string {
  return frozen ? "frozen: running statistics, in training too" : "";
}

function neurons({ output, weightShapes, kind }: LayerSummary): string {
  const features = kind === "linear" ? weightShapes[0]![0]! : output.at(-1)!;
  return `${features} neurons`;
}

function convolution({ kind, options, output, inputs, weightShapes }: LayerSummary): string {
  const channels = output[0]!;
  const kernel = options.kernel ?? weightShapes[0]?.slice(2) ?? "?";
  const groups = kind === "depthwiseConv2d" ? inputs[0]![0]! : Number(options.groups ?? 1);
  const isDepthwise = groups > 1 && groups === inputs[0]![0];
  return [
    `${channels} ${pairOf(kernel)} filters at stride ${pairOf(options.stride ?? 1, true)}`,
    `pad ${padOf(options.padding)}`,
    ...(groups === 1 ? [] : [isDepthwise ? "each sees one channel" : `${groups} groups`]),
    ...dilationOf(options.dilation),
  ].join(", ");
}

function pooling({ options, inputs, output }: LayerSummary): string {
  if (options.kernel === undefined) {
    const sizes = [inputs[0], output].map((shape) => shape?.slice(1).join("x"));
    return `${sizes[0]} to ${sizes[1]}`;
  }
  const padding = padOf(options.padding);
  return [
    `${pairOf(options.kernel)} filters at stride ${pairOf(options.stride ?? options.kernel, true)}`,
    ...(padding === "0" ? [] : [`pad ${padding}`]),
    ...dilationOf(options.dilation),
  ].join(", ");
}

/** `3x3`, or with `short` one number where both are equal. */
function pairOf(value: unknown, short = false): string {
  const [a, b] = Array.isArray(value) ? value : [value, value];
  return short && a === b ? `${a}` : `${a}x${b}`;
}

function padOf(value: unknown): string {
  if (value === undefined || value === "valid") return "0";
  if (!Array.isArray(value)) return `${value}`;
  return value.every((side) => side === value[0]) ? `${value[0]}` : value.join(",");
}

function dilationOf(value: unknown): string[] {
  const text = pairOf(value ?? 1, true);
  return text === "1" ? [] : [`dilation ${text}`];
}
