import { FormatError } from "../../../core/errors.ts";
import { transposed } from "../../strided.ts";
import type { StoredTensor, TensorFile } from "../../tensorFile.ts";
import type { ModelProto, NodeProto } from "./messages.generated.ts";
import { modelTensors } from "./model.ts";

/** What the inputs of an operator after the first are, in PyTorch's words. */
const inputNames: Readonly<Record<string, readonly string[]>> = {
  Conv: ["weight", "bias"],
  ConvTranspose: ["weight", "bias"],
  Gemm: ["weight", "bias"],
  MatMul: ["weight"],
  BatchNormalization: ["weight", "bias", "running_mean", "running_var"],
  InstanceNormalization: ["weight", "bias"],
  PRelu: ["weight"],
};

/** Endings that exporters give: PyTorch's own, and those of Caffe2. */
const ownEnding = /^(.+)(?:\.(weight|bias|running_mean|running_var)|_(w|b)_0)$/;

/**
 * The weights of an ONNX model in the order in which its nodes use them, under PyTorch's names. A name that says what
 * it is stays (`fc.weight`; `conv1_w_0` becomes `conv1.weight`); others get the name of the node that uses them and of
 * the input that they are. Products that are not transposed are turned into PyTorch's `[out, in]`.
 */
export function layerTensors(model: ModelProto, where: string): TensorFile {
  const { tensors: given, metadata } = modelTensors(model, where);
  const tensors = new Map<string, StoredTensor>();
  const used = new Set<string>();
  const add = (name: string, tensor: StoredTensor) => {
    if (tensors.has(name)) throw new FormatError(`${where}: two weights are called "${name}".`);
    tensors.set(name, tensor);
  };
  for (const node of model.graph?.node ?? []) {
    const names = inputNames[node.opType] ?? [];
    names.forEach((role, i) => {
      const source = node.input[i + 1];
      const tensor = source === undefined ? undefined : given.get(source);
      if (source === undefined || tensor === undefined || used.has(source)) return;
      used.add(source);
      const owner = node.name === "" ? (node.output[0] ?? node.opType) : node.name;
      const laidOut = role === "weight" && isInByOut(node) ? turned(tensor) : tensor;
      add(ownName(source) ?? `${owner}.${role}`, laidOut);
    });
  }
  for (const [source, tensor] of given) {
    const isNumbers = tensor.elementType.startsWith("float");
    if (isNumbers && !used.has(source)) add(ownName(source) ?? source, tensor);
  }
  return { tensors, metadata };
}

function ownName(name: string): string | undefined {
  const [, layer, role, short] = ownEnding.exec(name) ?? [];
  if (layer === undefined) return undefined;
  return `${layer}.${role ?? (short === "w" ? "weight" : "bias")}`;
}

function isInByOut(node: NodeProto): boolean {
  if (node.opType === "MatMul") return true;
  const flag = node.attribute.find(({ name }) => name === "transB")?.i;
  return node.opType === "Gemm" && (flag === undefined || flag === 0n);
}

function turned(tensor: StoredTensor): StoredTensor {
  const [rows, columns] = tensor.shape;
  if (tensor.shape.length !== 2) return tensor;
  return {
    ...tensor,
    shape: [columns!, rows!],
    read: async () => transposed(await tensor.read(), tensor.shape, [1, 0]),
  };
}
