import { readFile, stat } from "node:fs/promises";
import { basename, extname } from "node:path";
import { FormatError, OptionError } from "../core/errors.ts";
import { readCaffeNet } from "../formats/caffe/net.ts";
import { type CaffeDescription, netFromCaffe } from "../formats/caffe/netFromCaffe.ts";
import { openFile } from "../formats/fileSource.node.ts";
import type { KerasNet } from "../formats/keras/config.ts";
import { type KerasDescription, netFromKeras } from "../formats/keras/netFromKeras.ts";
import { netFromOnnx } from "../formats/onnx/onnxNet.ts";
import { modelTensors } from "../formats/onnx/proto/model.ts";
import type { WeightFormat } from "../formats/openWeights.ts";
import type { StoredTensor } from "../formats/tensorFile.ts";
import { createNet, type ImageShape, type Net, netFromJson, netNames } from "../models/index.ts";
import type { StatedPreprocessing } from "./importedPreprocessing.ts";
import type { ImportOptions } from "./importModel.node.ts";
import { readOnnx } from "./onnxFile.node.ts";
import type { WeightSource } from "./weightSource.node.ts";

/** The net that weights are for. */
export interface AskedNet {
  /** Makes it, for so many classes; for its own where none are given. */
  asked(classes: number | undefined): Net;
  readonly stated?: StatedPreprocessing | undefined;
  /** Whose usual preprocessing it has. */
  readonly format: WeightFormat;
  /** Where a file of Keras describes it. */
  readonly keras?: KerasDescription;
  /** The file's tensors by the names that this net has for them, where it is the file's own. */
  readonly named?: ReadonlyMap<string, StoredTensor>;
}

/**
 * The net that is asked for, or that the file tells of.
 *
 * @throws OptionError where there is neither.
 */
export async function findNet(source: WeightSource, options: ImportOptions): Promise<AskedNet> {
  const { format, net: described } = source.opened;
  if (options.net === undefined && source.onnx !== undefined) {
    return onnxNet(source.onnx, source, options);
  }
  if (options.net === undefined && described !== undefined) {
    return kerasNet(described, source, options);
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
    const caffe = netFromCaffe(await readCaffeNet(await openFile(named)), named, options.input);
    return { asked: fromJson(caffe.net, size), stated: statedByCaffe(caffe), format: "caffe" };
  }
  if (isFile) return { asked: fromJson(await readJson(named), size), format };
  const { variant } = options;
  return {
    asked: (classes) =>
      createNet(named, {
        ...(variant === undefined ? {} : { variant }),
        ...(classes === undefined ? {} : { classes }),
        ...(size === undefined ? {} : { input: withChannels(size, named, variant) }),
      }),
    format,
  };
}

async function onnxNet(
  path: string,
  source: WeightSource,
  { input, crop }: ImportOptions,
): Promise<AskedNet> {
  const model = await readOnnx(path);
  const { tensors } = modelTensors(model, source.name);
  const name = basename(path, extname(path));
  const size = input ?? (crop === undefined ? undefined : ([3, crop, crop] as const));
  return {
    asked: (classes) =>
      netFromOnnx(model, {
        name,
        ...(classes === undefined ? {} : { classes }),
        ...(size === undefined ? {} : { input: size }),
      }),
    format: "onnx",
    named: new Map([...tensors].filter(([, { elementType }]) => elementType.includes("float"))),
  };
}

function kerasNet(described: KerasNet, source: WeightSource, options: ImportOptions): AskedNet {
  const { format, tensors } = source.opened;
  const keras = netFromKeras(described, source.name, options.input);
  return {
    asked: fromKeras(keras, source.name, options.input ?? sizeOf(source, options)),
    format,
    keras,
    named: new Map([...tensors].map(([name, tensor]) => [keras.rename(name), tensor])),
  };
}

/** The net that a file of Keras describes; `where` names the file in messages. */
export function fromKeras(
  { net }: KerasDescription,
  where: string,
  size: Size | undefined,
): AskedNet["asked"] {
  const make = fromJson(net, size);
  return (classes) => {
    if (classes !== undefined || net.classes !== undefined) return make(classes);
    throw new OptionError(
      `"${where}": it ends in features, not in classes; say how many there are to be with --classes, and a linear layer behind them starts fresh.`,
    );
  };
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new FormatError(`net "${path}": not valid JSON: ${(error as Error).message}`);
  }
}

/** The size of the images, or of their sides alone. */
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

/** The net that a net file holds. */
export function fromJson(json: unknown, size: Size | undefined): AskedNet["asked"] {
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
