import { OptionError, ShapeError } from "../core/errors.ts";
import {
  checkOptions,
  field,
  integer,
  listOf,
  number,
  oneOf,
  optional,
  text,
} from "../core/fields.ts";
import type { Layer } from "../layers/layer.ts";
import {
  type LayerJson,
  type LayerTable,
  layerFromJson,
  layerToJson,
} from "../layers/layerJson.ts";
import { layers } from "../layers/table.ts";
import { createNet } from "./catalogue.ts";
import { customNet } from "./customNet.ts";
import type { ImageShape, Net, NetLoss, NetOptions } from "./net.ts";

/**
 * A net of one's own as a file holds it. In place of any number `layers` may say `"$classes"`, so that the net fits any
 * data set.
 */
export interface NetJson {
  /** What it is called in summaries and runs. */
  readonly name: string;
  /** `[C, H, W]` unless told otherwise when it is read. */
  readonly input: ImageShape;
  /** Unless told otherwise when it is read. Default: as many as the net has outputs. */
  readonly classes?: number;
  readonly layers: LayerJson;
  /** Default `crossEntropy`. */
  readonly loss?: NetLoss;
  /** Smallest height and width that it takes. Default 1; sizes that do not fit fail with the arithmetic anyway. */
  readonly minimumInput?: number;
  /** Where the idea comes from. */
  readonly paper?: string;
  readonly year?: number;
}

const losses: readonly NetLoss[] = ["crossEntropy", "rbfLoss"];

/** Layers of files: those of the table, and whole nets of the catalogue, `{ "layer": "net", "net": "resnet20" }`. */
function fileLayers(more: LayerTable = {}): LayerTable {
  return {
    ...layers,
    ...more,
    net({ net, ...options }: NetOptions & { readonly net: string }): Layer {
      checkOptions(
        "net",
        { net, ...options },
        {
          net: text(),
          variant: optional(text()),
          classes: optional(integer(1)),
          input: optional(listOf(integer(1), 3)),
        },
      );
      return createNet(net, options).layer;
    },
  };
}

/** Options of {@link netFromJson}. */
export interface NetFileOptions {
  /** Default: those of the file. */
  readonly classes?: number;
  /** Default: that of the file. */
  readonly input?: ImageShape;
  /** Layers that files may name beside those of the table. */
  readonly layers?: LayerTable;
}

/**
 * The net that a file describes. It is built once, without weights, so that what does not fit is said at once.
 *
 * @throws OptionError for a key, layer or option that is unknown, missing or outside its range, with its place.
 * @throws ShapeError where the layers do not fit the input, or do not end in one number for each class.
 * @example
 * const net = netFromJson({
 *   name: "tiny",
 *   input: [1, 28, 28],
 *   layers: { layer: "sequential", layers: [{ layer: "flatten" }, { layer: "linear", features: "$classes" }] },
 * }, { classes: 10 });
 */
export function netFromJson(json: unknown, options: NetFileOptions = {}): Net {
  const file = checkNetJson(json);
  const { name } = file;
  const { classes = file.classes, input = file.input } = options;
  const values: Record<string, number> = classes === undefined ? {} : { classes };
  const layer = layerFromJson(file.layers, { table: fileLayers(options.layers), values });
  const { layers: _, classes: __, ...rest } = file;
  const net = customNet({ ...rest, layer, input });
  if (classes !== undefined && classes !== net.classes) {
    throw new ShapeError(
      `net "${name}": its layers end in ${net.classes} numbers, not ${classes}; write "$classes" where the last layer has its number.`,
    );
  }
  return { ...net, file };
}

/**
 * A net as data that {@link netFromJson} reads back; any net of the catalogue can be written. One that was read from a
 * file is written as it stood there, with its `"$classes"`.
 */
export function netToJson(net: Net): NetJson {
  if (net.file !== undefined) return { ...(net.file as NetJson), input: net.input };
  const { name, input, classes, layer, loss, minimumInput, paper, year } = net;
  return {
    name,
    input,
    classes,
    layers: layerToJson(layer),
    loss,
    minimumInput,
    ...(paper === "" ? {} : { paper }),
    ...(year === 0 ? {} : { year }),
  };
}

function checkNetJson(json: unknown): NetJson {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new OptionError(
      `net file: expected { "name", "input", "layers" }, got ${JSON.stringify(json)?.slice(0, 60)}.`,
    );
  }
  checkOptions("net file", json, {
    name: text(),
    input: field(
      "three integers of at least 1: channels, height, width",
      (value) => Array.isArray(value) && value.length === 3 && listOf(integer(1)).accepts(value),
    ),
    classes: optional(integer(1)),
    layers: field('{ "layer": … }', (value) => typeof value === "object" && value !== null),
    loss: optional(oneOf(...losses)),
    minimumInput: optional(integer(1)),
    paper: optional(text()),
    year: optional(number()),
  });
  return json as unknown as NetJson;
}
