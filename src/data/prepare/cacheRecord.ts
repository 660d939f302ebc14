import { checksum } from "../decode/png.ts";
import type { ImageFacts } from "./facts.ts";
import type { PreparedImage } from "./prepareOne.ts";

/** Part of the cache's key; raised when decoding, measuring or this record change. */
export const cacheVersion = 1;

const magic = 0x53545249; // "STRI"
const headerBytes = 16;

/**
 * A prepared image as bytes: `STRI`, version, length of the description, CRC-32 of what follows; the
 * description as JSON, the signature, the pixels.
 */
export function encodeRecord({ pixels, facts }: PreparedImage): Uint8Array {
  const { signature, ...rest } = facts;
  const { width, height, channels, data } = pixels;
  const description = new TextEncoder().encode(
    JSON.stringify({
      facts: rest,
      pixels: { width, height, channels },
      signature: signature.length,
    }),
  );
  const bytes = new Uint8Array(headerBytes + description.length + signature.length + data.length);
  bytes.set(description, headerBytes);
  bytes.set(signature, headerBytes + description.length);
  bytes.set(data, headerBytes + description.length + signature.length);
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
  const { facts, pixels, signature } = JSON.parse(
    new TextDecoder().decode(bytes.subarray(headerBytes, descriptionEnd)),
  ) as {
    facts: Omit<ImageFacts, "signature">;
    pixels: { width: number; height: number; channels: 1 | 3 };
    signature: number;
  };
  return {
    facts: {
      ...facts,
      signature: new Uint8Array(bytes.subarray(descriptionEnd, descriptionEnd + signature)),
    },
    pixels: { ...pixels, data: bytes.subarray(descriptionEnd + signature) },
  };
}
