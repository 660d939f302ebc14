import { type FileHandle, open } from "node:fs/promises";
import { FormatError } from "../core/errors.ts";
import { type ByteSource, checkRange } from "./byteSource.ts";

/** A file on disk; `close` it when the last tensor has been read. */
export interface FileSource extends ByteSource {
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens a regular file for reading by range.
 *
 * @example
 * await using source = await openFile("model.safetensors");
 * const file = await readSafetensors(source);
 */
export async function openFile(path: string): Promise<FileSource> {
  const handle = await open(path, "r");
  try {
    const status = await handle.stat();
    if (!status.isFile()) {
      throw new FormatError(`${path}: not a regular file; expected a file with weights.`);
    }
    return handleSource(handle, path, status.size);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function handleSource(handle: FileHandle, name: string, sizeBytes: number): FileSource {
  const source: FileSource = {
    name,
    sizeBytes,
    async read(offset, length) {
      checkRange(source, offset, length);
      const bytes = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
        if (bytesRead === 0) {
          throw new FormatError(
            `${name}: the file ended at byte ${offset + filled} while ${sizeBytes} were expected; it became shorter while being read.`,
          );
        }
        filled += bytesRead;
      }
      return bytes;
    },
    close: () => handle.close(),
    [Symbol.asyncDispose]: () => handle.close(),
  };
  return source;
}
