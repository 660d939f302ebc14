import { FormatError, UnsupportedError } from "../../core/errors.ts";
import { parseBoundedJson } from "../boundedJson.ts";
import { type ByteSource, readAll } from "../byteSource.ts";
import { type ElementType, elementTypes } from "../elementType.ts";
import type { FileFolder } from "../fileFolder.ts";
import { joinedSource } from "../joinedSource.ts";
import {
  checkStoredShape,
  type StoredTensor,
  storedTensor,
  type TensorFile,
} from "../tensorFile.ts";
import { checkModelFile, type TfjsGroup, type TfjsWeight } from "./manifest.ts";

/** A layers model of tensorflow.js: weights, and the topology (a Keras config) as plain JSON. */
export interface TfjsModel extends TensorFile {
  readonly topology: unknown;
}

const maxModelFileBytes = 2 ** 26;
const maxShards = 10_000;

/**
 * Opens a tensorflow.js layers model: `model.json` and, relative to it, the shards its manifest names.
 * Weights stay in the shards until they are read; quantised ones (float16, uint8, uint16) come out
 * as float32 or int32. Names and layouts are those of Keras: `conv1/kernel` [R, S, C, K].
 *
 * A shard's path cannot leave the folder, and the weights of a group must fill its shards exactly.
 *
 * Source: `tfjs-core/src/io/types.ts` and `io_utils.ts` of tensorflow.js 4.
 */
export async function readTfjs(folder: FileFolder, path = "model.json"): Promise<TfjsModel> {
  const file = await folder.open(path);
  const json = parseBoundedJson(await readAll(file, maxModelFileBytes), file.name);
  const model = checkModelFile(json, file.name);
  if (model.format !== undefined && model.format !== "layers-model") {
    throw new UnsupportedError(
      `${file.name}: format "${model.format}"; layers models are read, graph models are not.`,
    );
  }
  const prefix = path.slice(0, path.lastIndexOf("/") + 1);
  const tensors = new Map<string, StoredTensor>();
  const seen = new Set<string>();
  for (const group of model.weightsManifest) {
    const shards: ByteSource[] = [];
    for (const shard of group.paths) {
      if (seen.has(shard) || seen.size >= maxShards) {
        throw new FormatError(
          `${file.name}: shard ${seen.size + 1}, "${shard.slice(0, 100)}", is listed twice or beyond ${maxShards}.`,
        );
      }
      seen.add(shard);
      shards.push(await folder.open(prefix + shard));
    }
    addGroup(group, joinedSource(shards, file.name), tensors);
  }
  const metadata = Object.fromEntries(
    Object.entries({ generatedBy: model.generatedBy, convertedBy: model.convertedBy }).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string",
    ),
  );
  return { tensors, metadata, topology: model.modelTopology };
}

function addGroup(group: TfjsGroup, data: ByteSource, tensors: Map<string, StoredTensor>): void {
  let position = 0;
  for (const weight of group.weights) {
    const where = `${data.name}: weight "${weight.name}"`;
    if (tensors.has(weight.name)) {
      throw new FormatError(`${where} occurs twice; expected different names.`);
    }
    const elementType = storedType(weight, where);
    const sizeBytes = checkStoredShape(weight.shape, elementType, where);
    const start = position;
    const readBytes = () => data.read(start, sizeBytes);
    tensors.set(
      weight.name,
      dequantized(weight, storedTensor(weight.shape, elementType, where, readBytes)),
    );
    position += sizeBytes;
  }
  if (position !== data.sizeBytes) {
    throw new FormatError(
      `${data.name}: the weights in ${group.paths.join(", ").slice(0, 200)} take ${position} bytes; the shards hold ${data.sizeBytes}.`,
    );
  }
}

/** The type of the numbers in the shards. */
function storedType(weight: TfjsWeight, where: string): ElementType {
  const { dtype, quantization } = weight;
  if (!["float32", "int32", "bool", "uint8", "int8", "uint16", "int16"].includes(dtype)) {
    throw new UnsupportedError(
      `${where}: elements of type "${dtype}" are not read; float32, int32 and bool are.`,
    );
  }
  if (quantization !== undefined && dtype !== "float32" && dtype !== "int32") {
    throw new FormatError(`${where}: quantised ${dtype}; only float32 and int32 can be.`);
  }
  return (quantization?.dtype ?? dtype) as ElementType;
}

/** Undoes linear quantisation, `value = stored · scale + min`; int32 is rounded, as tfjs does. */
function dequantized(weight: TfjsWeight, stored: StoredTensor): StoredTensor {
  const { quantization, dtype, shape } = weight;
  if (quantization === undefined) return stored;
  const type = dtype === "int32" ? "int32" : "float32";
  const read = async () => {
    const values = await stored.read();
    const real = new Float32Array(values);
    if (quantization.dtype !== "float16") {
      const { scale, min } = quantization;
      for (let i = 0; i < real.length; i++) real[i] = values[i]! * scale + min;
    }
    return type === "int32" ? Int32Array.from(real, Math.round) : real;
  };
  return { shape, elementType: type, dtype: elementTypes[type].dtype, read };
}
