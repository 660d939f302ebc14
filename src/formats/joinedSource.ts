import { type ByteSource, checkRange } from "./byteSource.ts";

/** Several sources, one after another, as one (the shards of a model's weights). */
export function joinedSource(parts: readonly ByteSource[], name: string): ByteSource {
  const source: ByteSource = {
    name,
    sizeBytes: parts.reduce((total, part) => total + part.sizeBytes, 0),
    async read(offset, length) {
      checkRange(source, offset, length);
      const result = new Uint8Array(length);
      let partStart = 0;
      for (const part of parts) {
        const start = Math.max(offset, partStart);
        const end = Math.min(offset + length, partStart + part.sizeBytes);
        if (start < end)
          result.set(await part.read(start - partStart, end - start), start - offset);
        partStart += part.sizeBytes;
      }
      return result;
    },
  };
  return source;
}
