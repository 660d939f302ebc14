import { FormatError } from "../../core/errors.ts";
import { type Hdf5Group, nodeAt } from "../hdf5/read.ts";
import type { StoredTensor } from "../tensorFile.ts";

/**
 * The weights of a `.h5` file: for each layer in `layer_names` a group, with its variables in
 * `weight_names` (`conv1/kernel:0`). They are called by the layer and the last part of that name, or
 * inside a nested model by its inner layer.
 */
export function h5Weights(group: Hdf5Group, where: string): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  for (const layer of listAttribute(group, "layer_names")) {
    const layerGroup = group.members.get(layer);
    if (layerGroup?.kind !== "group") {
      throw new FormatError(`${where}: layer "${layer}" is listed, but has no group.`);
    }
    for (const weight of listAttribute(layerGroup, "weight_names")) {
      const node = nodeAt(layerGroup, weight);
      if (node?.kind !== "dataset") {
        throw new FormatError(
          `${where}: weight "${weight}" of "${layer}" is listed, but not there.`,
        );
      }
      if (node.obstacle !== undefined) throw node.obstacle;
      if (node.tensor === undefined) {
        throw new FormatError(`${where}: weight "${weight}" of "${layer}" is no number.`);
      }
      const name = weightName(layer, weight);
      if (tensors.has(name)) {
        throw new FormatError(
          `${where}: two weights are called "${name}"; expected different names.`,
        );
      }
      tensors.set(name, node.tensor);
    }
  }
  return tensors;
}

function weightName(layer: string, weight: string): string {
  const parts = weight.replace(/:\d+$/, "").split("/");
  const variable = parts.pop() ?? "";
  const owner = parts.at(-1) ?? layer;
  return owner === layer ? `${layer}/${variable}` : `${layer}/${owner}/${variable}`;
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
