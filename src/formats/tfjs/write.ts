import { FormatError, UnsupportedError } from "../../core/errors.ts";
import { concatenate } from "../concatenate.ts";
import { type ElementType, encodeElements } from "../elementType.ts";
import {
  checkWritable,
  defaultElementType,
  type WritableTensors,
  writableEntries,
} from "../tensorFile.ts";
import type { TfjsModelFile, TfjsWeight } from "./manifest.ts";

/** What to write into a tensorflow.js model. */
export interface TfjsOptions {
  /** The Keras config of the net, which `tf.loadLayersModel` builds it from. */
  readonly topology: unknown;
  /** Weights by Keras's names (`conv1/kernel`) in Keras's layout. */
  readonly tensors: WritableTensors;
  /** Largest shard in bytes; default 4 MiB, as tensorflow.js's converter. */
  readonly shardBytes?: number;
  readonly generatedBy?: string;
}

/**
 * The files of a tensorflow.js layers model: `model.json` and `group1-shard<i>of<n>.bin`. Tensors of
 * element type float16 are written as tensorflow.js's float16 quantisation.
 */
export function writeTfjs(options: TfjsOptions): Map<string, Uint8Array> {
  const { topology, tensors, shardBytes = 2 ** 22, generatedBy = "striate" } = options;
  if (!Number.isInteger(shardBytes) || shardBytes < 1) {
    throw new FormatError(`tfjs: shards of ${shardBytes} bytes; expected a positive whole number.`);
  }
  const weights: TfjsWeight[] = [];
  const chunks: Uint8Array[] = [];
  for (const [name, tensor] of writableEntries(tensors)) {
    checkWritable(name, tensor);
    const elementType = defaultElementType(tensor);
    weights.push({ name, shape: [...tensor.shape], ...manifestType(elementType, name) });
    chunks.push(encodeElements(tensor.data, elementType, `weight "${name}"`));
  }
  const data = concatenate(chunks);
  const count = Math.max(1, Math.ceil(data.length / shardBytes));
  const paths = Array.from({ length: count }, (_, i) => `group1-shard${i + 1}of${count}.bin`);
  const model: TfjsModelFile = {
    format: "layers-model",
    generatedBy,
    convertedBy: null,
    modelTopology: topology,
    weightsManifest: [{ paths, weights }],
  };
  const files = new Map([["model.json", new TextEncoder().encode(JSON.stringify(model))]]);
  paths.forEach((path, i) => {
    files.set(path, data.subarray(i * shardBytes, (i + 1) * shardBytes));
  });
  return files;
}

function manifestType(
  elementType: ElementType,
  name: string,
): Pick<TfjsWeight, "dtype" | "quantization"> {
  switch (elementType) {
    case "float32":
    case "int32":
    case "bool":
      return { dtype: elementType };
    case "float16":
      return { dtype: "float32", quantization: { dtype: "float16" } };
    default:
      throw new UnsupportedError(
        `weight "${name}": tensorflow.js has no ${elementType}; choose float32, float16, int32 or bool.`,
      );
  }
}
