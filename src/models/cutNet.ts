import { OptionError } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import { GraphBuilder } from "../graph/builder.ts";
import { type FunctionalStep, functional } from "../layers/functional.ts";
import { buildNet, type Layer, type LayerRecord } from "../layers/layer.ts";
import { type LayerJson, layerToJson } from "../layers/layerJson.ts";
import { linear } from "../layers/linear.ts";
import { globalAvgPool2d } from "../layers/pooling.ts";
import { type Layers, sequential } from "../layers/structure.ts";
import { createNet } from "./catalogue.ts";
import type { Net } from "./net.ts";
import { netFromJson } from "./netFile.ts";

/** A net for other classes, seen as a body that makes codes and a linear classifier of them. */
export interface TransferNet {
  /** The whole net, with a new classifier. */
  readonly net: Net;
  /** Ends in the codes, `[N, codes]`, under the whole net's names of parameters. */
  readonly body: Layer;
  /** Numbers of one image's code. */
  readonly codes: number;
  /** The layer whose output is the code, or, where that is a plane, is averaged to it. */
  readonly cut: string;
  /** The linear layer of the new classifier: `fc` has `fc.weight [classes, codes]`. */
  readonly head: string;
}

/** Where the new classifier lies in a net that was cut. */
const newHead = "head.fc";

/**
 * Cuts the classifier off a net and puts a linear one for `classes` in its place.
 *
 * Without `cut` it is cut before its last layer with weights. Where that is a linear layer the net stays the same, for
 * other classes; anywhere else (SqueezeNet ends in a convolution), and at any `cut` of one's own, what follows the cut is
 * left out, and the mean of each plane goes into the linear layer.
 *
 * @throws OptionError for a cut that is no layer, with those there are.
 */
export function transferNet(base: Net, classes: number, cut?: string): TransferNet {
  const { records, parameters } = builtRecords(base);
  const weighted = records.filter((record) => record.parameters.length > 0 && !record.auxiliary);
  const last = weighted.at(-1);
  if (last === undefined) throw new OptionError(`net "${base.name}" has no weights to transfer.`);
  const own = cut === undefined ? ownHead(records, last) : undefined;
  const place = cut ?? makerOf(records, last.inputIds[0]!, last.name);
  if (place === undefined) {
    throw new OptionError(
      `net "${base.name}": nothing comes before its last layer "${last.name}"; there is nothing to transfer.`,
    );
  }
  const record = records.findLast(({ name }) => name === place);
  if (record === undefined) {
    throw new OptionError(
      `--cut "${place}": net "${base.name}" has no such layer. It has ${cuts(records).join(", ")}.`,
    );
  }
  const inner = cutLayer(base.layer, place);
  const shape = record.output;
  const isPlane = shape.length === 4;
  if (!isPlane && shape.length !== 2) {
    throw new OptionError(
      `--cut "${place}": it gives ${formatShape(shape)}; expected planes or a row of numbers.`,
    );
  }
  const body = isPlane ? sequential({ "": inner, codes: globalAvgPool2d() }) : inner;
  const codes = shape[1]!;
  const usable = own !== undefined && parameters.some(({ name }) => name === `${own}.bias`);
  if (usable) {
    return { net: netFor(base, { classes }), body, codes, cut: place, head: own };
  }
  const head: Record<string, Layer> = {
    ...(isPlane ? { pool: globalAvgPool2d() } : {}),
    fc: linear({ features: classes }),
  };
  return { net: cutNet(base, inner, head, classes), body, codes, cut: place, head: newHead };
}

/** The same net for other classes or another size of images. */
export function netFor(
  base: Net,
  { classes = base.classes, input = base.input }: Partial<Pick<Net, "classes" | "input">>,
): Net {
  const { name, variant, file } = base;
  return file === undefined
    ? createNet(name, { variant, input, classes })
    : netFromJson(file, { input, classes });
}

/** Layers that a net can be cut behind: those that are not inside a block. */
export function cutPlaces(base: Net): string[] {
  return cuts(builtRecords(base).records);
}

function builtRecords(net: Net) {
  const builder = new GraphBuilder({ keepComposites: true });
  const input = builder.input("x", [1, ...net.input]);
  return buildNet(net.layer, { builder, input, training: false });
}

/** The last layer with weights, where it is linear and gives the net's output. */
function ownHead(records: readonly LayerRecord[], last: LayerRecord): string | undefined {
  const isOutput = records.at(-1)?.outputId === last.outputId;
  return last.kind === "linear" && isOutput ? last.name : undefined;
}

/** The largest layer that makes a value and does not hold the layer `before`. */
function makerOf(
  records: readonly LayerRecord[],
  value: number,
  before: string,
): string | undefined {
  const makers = records.filter(
    ({ outputId, name, kind }) =>
      outputId === value &&
      kind !== "dropout" &&
      name !== "" &&
      !`${before}.`.startsWith(`${name}.`),
  );
  return makers.reduce<LayerRecord | undefined>(
    (best, record) => (best === undefined || record.inside >= best.inside ? record : best),
    undefined,
  )?.name;
}

function cuts(records: readonly LayerRecord[]): string[] {
  const names = new Set<string>();
  for (const { name, kind, output } of records) {
    const parts = name.split(".").length;
    const isPlace = output.length === 4 || output.length === 2;
    if (
      name !== "" &&
      parts <= 2 &&
      isPlace &&
      !["activation", "dropout", "flatten"].includes(kind)
    ) {
      names.add(name);
    }
  }
  return [...names];
}

/**
 * A layer up to and with the layer at `path` inside it: lists of layers end there, graphs of steps keep what leads
 * there; other layers are whole.
 *
 * @throws OptionError where the path leads into a layer that cannot be cut.
 */
export function cutLayer(whole: Layer, path: string): Layer {
  if (path === "") return whole;
  if (whole.kind === "sequential") {
    const entries = Object.entries(whole.options.layers as Layers);
    const named = entries.findIndex(([name]) => isInside(path, name));
    const at = named >= 0 ? named : entries.findIndex(([name]) => name === "");
    if (at >= 0) {
      const [name, layer] = entries[at]!;
      // A nameless layer has its parent's path.
      const rest = name === "" ? path : path.slice(name.length + 1);
      return sequential(
        Object.fromEntries([...entries.slice(0, at), [name, cutLayer(layer, rest)]]),
      );
    }
  }
  if (whole.kind === "functional") {
    const steps = whole.options.steps as Readonly<Record<string, FunctionalStep>>;
    const name = Object.keys(steps).find((step) => isInside(path, step));
    if (name !== undefined) return cutSteps(steps, name, path.slice(name.length + 1));
  }
  throw new OptionError(
    `--cut: "${path}" lies inside a ${whole.kind}, which cannot be cut; cut behind a whole layer.`,
  );
}

function isInside(path: string, name: string): boolean {
  return name !== "" && (path === name || path.startsWith(`${name}.`));
}

/** The steps that lead to one, which is the output. */
function cutSteps(
  steps: Readonly<Record<string, FunctionalStep>>,
  output: string,
  rest: string,
): Layer {
  const sources = new Map<string, readonly string[]>();
  let before = "input";
  for (const [name, { from = before, auxiliary }] of Object.entries(steps)) {
    sources.set(name, typeof from === "string" ? [from] : from);
    if (auxiliary === undefined) before = name;
  }
  const needed = new Set<string>();
  const visit = (name: string) => {
    if (needed.has(name) || name === "input") return;
    needed.add(name);
    for (const source of sources.get(name) ?? []) visit(source);
  };
  visit(output);
  const kept = Object.entries(steps)
    .filter(([name]) => needed.has(name))
    .map(([name, { layer }]) => {
      const cut = name === output ? cutLayer(layer, rest) : layer;
      return [name, { layer: cut, from: sources.get(name)! }] as const;
    });
  return functional({ steps: Object.fromEntries(kept), output });
}

/** The whole net as a file would say it: the body, then the new classifier. */
function cutNet(base: Net, inner: Layer, head: Record<string, Layer>, classes: number): Net {
  const steps = Object.entries(head).map(([name, layer]): [string, LayerJson] => [
    name,
    name === "fc" ? { layer: "linear", features: "$classes" } : layerToJson(layer),
  ]);
  const { name, input, minimumInput, paper, year } = base;
  return netFromJson(
    {
      name,
      input,
      layers: {
        layer: "sequential",
        layers: {
          "": layerToJson(inner),
          head: { layer: "sequential", layers: Object.fromEntries(steps) },
        },
      },
      minimumInput,
      ...(paper === "" ? {} : { paper }),
      ...(year === 0 ? {} : { year }),
    },
    { classes },
  );
}

/** Parameters in stages, from the image to the head: blocks of a numbered list, other layers by themselves. */
export function stagesOf(parameters: readonly { readonly name: string }[]): string[] {
  const stages = new Set<string>();
  for (const { name } of parameters) stages.add(stageOf(name));
  return [...stages];
}

/** `features.3.squeeze.weight` → `features.3`; `conv1.weight` → `conv1`. */
export function stageOf(parameter: string): string {
  const [first = "", second = ""] = parameter.split(".");
  return /^\d+$/.test(second) ? `${first}.${second}` : first;
}
