import type { LayerOptions } from "../../layers/layer.ts";
import type { NodeProto } from "./proto/messages.generated.ts";

/** What tables of layers call operators, where a layer of ours does the same. */
const kinds: Readonly<Record<string, string>> = {
  Add: "sum",
  AveragePool: "avgPool2d",
  BatchNormalization: "batchNorm2d",
  Concat: "concat",
  Conv: "conv2d",
  ConvTranspose: "convTranspose2d",
  Dropout: "dropout",
  Flatten: "flatten",
  Gemm: "matmul",
  GlobalAveragePool: "globalAvgPool2d",
  GlobalMaxPool: "globalMaxPool2d",
  GroupNormalization: "groupNorm",
  InstanceNormalization: "instanceNorm",
  LRN: "localResponseNorm",
  LayerNormalization: "layerNorm",
  MatMul: "matmul",
  MaxPool: "maxPool2d",
  Mul: "multiply",
  PRelu: "prelu",
  Reshape: "flatten",
  Squeeze: "flatten",
  Sum: "sum",
};

/** Operators that are activations, by the names that layers have for them. */
const functions: Readonly<Record<string, string>> = {
  Celu: "celu",
  Clip: "clip",
  Elu: "elu",
  Gelu: "gelu",
  HardSigmoid: "hardSigmoid",
  HardSwish: "hardSwish",
  LeakyRelu: "leakyRelu",
  Mish: "mish",
  Relu: "relu",
  Selu: "selu",
  Sigmoid: "sigmoid",
  Softplus: "softplus",
  Tanh: "tanh",
};

/** A node in the words of our layers: kind, options and name, for the table of layers. */
export function describeNode(node: NodeProto): {
  readonly kind: string;
  readonly options: LayerOptions;
  readonly label: string;
} {
  const { opType } = node;
  const label = node.name || (node.output[0] ?? opType);
  const activation = functions[opType];
  if (activation !== undefined) {
    return { kind: "activation", options: { function: activation }, label };
  }
  const known = kinds[opType];
  const kind = known ?? opType.charAt(0).toLowerCase() + opType.slice(1);
  return { kind, options: known?.endsWith("2d") ? windowOptions(node) : {}, label };
}

/** The attributes of a window in our words. */
function windowOptions(node: NodeProto): LayerOptions {
  const ints = (name: string) => {
    const found = node.attribute.find((attribute) => attribute.name === name)?.ints.map(Number);
    return found === undefined || found.length === 0 ? undefined : found;
  };
  const group = node.attribute.find(({ name }) => name === "group")?.i;
  const all = {
    kernel: ints("kernel_shape"),
    stride: ints("strides") ?? (ints("kernel_shape") === undefined ? undefined : [1, 1]),
    padding: ints("pads"),
    dilation: ints("dilations"),
    groups: group === undefined ? undefined : Number(group),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
