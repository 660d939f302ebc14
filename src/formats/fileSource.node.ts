import { type FileHandle, open, stat } from "node:fs/promises";
import { FormatError } from "../core/errors.ts";
import { type ByteSource, checkRange } from "./byteSource.ts";

/**
 * A regular file on disk, read by range. Nothing stays open between reads, so there is nothing to
 * close; a file that was replaced or changed meanwhile is noticed and refused.
 *
 * @example
 * const file = await readSafetensors(await openFile("model.safetensors"));
 */
export async function openFile(path: string, name = path): Promise<ByteSource> {
  // Asked before opening, because opening a pipe would wait for its other end.
  const first = await stat(path);
  if (!first.isFile()) {
    throw new FormatError(`${name}: not a regular file; expected a file with weights.`);
  }
  const source: ByteSource = {
    name,
    sizeBytes: first.size,
    async read(offset, length) {
      checkRange(source, offset, length);
      const handle = await open(path, "r");
      try {
        const now = await handle.stat();
        if (now.size !== first.size || now.mtimeMs !== first.mtimeMs || now.ino !== first.ino) {
          throw new FormatError(
            `${name}: the file changed while it was being read; open it again.`,
          );
        }
        return await readExactly(handle, offset, length, name);
      } finally {
        await handle.close();
      }
    },
  };
  return source;
}

async function readExactly(
  handle: FileHandle,
  offset: number,
  length: number,
  name: string,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) {
      throw new FormatError(
        `${name}: the file ended at byte ${offset + filled}, ${length - filled} bytes early.`,
      );
    }
    filled += bytesRead;
  }
  return bytes;
}
