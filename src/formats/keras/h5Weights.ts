import { FormatError } from "../../core/errors.ts";
import { type Hdf5Group, nodeAt } from "../hdf5/read.ts";
import { ownValue } from "../ownValue.ts";
import type { StoredTensor } from "../tensorFile.ts";
import { type KerasNet, layersByName } from "./config.ts";

/**
 * The weights of a `.h5` file: for each layer in `layer_names` a group, with its variables in
 * `weight_names`. They are called by the layer and the variable, or inside a nested model by its inner layer, too.
 * How Keras called them changed:
 *
 * | Keras | `weight_names` of a layer `conv1` |
 * |---|---|
 * | 1 | `conv1_W:0`, `conv1_b_1:0` |
 * | 2, 3 | `conv1/kernel:0`, `conv1_2/kernel:0` where the name was taken, `outer/conv1/kernel` |
 */
export function h5Weights(
  group: Hdf5Group,
  net: KerasNet | undefined,
  where: string,
): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  const layers = layersByName(net);
  for (const layer of listAttribute(group, "layer_names")) {
    const layerGroup = group.members.get(layer);
    if (layerGroup?.kind !== "group") {
      throw new FormatError(`${where}: layer "${layer}" is listed, but has no group.`);
    }
    const paths = listAttribute(layerGroup, "weight_names");
    const owners = new Set(paths.map((path) => path.split("/").at(-2)));
    const isModel = layers.get(layer)?.model !== undefined || owners.size > 1;
    for (const path of paths) {
      const name = weightName(layer, path, isModel);
      if (tensors.has(name)) {
        throw new FormatError(
          `${where}: two weights are called "${name}"; expected different names.`,
        );
      }
      tensors.set(name, weightAt(layerGroup, path, `${where}: weight "${path}" of "${layer}"`));
    }
  }
  return tensors;
}

function weightAt(group: Hdf5Group, path: string, where: string): StoredTensor {
  const node = nodeAt(group, path);
  if (node?.kind !== "dataset") throw new FormatError(`${where} is listed, but not there.`);
  if (node.obstacle !== undefined) throw node.obstacle;
  if (node.tensor === undefined) throw new FormatError(`${where} is no number.`);
  return node.tensor;
}

/** Keras 1 kept the variance under the name of the deviation. */
const oldVariables: Readonly<Record<string, string>> = {
  W: "kernel",
  b: "bias",
  gamma: "gamma",
  beta: "beta",
  running_mean: "moving_mean",
  running_std: "moving_variance",
};

function weightName(layer: string, path: string, isModel: boolean): string {
  const parts = path.replace(/:\d+$/, "").split("/");
  const variable = parts.pop() ?? "";
  const owner = parts.at(-1);
  if (owner === undefined && variable.startsWith(`${layer}_`)) {
    const own = variable.slice(layer.length + 1);
    return `${layer}/${ownValue(oldVariables, own.replace(/_\d+$/, "")) ?? own}`;
  }
  return isModel && owner !== undefined && owner !== layer
    ? `${layer}/${owner}/${variable}`
    : `${layer}/${variable}`;
}

/** A list of texts, which Keras cuts into `name0`, `name1`, … where it is too long for one attribute. */
function listAttribute(group: Hdf5Group, name: string): string[] {
  const whole = group.attributes.get(name);
  if (whole !== undefined) return whole.values.map(String);
  const result: string[] = [];
  for (let i = 0; ; i++) {
    const part = group.attributes.get(`${name}${i}`);
    if (part === undefined) return result;
    for (const value of part.values) result.push(String(value));
  }
}
