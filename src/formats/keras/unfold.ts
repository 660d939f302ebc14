import { FormatError, UnsupportedError } from "../../core/errors.ts";
import type { KerasLayer, KerasNet } from "./config.ts";

/** A layer in its place among those of the whole net. */
export interface PlacedLayer {
  /** Of all layers, models inside included, one alone has it. */
  readonly name: string;
  readonly className: string;
  readonly config: KerasLayer["config"];
  readonly numbers: readonly number[];
  /** Names of the layers that it takes from; `""` is what the net is fed. */
  readonly inputs: readonly string[];
  /** File, name and class, for messages. */
  readonly where: string;
}

/**
 * The layers that a model's output needs, in the order of computation, with those of models inside it in their place.
 * A layer of such a model keeps its name where that is no other's, and is called `model/layer` otherwise.
 */
export function unfold(net: KerasNet, where: string): PlacedLayer[] {
  const placed = new Map<string, PlacedLayer>();
  const taken = new Set(net.layers.map(({ name }) => name));
  const output = place(net, "", [""], { where, placed, taken });
  const needed = new Set([output]);
  const layers: PlacedLayer[] = [];
  for (const layer of [...placed.values()].reverse()) {
    if (!needed.has(layer.name)) continue;
    for (const input of layer.inputs) needed.add(input);
    layers.push(layer);
  }
  if (layers.length > 0) return layers.reverse();
  throw new FormatError(`${where}: the model has no layers.`);
}

interface Places {
  readonly where: string;
  readonly placed: Map<string, PlacedLayer>;
  readonly taken: Set<string>;
}

/** Places the layers of a model that is called on `given`, and returns the name of what it gives. */
function place(net: KerasNet, prefix: string, given: readonly string[], places: Places): string {
  const { placed, taken } = places;
  if (given.length !== 1 || net.inputs.length > 1) {
    throw new UnsupportedError(
      `${places.where}: model "${net.name}" has ${Math.max(given.length, net.inputs.length)} inputs; a net takes one.`,
    );
  }
  const names = new Map<string, string>();
  for (const layer of net.layers) {
    const where = `${places.where}: layer "${layer.name}" (${layer.className})`;
    if (layer.calls > 1) {
      throw new UnsupportedError(
        `${where}: it is called ${layer.calls} times; weights that places share are not supported.`,
      );
    }
    const inputs = layer.inputs.map((input) => {
      const name = names.get(input);
      if (name !== undefined) return name;
      throw new FormatError(
        `${where}: it takes from "${input}", which no layer before it is called.`,
      );
    });
    const from = inputs.length === 0 ? given : inputs;
    if (layer.model !== undefined) {
      names.set(layer.name, place(layer.model, `${prefix}${layer.name}/`, from, places));
      continue;
    }
    const name = prefix !== "" && taken.has(layer.name) ? `${prefix}${layer.name}` : layer.name;
    if (name === "" || placed.has(name)) {
      throw new FormatError(`${where}: expected a name that no other layer has.`);
    }
    taken.add(name);
    names.set(layer.name, name);
    const { className, config, numbers } = layer;
    placed.set(name, { name, className, config, numbers, inputs: from, where });
  }
  const [output] = net.outputs;
  const name = output === undefined ? undefined : names.get(output);
  if (name !== undefined && net.outputs.length === 1) return name;
  throw new UnsupportedError(
    `${places.where}: model "${net.name}" ends in ${net.outputs.map((end) => `"${end}"`).join(", ") || "nothing"}; expected one of its layers.`,
  );
}

/** Layers that change the form of scores at most. */
const formal: ReadonlySet<string> = new Set([
  "Reshape",
  "Flatten",
  "Dropout",
  "Softmax",
  "Permute",
  "Activation",
]);
/** Layers that may stand between the weights of the classes and the scores. */
const behindHead: ReadonlySet<string> = new Set([
  ...formal,
  "ReLU",
  "AveragePooling2D",
  "GlobalAveragePooling2D",
  "GlobalMaxPooling2D",
]);

/** The layers from the output back, as long as each is one of `classes`, and the one before them. */
function endOf(placed: readonly PlacedLayer[], classes: ReadonlySet<string>): PlacedLayer[] {
  const byName = new Map(placed.map((layer) => [layer.name, layer]));
  const end: PlacedLayer[] = [];
  let layer = placed.at(-1);
  while (layer !== undefined) {
    end.push(layer);
    layer = classes.has(layer.className) ? byName.get(layer.inputs[0]!) : undefined;
  }
  return end;
}

/** The layers behind which nothing is computed: a softmax among them is that of the scores. */
export function scoreLayers(placed: readonly PlacedLayer[]): ReadonlySet<string> {
  return new Set(endOf(placed, formal).map(({ name }) => name));
}

/** The layer whose weights depend on the classes, unless the model ends in a map or in features. */
export function headOf(placed: readonly PlacedLayer[]): PlacedLayer | undefined {
  const end = endOf(placed, behindHead);
  const last = end.at(-1)!;
  if (last.className === "Dense") return last;
  const isFlattened = end.some(({ className }) => /^(Global|Flatten|Reshape)/.test(className));
  return last.className === "Conv2D" && isFlattened ? last : undefined;
}
