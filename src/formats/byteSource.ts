import { FormatError } from "../core/errors.ts";

/**
 * Random access to the bytes of a file that may be larger than memory: the only thing a reader
 * sees, so that it works alike on a buffer, a browser's `File` and an open file in Node.
 */
export interface ByteSource {
  /** What messages call the file. */
  readonly name: string;
  readonly sizeBytes: number;
  /**
   * Resolves to exactly `length` bytes from `offset`, in memory that belongs to the caller.
   * Rejects with a {@link FormatError} when the range is not inside the file, before allocating.
   */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Throws a {@link FormatError} unless `[offset, offset + length)` lies inside `source`. */
export function checkRange(source: ByteSource, offset: number, length: number): void {
  const valid = Number.isSafeInteger(offset) && Number.isSafeInteger(length);
  if (!valid || offset < 0 || length < 0 || offset + length > source.sizeBytes) {
    throw new FormatError(
      `${source.name}: ${length} bytes at offset ${offset} lie outside the file, which has ${source.sizeBytes} bytes; it is truncated or its header is wrong.`,
    );
  }
}

/** The bytes of a buffer. Reads copy, so later changes to a tensor leave `bytes` as it was. */
export function bytesSource(bytes: Uint8Array, name = "buffer"): ByteSource {
  const source: ByteSource = {
    name,
    sizeBytes: bytes.length,
    async read(offset, length) {
      checkRange(source, offset, length);
      return Uint8Array.prototype.slice.call(bytes, offset, offset + length);
    },
  };
  return source;
}

/** The bytes of a browser's `Blob` or `File` (Node has them too). */
export function blobSource(
  blob: Blob,
  name = "name" in blob ? String(blob.name) : "blob",
): ByteSource {
  const source: ByteSource = {
    name,
    sizeBytes: blob.size,
    async read(offset, length) {
      checkRange(source, offset, length);
      return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
    },
  };
  return source;
}

/** A part of another source, as a source of its own (a stored zip entry, for example). */
export function sliceSource(
  parent: ByteSource,
  offset: number,
  length: number,
  name: string,
): ByteSource {
  checkRange(parent, offset, length);
  const source: ByteSource = {
    name,
    sizeBytes: length,
    async read(innerOffset, innerLength) {
      checkRange(source, innerOffset, innerLength);
      return parent.read(offset + innerOffset, innerLength);
    },
  };
  return source;
}

/**
 * Reads a file as a whole, or throws a {@link FormatError} when it is larger than `maxBytes`: for
 * formats that have to be in memory to be parsed.
 */
export async function readAll(source: ByteSource, maxBytes = 2 ** 31 - 1): Promise<Uint8Array> {
  if (source.sizeBytes > maxBytes) {
    throw new FormatError(
      `${source.name}: ${source.sizeBytes} bytes are more than the ${maxBytes} this format is read up to.`,
    );
  }
  return source.read(0, source.sizeBytes);
}
