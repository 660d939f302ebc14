import { FormatError } from "../../core/errors.ts";
import { type ByteSource, readAll } from "../byteSource.ts";
import { v1LayerTypes } from "./layerTypes.ts";
import { messagesOf, numbersOf, parseTextFormat, type TextMessage, textsOf } from "./textFormat.ts";

/** Whether a layer belongs to training, to testing, or (`undefined`) to both. */
export type CaffePhase = "train" | "test";

/** A layer as the `.prototxt` describes it. */
export interface CaffeLayer {
  readonly name: string;
  /** The name of today (`Convolution`), also where the file has the old one (`CONVOLUTION`). */
  readonly type: string;
  /** Blobs it reads, by name. */
  readonly bottoms: readonly string[];
  /** Blobs it writes; one that is also a bottom is overwritten in place. */
  readonly tops: readonly string[];
  readonly phase: CaffePhase | undefined;
  /** Its settings by the name of the message: `convolution_param`, `transform_param`, … */
  readonly settings: ReadonlyMap<string, TextMessage>;
}

/** A blob that is fed from outside. */
export interface CaffeInput {
  readonly name: string;
  /** N, C, H, W; empty where the file does not say. */
  readonly shape: readonly number[];
}

/** A net as plain data, in the order of the file, which is the order of execution. */
export interface CaffeNet {
  readonly name: string;
  readonly inputs: readonly CaffeInput[];
  readonly layers: readonly CaffeLayer[];
}

/**
 * Reads a net from the text of a `.prototxt`, of the present form (`layer`) or the old one
 * (`layers`). Names, types and connections are read for every layer, known or not; layers of both
 * phases are listed (see {@link layersOfPhase}). `Input` layers become inputs.
 *
 * @param where names the file in messages
 */
export function parseCaffeNet(text: string, where: string): CaffeNet {
  const net = parseTextFormat(text, where);
  const all = [...messagesOf(net, "layers"), ...messagesOf(net, "layer")].map((message, index) =>
    parseLayer(message, `${where}: layer ${index}`),
  );
  if (all.length === 0) throw new FormatError(`${where}: no layers; it is no net of Caffe.`);
  const inputs = [...declaredInputs(net), ...all.flatMap(layerInputs)];
  const layers = all.filter(({ type }) => type !== "Input");
  return { name: textsOf(net, "name")[0] ?? "", inputs, layers };
}

/** Reads a `.prototxt`; see {@link parseCaffeNet}. */
export async function readCaffeNet(source: ByteSource): Promise<CaffeNet> {
  const bytes = await readAll(source, 2 ** 22);
  return parseCaffeNet(new TextDecoder().decode(bytes), source.name);
}

/** The layers that run in a phase: those of that phase and those of both. */
export function layersOfPhase(net: CaffeNet, phase: CaffePhase): CaffeLayer[] {
  return net.layers.filter((layer) => layer.phase === undefined || layer.phase === phase);
}

function parseLayer(message: TextMessage, where: string): CaffeLayer {
  if (message.has("layer")) {
    throw new FormatError(
      `${where}: the form of 2013 (a layer inside a layer); convert it with Caffe's upgrade_net_proto_text.`,
    );
  }
  const name = textsOf(message, "name")[0];
  const type = textsOf(message, "type")[0];
  if (name === undefined || type === undefined) {
    throw new FormatError(`${where}: expected a name and a type, got ${[...message.keys()]}.`);
  }
  const settings = new Map<string, TextMessage>();
  for (const field of message.keys()) {
    const value = messagesOf(message, field)[0];
    if (field.endsWith("_param") && value !== undefined) settings.set(field, value);
  }
  return {
    name,
    type: v1LayerTypes.find(([old]) => old === type)?.[1] ?? type,
    bottoms: textsOf(message, "bottom"),
    tops: textsOf(message, "top"),
    phase: parsePhase(message),
    settings,
  };
}

function parsePhase(message: TextMessage): CaffePhase | undefined {
  for (const rule of messagesOf(message, "include")) {
    const phase = textsOf(rule, "phase")[0];
    if (phase === "TRAIN" || phase === "TEST") return phase === "TRAIN" ? "train" : "test";
  }
  for (const rule of messagesOf(message, "exclude")) {
    const phase = textsOf(rule, "phase")[0];
    if (phase === "TRAIN" || phase === "TEST") return phase === "TRAIN" ? "test" : "train";
  }
  return undefined;
}

/** `input: "data"` with `input_shape { dim: … }` or four `input_dim: …` for each. */
function declaredInputs(net: TextMessage): CaffeInput[] {
  const shapes = messagesOf(net, "input_shape").map((shape) => numbersOf(shape, "dim"));
  const sizes = numbersOf(net, "input_dim");
  return textsOf(net, "input").map((name, index) => ({
    name,
    shape: shapes[index] ?? sizes.slice(index * 4, index * 4 + 4),
  }));
}

function layerInputs(layer: CaffeLayer): CaffeInput[] {
  if (layer.type !== "Input") return [];
  const shapes = messagesOf(layer.settings.get("input_param") ?? new Map(), "shape");
  return layer.tops.map((name, index) => {
    const shape = shapes[index] ?? shapes[0];
    return { name, shape: shape === undefined ? [] : numbersOf(shape, "dim") };
  });
}
