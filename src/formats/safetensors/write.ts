import { FormatError } from "../../core/errors.ts";
import { elementCount } from "../../core/shape.ts";
import { concatenate } from "../concatenate.ts";
import { elementTypes, encodeElements } from "../elementType.ts";
import {
  checkWritable,
  defaultElementType,
  type WritableTensors,
  writableEntries,
} from "../tensorFile.ts";
import { tagOfElementType } from "./elementTags.ts";

/**
 * The chunks of a safetensors file: the header, then each tensor in the order given, so that a
 * model larger than memory could be written one tensor at a time.
 *
 * The header is padded with spaces to a multiple of eight bytes. Tensors are not sorted by
 * alignment, because mixed widths are read without it here and in the reference reader.
 *
 * @example
 * await writeFileAtomic("model.safetensors", safetensorsChunks({ "fc.bias": { shape: [2], data } }));
 */
export function* safetensorsChunks(
  tensors: WritableTensors,
  metadata: Readonly<Record<string, string>> = {},
): Generator<Uint8Array, void> {
  const entries = writableEntries(tensors);
  const header = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) header.set("__metadata__", metadata);
  let position = 0;
  for (const [name, tensor] of entries) {
    if (name === "__metadata__") {
      throw new FormatError(`safetensors: a tensor cannot be called "__metadata__"; rename it.`);
    }
    checkWritable(name, tensor);
    const type = defaultElementType(tensor);
    const end = position + elementCount(tensor.shape) * elementTypes[type].sizeBytes;
    header.set(name, {
      dtype: tagOfElementType(type),
      shape: tensor.shape,
      data_offsets: [position, end],
    });
    position = end;
  }
  yield headerBytes(Object.fromEntries(header));
  for (const [name, tensor] of entries) {
    yield encodeElements(tensor.data, defaultElementType(tensor), `tensor "${name}"`);
  }
}

/** A whole safetensors file in memory; see {@link safetensorsChunks}. */
export function writeSafetensors(
  tensors: WritableTensors,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  return concatenate([...safetensorsChunks(tensors, metadata)]);
}

function headerBytes(header: object): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + padded).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(text, 8);
  return bytes;
}
