import { FormatError } from "../core/errors.ts";
import type { ByteSource } from "./byteSource.ts";
import { readCaffemodel } from "./caffe/weights.ts";
import type { FileFolder } from "./fileFolder.ts";
import { type KerasNet, parseKerasConfig } from "./keras/config.ts";
import { readKeras } from "./keras/read.ts";
import { type TorchWeightsOptions, torchWeights } from "./keras/torchWeights.ts";
import { readNpz } from "./npz/npz.ts";
import { loadExternalData } from "./onnx/proto/externalData.ts";
import { layerTensors } from "./onnx/proto/layerTensors.ts";
import { readModel } from "./onnx/proto/model.ts";
import { readSafetensors } from "./safetensors/read.ts";
import type { TensorFile } from "./tensorFile.ts";
import { readTfjs } from "./tfjs/read.ts";
import { readTorch } from "./torch/read.ts";
import { openZip } from "./zip/read.ts";

/** Formats that weights are read from. */
export const weightFormats = [
  "safetensors",
  "torch",
  "caffe",
  "keras",
  "tfjs",
  "onnx",
  "npz",
] as const;
export type WeightFormat = (typeof weightFormats)[number];

/** Weights of any format, in PyTorch's layout, under PyTorch's names of variables. */
export interface OpenedWeights extends TensorFile {
  readonly format: WeightFormat;
  /** The model, where the file describes it in Keras's words. */
  readonly net: KerasNet | undefined;
}

/** What some formats need beyond the file. */
export interface OpenWeightsOptions {
  /** The folder of the file and its name there: shards of tensorflow.js, external data of ONNX. */
  readonly folder?: FileFolder | undefined;
  readonly path?: string | undefined;
  /** The entry of a PyTorch checkpoint; see `readTorch`. */
  readonly key?: string | undefined;
  /** See `torchWeights`. */
  readonly flattened?: TorchWeightsOptions["flattened"];
}

/**
 * Opens weights of any format, recognised by content. Layers keep the names of the file; layouts and
 * the names of variables are PyTorch's (`conv1.weight` [K, C, R, S]).
 *
 * @example
 * const { format, tensors } = await openWeights(await openFile("lenet_iter_10000.caffemodel"));
 */
export async function openWeights(
  source: ByteSource,
  options: OpenWeightsOptions = {},
): Promise<OpenedWeights> {
  const format = await detectWeightFormat(source);
  return { format, ...(await open(source, format, options)) };
}

/** Tells the format of a file from its first bytes, the directory of an archive, or where both say nothing, its name. */
export async function detectWeightFormat(source: ByteSource): Promise<WeightFormat> {
  const start = await source.read(0, Math.min(16, source.sizeBytes));
  if (start.length === 0) throw new FormatError(`${source.name}: the file is empty.`);
  const text = String.fromCharCode(...start);
  if (text.startsWith("PK")) return archiveFormat(source);
  if (text.startsWith("\x89HDF")) return "keras";
  if (text.startsWith("\x80\x02\x8a\x0a")) return "torch";
  // The eight bytes of the header's length end in zeros, and a header begins with a brace.
  if (text[8] === "{" && text.slice(4, 8) === "\0\0\0\0") return "safetensors";
  if (text.startsWith("{")) return "tfjs";
  if (/\.onnx$/i.test(source.name)) return "onnx";
  if (/\.caffemodel$/i.test(source.name)) return "caffe";
  // Both are protobuf, which has no signature: ONNX begins with a version number, Caffe with
  // the name of the net or a layer.
  if (start[0] === 8) return "onnx";
  if (start[0] === 10 || start[0] === 18) return "caffe";
  throw new FormatError(
    `${source.name}: no format of weights that is known; expected one of ${weightFormats.join(", ")}.`,
  );
}

async function archiveFormat(source: ByteSource): Promise<WeightFormat> {
  const names = [...(await openZip(source)).entries.keys()];
  if (names.includes("model.weights.h5")) return "keras";
  if (names.some((name) => name.endsWith(".npy"))) return "npz";
  if (names.some((name) => name.endsWith("data.pkl"))) return "torch";
  throw new FormatError(
    `${source.name}: a zip archive of ${names.slice(0, 5).join(", ")}; expected PyTorch's, Keras's or NumPy's.`,
  );
}

async function open(
  source: ByteSource,
  format: WeightFormat,
  options: OpenWeightsOptions,
): Promise<TensorFile & { net: KerasNet | undefined }> {
  const { folder, path, flattened, key } = options;
  const net = undefined;
  const plain = (file: TensorFile) => ({ ...file, net });
  // Weights of Keras that someone put into another container keep Keras's names and layouts.
  const inTorchLayout = (file: TensorFile) =>
    [...file.tensors.keys()].some((name) => /\/(kernel|depthwise_kernel|gamma)$/.test(name))
      ? torchWeights(file, flattened === undefined ? {} : { flattened })
      : file;
  switch (format) {
    case "safetensors":
      return plain(inTorchLayout(await readSafetensors(source)));
    case "torch":
      return plain(await readTorch(source, key === undefined ? {} : { key }));
    case "caffe":
      return plain(await readCaffemodel(source));
    case "npz":
      return plain(inTorchLayout(await readNpz(source)));
    case "onnx": {
      const model = await readModel(source);
      if (folder !== undefined) await loadExternalData(model, folder, source.name);
      return plain(layerTensors(model, source.name));
    }
    case "keras": {
      const file = await readKeras(source);
      return {
        ...torchWeights(file, { net: file.net, ...(flattened && { flattened }) }),
        net: file.net,
      };
    }
    case "tfjs": {
      if (folder === undefined || path === undefined) {
        throw new FormatError(
          `${source.name}: its weights are in files beside it; open it with its folder.`,
        );
      }
      const file = await readTfjs(folder, path);
      const described =
        file.topology === undefined ? undefined : parseKerasConfig(file.topology, source.name);
      return {
        ...torchWeights(file, { net: described, ...(flattened && { flattened }) }),
        net: described,
      };
    }
  }
}
