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
}

/** A Keras model as plain data. */
export interface KerasNet {
  readonly name: string;
  readonly layers: readonly KerasLayer[];
  /** Names of the layers that are fed and fetched. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

const record = z.record(z.string(), z.unknown());
const modelSchema = z.object({ class_name: z.string(), config: z.unknown() });
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
});

/**
 * Reads the config of a Keras model (a `Sequential` or a functional `Model`) of Keras 2 or 3, as it
 * stands in `.h5`, `.keras` and tensorflow.js files. Where a layer is called more than once, its
 * first call counts; a model inside a model is a layer whose class is `Functional`.
 *
 * @param where names the file in messages
 */
export function parseKerasConfig(json: unknown, where: string): KerasNet {
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
    const inputs = isSequential ? sequence : inboundLayers(layer.inbound_nodes ?? []);
    return { name, className: layer.class_name, config: layer.config, inputs };
  });
  const ends = (value: unknown, fallback: string | undefined) =>
    isSequential ? (fallback === undefined ? [] : [fallback]) : endLayers(value);
  return {
    name: net.name ?? model.class_name,
    layers,
    inputs: ends(net.input_layers, layers[0]?.name),
    outputs: ends(net.output_layers, layers.at(-1)?.name),
  };
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

/** `[["input_1", 0, 0], …]`, or one such triple alone. */
function endLayers(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  if (typeof value[0] === "string") return [value[0]];
  return value.flatMap(endLayers);
}
