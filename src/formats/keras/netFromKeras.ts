import { FormatError, UnsupportedError } from "../../core/errors.ts";
import type { LayerJson } from "../../layers/layerJson.ts";
import type { NetJson } from "../../models/netFile.ts";
import type { KerasNet } from "./config.ts";
import { kerasLayer } from "./kerasLayer.ts";
import { headOf, type PlacedLayer, scoreLayers, unfold } from "./unfold.ts";

/** A net of Keras in our own words. */
export interface KerasDescription {
  /** Without `classes` where the model has no layer of classes and is given a fresh one. */
  readonly net: NetJson;
  /** Whether it scales pixels itself. */
  readonly takesPixels: boolean;
  /** Names of the model and of those in it: `vgg16`. */
  readonly models: readonly string[];
  /** Our name of a tensor of the file: a model inside a model does not stand before the names of its layers here. */
  rename(tensor: string): string;
}

interface Step {
  readonly layer: LayerJson;
  readonly from: string | readonly string[];
}

/** The step that holds a layer's result, and whether that is a vector. */
interface Result {
  readonly step: string;
  readonly isFlat: boolean;
}

/**
 * Turns the config of a Keras model into a net of one's own, with Keras's names of layers, so that the weights of the
 * same file fit by name. A softmax at the end is left out, since a net ends in scores here; `$classes` stands for the
 * width of the last layer with weights. A model that ends in a map or in features (saved without its top) gets a global
 * average and a linear layer `classifier`. Layers that change images in training only are left out.
 *
 * @param input `[C, H, W]`, where the file leaves sizes open
 * @throws UnsupportedError for a layer that has no counterpart here, by its name.
 */
export function netFromKeras(
  net: KerasNet,
  where: string,
  input?: readonly [number, number, number],
): KerasDescription {
  const placed = unfold(net, where);
  const ends = scoreLayers(placed);
  const head = headOf(placed);
  const steps = new Map<string, Step>();
  const fed: Result = { step: "input", isFlat: false };
  const results = new Map<string, Result>([["", fed]]);
  for (const layer of placed) {
    const sources = layer.inputs.map((source) => results.get(source)!);
    const isHead = layer === head;
    results.set(layer.name, addLayer(steps, layer, sources, isHead, ends.has(layer.name)));
  }
  const last = results.get(placed.at(-1)!.name)!;
  closeNet(steps, last, head === undefined);
  const classes = head?.config.units ?? head?.config.filters;
  const first = placed.find(({ className }) => !passing.has(className));
  return {
    net: {
      name: net.name === "" ? "keras" : net.name,
      input: imageShape(net, where, input),
      ...(typeof classes === "number" ? { classes } : {}),
      layers: { layer: "functional", steps: Object.fromEntries(steps) },
      paper: "a net of Keras",
    },
    takesPixels: first !== undefined && ["Rescaling", "Normalization"].includes(first.className),
    models: modelNames(net),
    rename: renaming(new Set(placed.map(({ name }) => name))),
  };
}

function modelNames({ name, layers }: KerasNet): string[] {
  return [name, ...layers.flatMap(({ model }) => (model === undefined ? [] : modelNames(model)))];
}

/** What may stand in front of a layer that scales pixels. */
const passing: ReadonlySet<string> = new Set([
  "InputLayer",
  "ZeroPadding2D",
  "RandomFlip",
  "RandomRotation",
  "RandomZoom",
  "RandomTranslation",
]);

function addLayer(
  steps: Map<string, Step>,
  layer: PlacedLayer,
  sources: readonly Result[],
  isHead: boolean,
  isEnd: boolean,
): Result {
  const flat = sources.map(({ isFlat }) => isFlat);
  const made = kerasLayer(layer, { flat, isHead, isEnd });
  let from: readonly string[] = sources.map(({ step }) => step);
  for (const { suffix, json } of made.steps) {
    const name = suffix === "" ? layer.name : `${layer.name}.${suffix}`;
    if (steps.has(name)) throw new FormatError(`${layer.where}: two layers are called "${name}".`);
    steps.set(name, { layer: json, from: from.length === 1 ? from[0]! : from });
    from = [name];
  }
  return { step: from[0]!, isFlat: made.isFlat };
}

/** Scores end a net, as `[N, classes]`. */
function closeNet(steps: Map<string, Step>, last: Result, isWithoutTop: boolean): void {
  let from = last.step;
  if (!last.isFlat) {
    const name = isWithoutTop ? "classifier_pool" : "scores_flatten";
    const layer = { layer: isWithoutTop ? "globalAvgPool2d" : "flatten" };
    steps.set(name, { layer, from });
    from = name;
  }
  if (isWithoutTop) {
    steps.set("classifier", { layer: { layer: "linear", features: "$classes" }, from });
  }
}

/** `[C, H, W]` of the images that a model takes; one without channels has grey ones. */
function imageShape(
  { inputShape }: KerasNet,
  where: string,
  asked: readonly [number, number, number] | undefined,
): readonly [number, number, number] {
  const [height, width, channels = 1, ...more] = inputShape ?? [null, null, null];
  if (inputShape?.length === 1 || more.length > 0) {
    throw new UnsupportedError(
      `${where}: it takes [${inputShape!.map((size) => size ?? "?").join(", ")}]; a net takes images, [height, width, channels].`,
    );
  }
  const size = asked ?? [channels, height, width];
  if (size.every((side) => typeof side === "number")) {
    return size as readonly [number, number, number];
  }
  throw new FormatError(
    `${where}: it takes images of any size and does not say which; give --input HxWxC.`,
  );
}

/** `mobilenet/conv1.weight` → `conv1.weight`, where there is a layer `conv1` and none called `mobilenet/conv1`. */
function renaming(layers: ReadonlySet<string>): (tensor: string) => string {
  const belongs = (tensor: string) => {
    for (let dot = tensor.indexOf("."); dot >= 0; dot = tensor.indexOf(".", dot + 1)) {
      if (layers.has(tensor.slice(0, dot))) return true;
    }
    return false;
  };
  return (tensor) => {
    const parts = tensor.split("/");
    const shorter = parts.map((_, i) => parts.slice(i).join("/"));
    return shorter.find(belongs) ?? tensor;
  };
}
