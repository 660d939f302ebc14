import { checksum } from "../decode/png.ts";
import type { ImageFacts } from "./facts.ts";
import type { PreparedImage } from "./prepareOne.ts";

/** Part of the cache's key; raised when decoding, measuring or this record change. */
export const cacheVersion = 1;

const magic = 0x53545249; // "STRI"
const headerBytes = 16;

/**
 * A prepared image as bytes: `STRI`, version, length of the description, CRC-32 of what follows; the
 * description as JSON, the thumbnail, the pixels.
 */
export function encodeRecord({ pixels, facts }: PreparedImage): Uint8Array {
  const { thumbnail, ...rest } = facts;
  const { width, height, channels, data } = pixels;
  const description = new TextEncoder().encode(
    JSON.stringify({
      facts: rest,
      pixels: { width, height, channels },
      thumbnail: thumbnail.length,
    }),
  );
  const bytes = new Uint8Array(headerBytes + description.length + thumbnail.length + data.length);
  bytes.set(description, headerBytes);
  bytes.set(thumbnail, headerBytes + description.length);
  bytes.set(data, headerBytes + description.length + thumbnail.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic);
  view.setUint32(4, cacheVersion);
  view.setUint32(8, description.length);
  view.setUint32(12, checksum(bytes.subarray(headerBytes)));
  return bytes;
}

/** The image in a record, or undefined when the record is not whole: it is then made again. */
export function decodeRecord(bytes: Uint8Array): PreparedImage | undefined {
  if (bytes.length < headerBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const descriptionBytes = view.getUint32(8);
  const intact =
    view.getUint32(0) === magic &&
    view.getUint32(4) === cacheVersion &&
    view.getUint32(12) === checksum(bytes.subarray(headerBytes));
  if (!intact) return undefined;
  const descriptionEnd = headerBytes + descriptionBytes;
  const { facts, pixels, thumbnail } = JSON.parse(
    new TextDecoder().decode(bytes.subarray(headerBytes, descriptionEnd)),
  ) as {
    facts: Omit<ImageFacts, "thumbnail">;
    pixels: { width: number; height: number; channels: 1 | 3 };
    thumbnail: number;
  };
  return {
    facts: {
      ...facts,
      thumbnail: new Uint8Array(bytes.subarray(descriptionEnd, descriptionEnd + thumbnail)),
    },
    pixels: { ...pixels, data: bytes.subarray(descriptionEnd + thumbnail) },
  };
}
