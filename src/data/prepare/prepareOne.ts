import type { Codecs } from "../decode/codecs.ts";
import { decodeImage } from "../decode/decodeImage.ts";
import type { DecodeLimits } from "../decode/limits.ts";
import type { Pixels } from "../decode/pixels.ts";
import { type ImageFacts, measure } from "./facts.ts";
import { type Geometry, toStored } from "./geometry.ts";

/** An image in its stored form, with what is known about it. */
export interface PreparedImage {
  readonly pixels: Pixels;
  readonly facts: ImageFacts;
}

export interface PrepareSettings extends DecodeLimits {
  readonly geometry: Geometry;
  /** Whether a cut-off image is filled in instead of refused. Default false. */
  readonly allowTruncated?: boolean;
}

/** Decodes a file, measures it and brings it into its stored form. `where` names it in messages. */
export async function prepareFile(
  bytes: Uint8Array,
  sha256: string,
  where: string,
  codecs: Codecs,
  settings: PrepareSettings,
): Promise<PreparedImage> {
  const { geometry, ...options } = settings;
  const image = await decodeImage(bytes, codecs, {
    ...options,
    where,
    ...(geometry.background === undefined ? {} : { background: geometry.background }),
  });
  const { timeMs, camera } = image.facts;
  return {
    pixels: toStored(image, geometry),
    facts: {
      ...measure(image),
      sha256,
      sizeBytes: bytes.length,
      width: image.width,
      height: image.height,
      format: image.format,
      warnings: image.warnings,
      ...(timeMs === undefined ? {} : { timeMs }),
      ...(camera === undefined ? {} : { camera }),
    },
  };
}

/** SHA-256 as hexadecimal digits. */
export async function sha256Hex(bytes: Uint8Array): Promise<string> {
  const digest = await globalThis.crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
