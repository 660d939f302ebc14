import { extname } from "node:path";
import type { TensorData } from "../core/dtype.ts";
import { DataError, FormatError, OptionError } from "../core/errors.ts";
import { elementCount, formatShape } from "../core/shape.ts";
import { readCaffeMean } from "../formats/caffe/weights.ts";
import { openFile } from "../formats/fileSource.node.ts";
import {
  differsInHead,
  fitWeights,
  flattenedLayers,
  isComplete,
  type WeightFit,
} from "../formats/fitWeights.ts";
import { readNpy } from "../formats/npz/npy.ts";
import type { StoredTensor } from "../formats/tensorFile.ts";
import { initialize } from "../layers/layer.ts";
import {
  type ImageShape,
  type Net,
  netFromJson,
  netToJson,
  publishedWeights,
} from "../models/index.ts";
import { declarations } from "../train/stepGraph.ts";
import type { Tensor, Tensors } from "../train/trainer.ts";
import { findNet } from "./importedNet.node.ts";
import { choosePreprocessing, type PreprocessingFlags } from "./importedPreprocessing.ts";
import type { Model } from "./model.ts";
import { ownVariant } from "./ownNet.ts";
import type { WeightSource } from "./weightSource.node.ts";

/** What is asked of an import; what is left out comes from the file. */
export interface ImportOptions extends PreprocessingFlags {
  /** A net of the catalogue, a net file (`.json`), or a description by Caffe (`.prototxt`). */
  readonly net?: string | undefined;
  readonly variant?: string | undefined;
  /** `[C, H, W]`. */
  readonly input?: ImageShape | undefined;
  readonly classes?: number | undefined;
  readonly labels?: readonly string[] | undefined;
  /** A mean image: `.binaryproto`, `.npy`, or bare float32 numbers, [C, H, W]. */
  readonly meanImage?: string | undefined;
  /** Of the last layer's weights, where they start fresh. Default 0. */
  readonly seed?: number | undefined;
}

/** How weights fit a net, and the model that came of it. */
export interface ImportedModel {
  readonly net: Net;
  readonly fit: WeightFit;
  /** Undefined where tensors were missing or had other shapes. */
  readonly model: Model | undefined;
  /** Tensors of the net that start fresh, because its classes are not those of the file. */
  readonly fresh: readonly string[];
  /** Where the preprocessing comes from. */
  readonly preprocessing: string;
}

/**
 * Makes a model of weights of others.
 *
 * @throws OptionError where no net is named and the file describes none.
 */
export async function importModel(
  source: WeightSource,
  options: ImportOptions,
): Promise<ImportedModel> {
  const { asked, stated, format, keras, named } = await findNet(source, options);
  const mean = options.meanImage === undefined ? undefined : await readMean(options.meanImage);
  const build = (classes: number | undefined): Net => {
    const net = asked(classes);
    return mean === undefined ? net : withMean(net);
  };
  const wanted = options.classes ?? options.labels?.length ?? source.classes;
  let net = build(wanted);
  let { fit, tensors } = await fitTo(net, source, options, named);
  if (wanted === undefined && differsInHead(fit)) {
    const classes = classesOf(fit);
    if (classes !== undefined) {
      net = build(classes);
      ({ fit, tensors } = await fitTo(net, source, options, named));
    }
  }
  checkLabelCount(fit, options);
  const preprocessing = choosePreprocessing(net, {
    flags: options,
    stated: source.preprocessing ?? stated,
    published: fit.published,
    format,
    keras,
    isMeanImage: mean !== undefined,
  });
  const image =
    mean === undefined ? undefined : await meanOf(mean, net, preprocessing.normalization.scale);
  const usable =
    isComplete(fit) || (differsInHead(fit) && options.classes !== undefined) ? fit : undefined;
  if (usable === undefined) {
    return { net, fit, model: undefined, fresh: [], preprocessing: preprocessing.from };
  }
  const { weights, fresh } = await readWeights(net, usable, tensors, image, options.seed ?? 0);
  const labels = labelsFor(net, source, options, usable);
  const model: Model = {
    net,
    classes: labels,
    geometry: preprocessing.geometry,
    normalization: preprocessing.normalization,
    loss: net.loss,
    threshold: undefined,
    weights,
  };
  return { net, fit, model, fresh, preprocessing: preprocessing.from };
}

async function fitTo(
  net: Net,
  source: WeightSource,
  { variant }: ImportOptions,
  named: ReadonlyMap<string, StoredTensor> | undefined,
): Promise<{ fit: WeightFit; tensors: ReadonlyMap<string, StoredTensor> }> {
  const { format } = source.opened;
  if (named !== undefined) return { fit: fitWeights(net, named), tensors: named };
  const isOwn = net.variant === ownVariant;
  const published = isOwn ? [] : publishedWeights(net.name, variant ?? net.variant);
  // Of a hub id only its own row can be meant.
  const rows = published.filter(({ hub }) => source.hub === undefined || hub === source.hub);
  const options = {
    published: rows.length > 0 ? rows : published,
    ordered: format !== "safetensors" && format !== "npz",
  };
  const found = fitWeights(net, source.opened.tensors, options);
  // The mean image comes from a file of its own.
  const fit = { ...found, missing: found.missing.filter((name) => name !== meanName) };
  if (format !== "keras" && format !== "tfjs") return { fit, tensors: source.opened.tensors };
  const flattened: Record<string, readonly [number, number, number]> = {};
  for (const [layer, shape] of flattenedLayers(net)) {
    const name = fit.matched.get(`${layer}.weight`);
    if (name !== undefined) flattened[name.slice(0, -".weight".length)] = shape;
  }
  if (Object.keys(flattened).length === 0) return { fit, tensors: source.opened.tensors };
  return { fit, tensors: (await source.reopen(flattened)).tensors };
}

/** How many classes the file's last layer has. */
function classesOf({ misshapen, head }: WeightFit): number | undefined {
  return misshapen.find(({ name }) => head.has(name))?.given[0];
}

/** The classes of labels must be those of the file, unless others are asked for. */
function checkLabelCount(fit: WeightFit, { labels, classes }: ImportOptions): void {
  const there = differsInHead(fit) ? classesOf(fit) : undefined;
  if (labels === undefined || classes !== undefined || there === undefined) return;
  throw new OptionError(
    `--labels: ${labels.length} names; the weights are for ${there} classes. Name as many, or say --classes ${labels.length} and the last layer starts fresh.`,
  );
}

async function readWeights(
  net: Net,
  fit: WeightFit,
  tensors: ReadonlyMap<string, StoredTensor>,
  image: Tensor | undefined,
  seed: number,
): Promise<{ weights: Tensors; fresh: string[] }> {
  const declared = declarations({
    net: net.layer,
    input: net.input,
    classes: net.classes,
    normalization: { mean: [], std: [] },
  });
  const contents = initialize(declared, seed);
  const weights = new Map<string, Tensor>();
  const fresh: string[] = [];
  for (const { name, shape, kind } of declared) {
    const source = fit.matched.get(name);
    if (image !== undefined && name === meanName) weights.set(name, image);
    else if (source !== undefined) {
      const data = await tensors.get(source)!.read();
      const bias = fit.absorbed.get(name);
      if (bias === undefined) weights.set(name, { shape, data });
      else weights.set(name, { shape, data: difference(data, await tensors.get(bias)!.read()) });
    } else {
      // Counters of batches begin at zero; nothing else that is no parameter can be missing.
      if (kind === "parameter") fresh.push(name);
      weights.set(name, { shape, data: contents[name]! });
    }
  }
  return { weights, fresh };
}

function difference(a: TensorData, b: TensorData): Float32Array {
  return Float32Array.from(a, (value, i) => value - b[i]!);
}

function labelsFor(
  net: Net,
  source: WeightSource,
  options: ImportOptions,
  fit: WeightFit,
): readonly string[] {
  if (options.labels !== undefined) {
    if (options.labels.length !== net.classes) {
      throw new OptionError(
        `--labels: ${options.labels.length} names; the net has ${net.classes} classes.`,
      );
    }
    return unique(options.labels);
  }
  const known = source.labels ?? fit.published?.labels;
  if (known?.length === net.classes) return unique(known);
  return Array.from({ length: net.classes }, (_, i) => String(i));
}

/** ImageNet has two cranes and two maillots: the second gets its number. */
function unique(labels: readonly string[]): string[] {
  return labels.map((label, i) => (labels.indexOf(label) === i ? label : `${label} (${i})`));
}

const meanName = "mean.mean";

/** The net with a layer in front that takes a mean image away. */
function withMean(net: Net): Net {
  const inner =
    net.variant === ownVariant
      ? netToJson(net).layers
      : {
          layer: "net",
          net: net.name,
          variant: net.variant,
          input: net.input,
          classes: "$classes",
        };
  const layers = { mean: { layer: "subtractMean" }, "": inner };
  const { name, input, classes, loss } = net;
  return netFromJson({ name, input, loss, layers: { layer: "sequential", layers } }, { classes });
}

async function readMean(path: string): Promise<Tensor> {
  const source = await openFile(path);
  const extension = extname(path).toLowerCase();
  if (extension === ".binaryproto" || extension === ".npy") {
    const tensor = extension === ".npy" ? await readNpy(source) : await readCaffeMean(source);
    return { shape: tensor.shape, data: await tensor.read() };
  }
  if (source.sizeBytes % 4 !== 0) {
    throw new FormatError(
      `${path}: ${source.sizeBytes} bytes are no float32 numbers; expected .binaryproto, .npy or bare float32.`,
    );
  }
  const bytes = await source.read(0, source.sizeBytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const data = Float32Array.from({ length: bytes.length / 4 }, (_, i) =>
    view.getFloat32(i * 4, true),
  );
  return { shape: [data.length], data };
}

/** The middle of a mean image, as large as the input, in the units that the net sees. */
function meanOf(mean: Tensor, net: Net, scale = 1 / 255): Tensor {
  const [channels, height, width] = net.input;
  const size = elementCount(net.input);
  const data = new Float32Array(size);
  const [c, h, w] = mean.shape.length === 3 ? (mean.shape as [number, number, number]) : net.input;
  if (c !== channels || h < height || w < width || mean.data.length !== c * h * w) {
    throw new DataError(
      `--mean-image: ${formatShape(mean.shape)}; the net takes ${formatShape(net.input)}, and the mean image must be as large or larger.`,
    );
  }
  const [top, left] = [(h - height) >> 1, (w - width) >> 1];
  for (let i = 0; i < size; i++) {
    const x = i % width;
    const y = Math.floor(i / width) % height;
    const channel = Math.floor(i / (width * height));
    data[i] = mean.data[(channel * h + y + top) * w + x + left]! * scale;
  }
  return { shape: net.input, data };
}
