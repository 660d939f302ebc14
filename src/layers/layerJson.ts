import { lookUp, OptionError, StriateError } from "../core/errors.ts";
import { initializerFrom } from "../initializers/index.ts";
import type { Initializer } from "../initializers/initializer.ts";
import type { Layer } from "./layer.ts";
import { layers } from "./table.ts";

/**
 * A layer as data: `{ "layer": "conv2d", "channels": 16, "kernel": 3 }`. Layers inside are written the same way,
 * initialisers as `{ "initializer": "normal", "deviation": 0.01 }`.
 */
export type LayerJson = { readonly layer: string } & { readonly [option: string]: unknown };

/** What makes a layer of each kind. */
export type LayerTable = Readonly<Record<string, (options: never) => Layer>>;

/** Options of {@link layerFromJson}. */
export interface LayerJsonOptions {
  /** Default: the layers of layers/table.ts. */
  readonly table?: LayerTable;
  /** What stands for a number: `{ classes: 10 }` makes `"$classes"` 10. */
  readonly values?: Readonly<Record<string, number>>;
}

/** Deeper nests are refused: no net needs them, and a hostile file may have any depth. */
const deepest = 64;

/**
 * The layer that a file describes.
 *
 * @throws OptionError that names the place in the file, `net.layers[2]`, for an unknown layer or initialiser, or an
 * option that is unknown, missing or outside its range.
 * @example
 * const net = layerFromJson({ layer: "sequential", layers: [{ layer: "flatten" }, { layer: "linear", features: 10 }] });
 */
export function layerFromJson(json: unknown, options: LayerJsonOptions = {}): Layer {
  const result = read(json, "net", { table: layers, values: {}, ...options }, 0);
  if (isLayer(result)) return result;
  throw new OptionError(`net: expected { "layer": … }, got ${JSON.stringify(json)?.slice(0, 60)}.`);
}

function read(
  json: unknown,
  where: string,
  context: Required<LayerJsonOptions>,
  depth: number,
): unknown {
  if (depth > deepest)
    throw new OptionError(`${where.slice(0, 60)}…: nested deeper than ${deepest}.`);
  if (Array.isArray(json)) {
    return json.map((item, i) => read(item, `${where}[${i}]`, context, depth + 1));
  }
  if (typeof json === "string" && json.startsWith("$")) {
    return givenNumber(json.slice(1), where, context.values);
  }
  if (typeof json !== "object" || json === null) return json;
  const { layer: kind, initializer } = json as Record<string, unknown>;
  // A step of a functional net has a key "layer" too, but a layer behind it, not a name.
  if (typeof kind === "string") {
    return made(where, () => {
      const create = lookUp(context.table, kind, "layer");
      const { layer: _, ...options } = json as Record<string, unknown>;
      return create(readEach(options, where, context, depth) as never);
    });
  }
  if (typeof initializer === "string") {
    const { initializer: _, ...options } = json as Record<string, unknown>;
    return made(where, () => initializerFrom(initializer, options));
  }
  return readEach(json, where, context, depth);
}

function givenNumber(
  name: string,
  where: string,
  values: Readonly<Record<string, number>>,
): number {
  if (Object.hasOwn(values, name)) return values[name]!;
  const known = Object.keys(values).map((key) => `"$${key}"`);
  throw new OptionError(
    `${where}: "$${name}" stands for a number that was not given${known.length === 0 ? "" : `; there is ${known.join(", ")}`}.`,
  );
}

function readEach(
  json: object,
  where: string,
  context: Required<LayerJsonOptions>,
  depth: number,
): object {
  return Object.fromEntries(
    Object.entries(json).map(([key, value]) => [
      key,
      read(value, `${where}.${key}`, context, depth + 1),
    ]),
  );
}

/** Puts the place in the file in front of a message that has none yet. */
function made<T>(where: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof StriateError) || error.message.startsWith(where)) throw error;
    throw new OptionError(`${where}: ${error.message}`);
  }
}

/**
 * A layer as plain data that {@link layerFromJson} reads back.
 *
 * @throws OptionError for a layer that is in no table (made with `layer(…)` by hand): such nets live in TypeScript.
 */
export function layerToJson(layer: Layer, table: LayerTable = layers): LayerJson {
  return write(layer, "net", table) as LayerJson;
}

function write(value: unknown, where: string, table: LayerTable): unknown {
  if (isLayer(value)) {
    if (!Object.hasOwn(table, value.kind)) {
      throw new OptionError(
        `${where}: a layer of kind "${value.kind}" cannot be written to a file, since no table says how to make it; build it from layers of the table, or pass a table that has it.`,
      );
    }
    return { layer: value.kind, ...writeEach(value.options, where, table) };
  }
  if (isInitializer(value)) return { initializer: value.kind, ...value.options };
  if (Array.isArray(value)) return value.map((item, i) => write(item, `${where}[${i}]`, table));
  if (typeof value === "object" && value !== null) return writeEach(value, where, table);
  return value;
}

function writeEach(options: object, where: string, table: LayerTable): object {
  return Object.fromEntries(
    Object.entries(options)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, write(value, `${where}.${key}`, table)]),
  );
}

function isLayer(value: unknown): value is Layer {
  return typeof value === "object" && value !== null && "build" in value && "kind" in value;
}

function isInitializer(value: unknown): value is Initializer {
  return typeof value === "object" && value !== null && "fill" in value && "kind" in value;
}
