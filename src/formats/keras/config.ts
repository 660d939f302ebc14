import { z } from "zod";
import { FormatError } from "../../core/errors.ts";
import { checkedJson } from "../checkedJson.ts";

/** A layer of a Keras model. */
export interface KerasLayer {
  readonly name: string;
  /** Keras's class: `Conv2D`, `BatchNormalization`, … */
  readonly className: string;
  /** The layer's own settings, as Keras writes them. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Names of the layers it is called on, in order. */
  readonly inputs: readonly string[];
  /** Numbers among what it is called on: `x + 3` is an `Add` of a layer and 3. */
  readonly numbers: readonly number[];
  /** How often it is called: weights that two places share are called twice. */
  readonly calls: number;
  /** Where the layer is a model itself. */
  readonly model: KerasNet | undefined;
}

/** A Keras model as plain data. */
export interface KerasNet {
  readonly name: string;
  readonly layers: readonly KerasLayer[];
  /** Names of the layers that are fed and fetched. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Sizes of what it is fed, behind the batch, channels last, where it says so; `null` is any size. */
  readonly inputShape: readonly (number | null)[] | undefined;
}

/** Models in models in models: no net needs them deeper. */
const deepest = 8;

const record = z.record(z.string(), z.unknown());
const modelSchema = z.object({
  class_name: z.string(),
  config: z.unknown(),
  build_config: z.unknown().optional(),
});
/** `Model` is what Keras called a functional model before 2.4. */
const modelClasses: ReadonlySet<string> = new Set(["Functional", "Model", "Sequential"]);
const layerSchema = z.object({
  class_name: z.string(),
  name: z.string().optional(),
  config: record,
  inbound_nodes: z.array(z.unknown()).optional(),
});
const netSchema = z.object({
  name: z.string().optional(),
  layers: z.array(layerSchema),
  input_layers: z.unknown().optional(),
  output_layers: z.unknown().optional(),
  build_input_shape: z.unknown().optional(),
});
const shapeSchema = z.array(z.number().int().min(1).nullable()).min(2).max(8);

/**
 * Reads the config of a Keras model (a `Sequential` or a functional `Model`) of Keras 2 or 3, as it
 * stands in `.h5`, `.keras` and tensorflow.js files. Where a layer is called more than once, its
 * first call counts; a model inside a model is a layer that has a `model`.
 *
 * @param where names the file in messages
 */
export function parseKerasConfig(json: unknown, where: string): KerasNet {
  return parseModel(json, where, 0);
}

function parseModel(json: unknown, where: string, depth: number): KerasNet {
  if (depth > deepest) throw new FormatError(`${where}: models nested deeper than ${deepest}.`);
  const outer = record.safeParse(json);
  const isWrapped = outer.success && "model_config" in outer.data;
  const model = checkedJson(
    modelSchema,
    isWrapped ? outer.data.model_config : json,
    where,
    "a Keras model",
  );
  const isSequential = model.class_name === "Sequential";
  // Before Keras 2.2.3 the config of a Sequential was the list of its layers.
  const config = Array.isArray(model.config) ? { layers: model.config } : model.config;
  const net = checkedJson(netSchema, config, where, "a Keras model");
  let previous: string | undefined;
  const layers = net.layers.map((layer, index): KerasLayer => {
    const name = layer.name ?? layer.config.name;
    if (typeof name !== "string") {
      throw new FormatError(`${where}: layer ${index} (${layer.class_name}) has no name.`);
    }
    const sequence = previous === undefined ? [] : [previous];
    previous = name;
    const nodes = layer.inbound_nodes ?? [];
    const inputs = isSequential ? sequence : inboundLayers(nodes);
    const calls = isSequential ? 1 : nodes.length;
    const inner = modelClasses.has(layer.class_name)
      ? parseModel(layer, `${where}: model "${name}"`, depth + 1)
      : undefined;
    return {
      name,
      className: layer.class_name,
      config: layer.config,
      inputs,
      numbers: isSequential ? [] : numbersOf(nodes[0]),
      calls,
      model: inner,
    };
  });
  const ends = (value: unknown, fallback: string | undefined) =>
    isSequential ? (fallback === undefined ? [] : [fallback]) : endLayers(value);
  return {
    name: net.name ?? model.class_name,
    layers,
    inputs: ends(net.input_layers, layers[0]?.name),
    outputs: ends(net.output_layers, layers.at(-1)?.name),
    inputShape:
      statedShape(layers[0]?.config, net.build_input_shape, model.build_config) ??
      layers[0]?.model?.inputShape,
  };
}

/** The first shape that says sizes: that of the first layer, or what a `Sequential` was built for. */
function statedShape(
  first: KerasLayer["config"] | undefined,
  built: unknown,
  buildConfig: unknown,
): readonly (number | null)[] | undefined {
  const later = record.safeParse(buildConfig);
  const places = [
    first?.batch_input_shape,
    first?.batch_shape,
    built,
    later.success ? later.data.input_shape : undefined,
  ];
  for (const place of places) {
    const shape = shapeSchema.safeParse(place);
    if (shape.success) return shape.data.slice(1);
  }
  return undefined;
}

/** The layers of a model and of the models in it, each under its name and as `model/layer`, as weights may be called. */
export function layersByName(net: KerasNet | undefined): ReadonlyMap<string, KerasLayer> {
  const found = new Map<string, KerasLayer>();
  const add = (model: KerasNet, prefix: string) => {
    for (const layer of model.layers) {
      for (const name of [layer.name, prefix + layer.name]) {
        if (!found.has(name)) found.set(name, layer);
      }
      if (layer.model !== undefined) add(layer.model, `${layer.name}/`);
    }
  };
  if (net !== undefined) add(net, "");
  return found;
}

/**
 * The layers that a layer's first call takes its inputs from. Keras 2 writes a call as a list of
 * `[layer, node, tensor, {}]`, Keras 3 as arguments with `keras_history` somewhere inside.
 */
function inboundLayers(nodes: readonly unknown[]): string[] {
  const first = nodes[0];
  if (!Array.isArray(first)) return historyLayers(first);
  return first.map((call: unknown) => (Array.isArray(call) ? String(call[0]) : String(call)));
}

function historyLayers(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  const history = (value as Record<string, unknown>).keras_history;
  if (Array.isArray(history)) return [String(history[0])];
  return Object.values(value).flatMap(historyLayers);
}

/** Numbers among the arguments of a call of Keras 3. */
function numbersOf(node: unknown): number[] {
  const { args } = record.safeParse(node).data ?? {};
  return Array.isArray(args)
    ? args.flat().filter((value: unknown) => typeof value === "number")
    : [];
}

/** `[["input_1", 0, 0], …]`, or one such triple alone. */
function endLayers(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  if (typeof value[0] === "string") return [value[0]];
  return value.flatMap(endLayers);
}
