import type { TensorData } from "../../core/dtype.ts";
import { FormatError } from "../../core/errors.ts";
import { elementCount, formatShape } from "../../core/shape.ts";
import { ownValue } from "../ownValue.ts";
import { transposed } from "../strided.ts";
import type { StoredTensor, TensorFile } from "../tensorFile.ts";
import { type KerasNet, layersByName } from "./config.ts";

/** What is needed beyond the weights themselves. */
export interface TorchWeightsOptions {
  /**
   * The model, which tells a depthwise convolution of Keras 3 from an ordinary one, and a map that a `Permute` brought into
   * PyTorch's order before it was flattened.
   */
  readonly net?: KerasNet | undefined;
  /**
   * Dense layers that follow a `Flatten`, with the [H, W, C] that was flattened: Keras counts
   * channels last there, PyTorch first, so their input features are put in another order.
   */
  readonly flattened?: Readonly<Record<string, readonly [number, number, number]>>;
}

const suffixes: Readonly<Record<string, string>> = {
  kernel: "weight",
  depthwise_kernel: "weight",
  bias: "bias",
  gamma: "weight",
  beta: "bias",
  alpha: "weight",
  moving_mean: "running_mean",
  moving_variance: "running_var",
};

const separableSuffixes: Readonly<Record<string, string>> = {
  depthwise_kernel: "depthwise.weight",
  pointwise_kernel: "pointwise.weight",
  bias: "pointwise.bias",
};

/**
 * The weights of a Keras or tensorflow.js model under PyTorch's names and in PyTorch's layout:
 *
 * | Keras | PyTorch |
 * |---|---|
 * | `conv/kernel` [R, S, C, K] | `conv.weight` [K, C, R, S] |
 * | `dw/depthwise_kernel` [R, S, C, M] | `dw.weight` [C·M, 1, R, S] |
 * | `sep/depthwise_kernel`, `sep/pointwise_kernel` | `sep.depthwise.weight`, `sep.pointwise.weight` |
 * | `up/kernel` [R, S, K, C] of a transposed convolution | `up.weight` [C, K, R, S] |
 * | `fc/kernel` [in, out] | `fc.weight` [out, in] |
 * | `bn/gamma`, `beta`, `moving_mean`, `moving_variance` | `bn.weight`, `bias`, `running_mean`, `running_var` |
 *
 * Layers keep their names; other variables keep theirs, with a point for the last slash.
 */
export function torchWeights(file: TensorFile, options: TorchWeightsOptions = {}): TensorFile {
  const layers = layersByName(options.net);
  const tensors = new Map<string, StoredTensor>();
  for (const [full, tensor] of file.tensors) {
    const slash = full.lastIndexOf("/");
    const layer = full.slice(0, Math.max(0, slash));
    const variable = full.slice(slash + 1);
    const isSeparable = file.tensors.has(`${layer}/pointwise_kernel`);
    const className = layers.get(layer)?.className ?? "";
    // How many numbers it was measured on is of no use to the measure.
    if (className === "Normalization" && variable === "count") continue;
    // The factors of a layer scale are called as a norm's scale, or only numbered.
    const suffix =
      className === "LayerScale"
        ? "gamma"
        : ownValue(isSeparable ? separableSuffixes : suffixes, variable);
    const isDepthwise =
      variable === "depthwise_kernel" ||
      (variable === "kernel" && className.startsWith("Depthwise"));
    const isKernel = variable.endsWith("kernel");
    const map = isChannelsFirst(options.net, layer)
      ? undefined
      : ownValue(options.flattened ?? {}, layer);
    const owner = layer === "" ? "" : `${layer}.`;
    const ours = isKernel ? kernel(tensor, isDepthwise, map, full) : tensor;
    tensors.set(owner + (suffix ?? variable), ours);
    if (variable === "moving_mean") {
      // A norm here has a scale and a shift, or neither; Keras's may have one of them.
      const has = (name: string) => file.tensors.has(`${layer}/${name}`);
      if (has("beta") && !has("gamma")) tensors.set(`${owner}weight`, filled(tensor, 1));
      if (has("gamma") && !has("beta")) tensors.set(`${owner}bias`, filled(tensor, 0));
    }
  }
  return { tensors, metadata: file.metadata };
}

/** As many numbers as a tensor has, all the same. */
function filled(like: StoredTensor, value: number): StoredTensor {
  const { shape } = like;
  const read = async () => new Float32Array(elementCount(shape)).fill(value);
  return { shape, elementType: "float32", dtype: "float32", read };
}

/** Whether what a dense layer reads was flattened behind `Permute([3, 1, 2])`: channels, rows, columns. */
function isChannelsFirst(net: KerasNet | undefined, layer: string): boolean {
  const layers = new Map(net?.layers.map((row) => [row.name, row]));
  const before = (name: string | undefined) => layers.get(layers.get(name ?? "")?.inputs[0] ?? "");
  let row = before(layer);
  // As many steps as layers, so that a circle in a file ends.
  for (let step = 0; step < layers.size && row !== undefined; step++) {
    if (row.className === "Flatten") break;
    if (!["Dropout", "Activation", "ReLU"].includes(row.className)) return false;
    row = before(row.name);
  }
  const permute = before(row?.name);
  const { dims } = permute?.className === "Permute" ? permute.config : {};
  return Array.isArray(dims) && dims.join() === "3,1,2";
}

function kernel(
  tensor: StoredTensor,
  isDepthwise: boolean,
  flattened: readonly [number, number, number] | undefined,
  name: string,
): StoredTensor {
  const { shape } = tensor;
  const rank = shape.length;
  if (rank < 2) return tensor;
  const spatial = Array.from({ length: rank - 2 }, (_, axis) => axis);
  if (isDepthwise) {
    const [channels, multiplier] = [shape[rank - 2]!, shape[rank - 1]!];
    const order = [rank - 2, rank - 1, ...spatial];
    return reordered(tensor, [channels * multiplier, 1, ...shape.slice(0, -2)], (data) =>
      transposed(data, shape, order),
    );
  }
  if (rank === 2 && flattened !== undefined) {
    if (elementCount(flattened) !== shape[0]) {
      throw new FormatError(
        `"${name}": ${shape[0]} input features; ${formatShape(flattened)} flattened gives ${elementCount(flattened)}.`,
      );
    }
    return reordered(tensor, [shape[1]!, shape[0]!], (data) =>
      transposed(data, [...flattened, shape[1]!], [3, 2, 0, 1]),
    );
  }
  const order = [rank - 1, rank - 2, ...spatial];
  return reordered(
    tensor,
    order.map((axis) => shape[axis]!),
    (data) => transposed(data, shape, order),
  );
}

function reordered(
  tensor: StoredTensor,
  shape: readonly number[],
  reorder: (data: TensorData) => TensorData,
): StoredTensor {
  return { ...tensor, shape, read: async () => reorder(await tensor.read()) };
}
