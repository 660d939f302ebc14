import { FormatError } from "../../core/errors.ts";
import type { Hdf5Group } from "../hdf5/read.ts";
import type { StoredTensor } from "../tensorFile.ts";
import type { KerasLayer, KerasNet } from "./config.ts";

/**
 * The weights of Keras 3's own form: below `layers/<class>_<n>/vars` the variables are only numbered,
 * and the layer's name stands beside them. What number 0, 1, … is follows from the layer's class
 * and settings; without them the number stays.
 */
export function variableWeights(
  root: Hdf5Group,
  net: KerasNet | undefined,
  where: string,
): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  collect(root, "", { net, prefix: "" }, { tensors, where });
  return tensors;
}

/** The model that a part of the file is of, and what stands before the names of its layers. */
interface Owner {
  readonly net: KerasNet | undefined;
  readonly prefix: string;
}

interface Result {
  readonly tensors: Map<string, StoredTensor>;
  readonly where: string;
}

function collect(group: Hdf5Group, path: string, owner: Owner, result: Result): void {
  for (const [name, member] of group.members) {
    if (member.kind !== "group" || (path === "" && name === "optimizer")) continue;
    const inner = path === "" ? name : `${path}/${name}`;
    if (name === "vars") addLayer(member, path, owner, result);
    else {
      // A model in the model: its layers are called by it, and by themselves.
      const layer = layerByCounting(owner.net, inner);
      const isModel = layer?.model !== undefined;
      if (isModel) collect(member, "", { net: layer.model, prefix: `${layer.name}/` }, result);
      else collect(member, inner, owner, result);
    }
  }
}

function addLayer(
  variables: Hdf5Group,
  path: string,
  { net, prefix }: Owner,
  { tensors, where }: Result,
): void {
  const stated = variables.attributes.get("name")?.values[0];
  const layer = net?.layers.find(({ name }) => name === stated) ?? layerByCounting(net, path);
  const owner = prefix + (layer?.name ?? (typeof stated === "string" ? stated : path));
  const names =
    layer === undefined
      ? namesByPath(path, variables.members.size)
      : variableNames(layer.className, layer.config);
  for (const [number, variable] of variables.members) {
    if (variable.kind !== "dataset") continue;
    if (variable.obstacle !== undefined) throw variable.obstacle;
    const full = `${owner}/${names[Number(number)] ?? number}`;
    if (variable.tensor === undefined || tensors.has(full)) {
      throw new FormatError(`${where}: "${path}/vars/${number}" is no number, or twice "${full}".`);
    }
    tensors.set(full, variable.tensor);
  }
}

/**
 * Keras 3.0 wrote no names: there `layers/conv2d_1` is the second layer of class `Conv2D`, in the
 * order of the config.
 */
function layerByCounting(net: KerasNet | undefined, path: string): KerasLayer | undefined {
  const [, wanted] = /^layers\/([^/]+)$/.exec(path) ?? [];
  const counts = new Map<string, number>();
  for (const layer of net?.layers ?? []) {
    const name = snakeCase(layer.className);
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    if (wanted === (count === 0 ? name : `${name}_${count}`)) return layer;
  }
  return undefined;
}

/** `Conv2DTranspose` → `conv2d_transpose`, by Keras's rules. */
function snakeCase(className: string): string {
  return className
    .replace(/\W+/g, "")
    .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
}

/** Without a config the class is read from the path; its variables must be those of the defaults. */
function namesByPath(path: string, count: number): string[] {
  const kind = path.slice(path.lastIndexOf("/") + 1).replace(/_\d+$/, "");
  const className = knownClasses.find((name) => snakeCase(name) === kind) ?? "";
  const names = variableNames(className, {});
  const isWithoutBias = names.at(-1) === "bias" && count === names.length - 1;
  return count === names.length || isWithoutBias ? names : [];
}

const knownClasses = [
  "Dense",
  "Conv1D",
  "Conv2D",
  "Conv3D",
  "Conv2DTranspose",
  "DepthwiseConv2D",
  "SeparableConv2D",
  "BatchNormalization",
  "LayerNormalization",
  "GroupNormalization",
  "PReLU",
];

/** What the numbered variables of a layer are. */
function variableNames(className: string, config: KerasLayer["config"]): string[] {
  const gammaAndBeta = [
    ...(config.scale === false ? [] : ["gamma"]),
    ...(config.center === false ? [] : ["beta"]),
  ];
  switch (className) {
    case "BatchNormalization":
      return [...gammaAndBeta, "moving_mean", "moving_variance"];
    case "LayerNormalization":
    case "GroupNormalization":
      return gammaAndBeta;
    case "SeparableConv1D":
    case "SeparableConv2D":
      return ["depthwise_kernel", "pointwise_kernel", "bias"];
    case "PReLU":
      return ["alpha"];
    case "LayerScale":
      return ["gamma"];
    case "Normalization":
      return ["mean", "variance", "count"];
    case "Dense":
    case "DepthwiseConv1D":
    case "DepthwiseConv2D":
      return ["kernel", "bias"];
    default:
      return /^Conv[123]D(Transpose)?$/.test(className) ? ["kernel", "bias"] : [];
  }
}
