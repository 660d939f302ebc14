import { readFile, stat } from "node:fs/promises";
import { basename, extname } from "node:path";
import { DataError, FormatError, OptionError } from "../core/errors.ts";
import { elementCount, formatShape } from "../core/shape.ts";
import { readCaffeNet } from "../formats/caffe/net.ts";
import { type CaffeDescription, netFromCaffe } from "../formats/caffe/netFromCaffe.ts";
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
import { netFromOnnx } from "../formats/onnx/onnxNet.ts";
import { modelTensors } from "../formats/onnx/proto/model.ts";
import type { StoredTensor } from "../formats/tensorFile.ts";
import { initialize } from "../layers/layer.ts";
import {
  createNet,
  type ImageShape,
  type Net,
  netFromJson,
  netNames,
  netToJson,
  publishedWeights,
} from "../models/index.ts";
import { declarations } from "../train/stepGraph.ts";
import type { Tensor, Tensors } from "../train/trainer.ts";
import {
  choosePreprocessing,
  type PreprocessingFlags,
  type StatedPreprocessing,
} from "./importedPreprocessing.ts";
import type { Model } from "./model.ts";
import { readOnnx } from "./onnxFile.node.ts";
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
  const { asked, stated, isCaffe, named } = await findNet(source, options);
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
  const preprocessing = choosePreprocessing(net, {
    flags: options,
    stated: source.preprocessing ?? stated,
    published: fit.published,
    format: isCaffe ? "caffe" : source.opened.format,
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

/** The net that is asked for, or that the file tells of, for any number of classes. */
async function findNet(
  source: WeightSource,
  options: ImportOptions,
): Promise<{
  readonly asked: (classes: number | undefined) => Net;
  readonly stated: StatedPreprocessing | undefined;
  readonly isCaffe: boolean;
  /** The file's tensors by the names that this net has for them, where it is the file's own. */
  readonly named?: ReadonlyMap<string, StoredTensor>;
}> {
  if (options.net === undefined && source.onnx !== undefined) {
    const model = await readOnnx(source.onnx);
    const { tensors } = modelTensors(model, source.name);
    const name = basename(source.onnx, extname(source.onnx));
    const { input, crop } = options;
    const size = input ?? (crop === undefined ? undefined : ([3, crop, crop] as const));
    return {
      asked: (classes) =>
        netFromOnnx(model, {
          name,
          ...(classes === undefined ? {} : { classes }),
          ...(size === undefined ? {} : { input: size }),
        }),
      stated: undefined,
      isCaffe: false,
      named: new Map([...tensors].filter(([, { elementType }]) => elementType.includes("float"))),
    };
  }
  const named = options.net ?? source.prototxt ?? source.architecture;
  if (named === undefined) {
    throw new OptionError(
      `import "${source.name}": it does not say which net it is of; name one with --net (${netNames().slice(0, 4).join(", ")}, …; "striate nets" lists them).`,
    );
  }
  const isFile = (await stat(named).catch(() => undefined))?.isFile() === true;
  const size = options.input ?? sizeOf(source, options);
  if (isFile && extname(named).toLowerCase() === ".prototxt") {
    const described = netFromCaffe(await readCaffeNet(await openFile(named)), named, options.input);
    return {
      asked: fromJson(described.net, size),
      stated: statedByCaffe(described),
      isCaffe: true,
    };
  }
  if (isFile) {
    let json: unknown;
    try {
      json = JSON.parse(await readFile(named, "utf8"));
    } catch (error) {
      throw new FormatError(`net "${named}": not valid JSON: ${(error as Error).message}`);
    }
    return { asked: fromJson(json, size), stated: undefined, isCaffe: false };
  }
  const { variant } = options;
  return {
    asked: (classes) =>
      createNet(named, {
        ...(variant === undefined ? {} : { variant }),
        ...(classes === undefined ? {} : { classes }),
        ...(size === undefined ? {} : { input: withChannels(size, named, variant) }),
      }),
    stated: undefined,
    isCaffe: false,
  };
}

type Size = ImageShape | { readonly side: readonly [number, number] };

function sizeOf({ preprocessing }: WeightSource, { crop }: ImportOptions): Size | undefined {
  if (crop !== undefined) return { side: [crop, crop] };
  if (preprocessing === undefined) return undefined;
  return { side: [preprocessing.height, preprocessing.width] };
}

function withChannels(size: Size, net: string, variant: string | undefined): ImageShape {
  if (!("side" in size)) return size;
  const { input } = createNet(net, variant === undefined ? {} : { variant });
  return [input[0], ...size.side];
}

function fromJson(json: unknown, size: Size | undefined): (classes: number | undefined) => Net {
  return (classes) => {
    const own = netFromJson(json, classes === undefined ? {} : { classes });
    if (size === undefined) return own;
    const input: ImageShape = "side" in size ? [own.input[0], ...size.side] : size;
    return netFromJson(json, { input, ...(classes === undefined ? {} : { classes }) });
  };
}

function statedByCaffe({ preprocessing }: CaffeDescription): StatedPreprocessing | undefined {
  const { scale, mean, meanFile } = preprocessing;
  if (scale === undefined && mean === undefined) return undefined;
  return { scale: scale ?? 1, mean, meanFile };
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
      weights.set(name, { shape, data: await tensors.get(source)!.read() });
    } else {
      // Counters of batches begin at zero; nothing else that is no parameter can be missing.
      if (kind === "parameter") fresh.push(name);
      weights.set(name, { shape, data: contents[name]! });
    }
  }
  return { weights, fresh };
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
