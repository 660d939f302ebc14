import type { ByteSource } from "../byteSource.ts";
import {
  type StoredTensor,
  type TensorFile,
  type WritableTensors,
  writableEntries,
} from "../tensorFile.ts";
import { openZip, type ZipLimits } from "../zip/read.ts";
import { writeZip } from "../zip/write.ts";
import { readNpy, writeNpy } from "./npy.ts";

/**
 * Opens a NumPy archive (`.npz`, from `savez` or `savez_compressed`). Stored arrays stay in the file
 * until they are read, compressed ones are inflated now; files that are no `.npy` are passed over.
 */
export async function readNpz(source: ByteSource, limits: ZipLimits = {}): Promise<TensorFile> {
  const archive = await openZip(source, limits);
  const tensors = new Map<string, StoredTensor>();
  for (const entry of archive.entries.values()) {
    if (!entry.name.endsWith(".npy")) continue;
    tensors.set(entry.name.slice(0, -4), await readNpy(await archive.open(entry)));
  }
  return { tensors, metadata: {} };
}

/** The bytes of a `.npz` file; `compress` deflates, as `savez_compressed` does. */
export function writeNpz(
  tensors: WritableTensors,
  options: { readonly compress?: boolean } = {},
): Uint8Array {
  const files = new Map<string, Uint8Array>();
  for (const [name, tensor] of writableEntries(tensors)) {
    files.set(`${name}.npy`, writeNpy(tensor, name));
  }
  return writeZip(files, options);
}
