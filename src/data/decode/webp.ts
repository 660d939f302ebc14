import { FormatError } from "../../core/errors.ts";
import type { Codecs } from "./codecs.ts";
import type { Rgba } from "./rgba.ts";

/** A WebP file taken apart, as far as its first frame goes. */
export interface WebpContainer {
  /** Size of the canvas. */
  readonly width: number;
  readonly height: number;
  /** The first frame as a WebP file of its own, and where it lies on the canvas. */
  readonly frame: Uint8Array;
  readonly frameWidth: number;
  readonly frameHeight: number;
  readonly left: number;
  readonly top: number;
  readonly exif: Uint8Array | undefined;
}

interface Chunk {
  readonly type: string;
  readonly start: number;
  /** End of the content, at most the end of the file. */
  readonly end: number;
}

/**
 * Reads the chunks of a WebP file: still or animated, lossy or lossless.
 *
 * @throws FormatError when no frame can be found in it.
 */
export function readWebp(bytes: Uint8Array, where: string): WebpContainer {
  const chunks = readChunks(bytes, 12, bytes.length);
  const find = (type: string): Chunk | undefined => chunks.find((chunk) => chunk.type === type);
  const exifChunk = find("EXIF");
  const exif = exifChunk && bytes.subarray(exifChunk.start, exifChunk.end);
  const animation = find("ANMF");
  const canvas = find("VP8X");
  if (animation !== undefined) {
    if (
      canvas === undefined ||
      canvas.end - canvas.start < 10 ||
      animation.end - animation.start < 16
    ) {
      throw new FormatError(`${where}: byte 12: an animated WebP whose header chunks are cut off.`);
    }
    const inner = readChunks(bytes, animation.start + 16, animation.end);
    return {
      width: uint24(bytes, canvas.start + 4) + 1,
      height: uint24(bytes, canvas.start + 7) + 1,
      frame: buildStill(bytes, inner, where),
      frameWidth: uint24(bytes, animation.start + 6) + 1,
      frameHeight: uint24(bytes, animation.start + 9) + 1,
      left: 2 * uint24(bytes, animation.start),
      top: 2 * uint24(bytes, animation.start + 3),
      exif,
    };
  }
  const [width, height] = readBitstreamSize(bytes, chunks, where);
  return {
    width,
    height,
    frame: bytes,
    frameWidth: width,
    frameHeight: height,
    left: 0,
    top: 0,
    exif,
  };
}

/**
 * Decodes the first frame of a WebP file onto its canvas; the rest of the canvas is transparent.
 *
 * @throws FormatError when libwebp refuses the data.
 */
export async function decodeWebp(
  container: WebpContainer,
  codecs: Codecs,
  where: string,
): Promise<Rgba> {
  const { width, height, left, top, frameWidth, frameHeight } = container;
  const { image, messages } = await codecs.webp(container.frame);
  if (image === undefined) {
    const detail = messages.length > 0 ? ` (${messages.join("; ")})` : "";
    throw new FormatError(
      `${where}: the WebP data is cut off or damaged: libwebp cannot decode it${detail}.`,
    );
  }
  if (image.width !== frameWidth || image.height !== frameHeight) {
    throw new FormatError(
      `${where}: the WebP data holds ${image.width}x${image.height} pixels; its header says ${frameWidth}x${frameHeight}.`,
    );
  }
  if (frameWidth === width && frameHeight === height && left === 0 && top === 0) return image;
  const data = new Uint8Array(width * height * 4);
  const columns = Math.min(frameWidth, width - left);
  for (let y = 0; y < frameHeight && top + y < height && columns > 0; y++) {
    const from = y * frameWidth * 4;
    data.set(image.data.subarray(from, from + columns * 4), ((top + y) * width + left) * 4);
  }
  return { width, height, data };
}

function readChunks(bytes: Uint8Array, from: number, to: number): Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = from; at + 8 <= to; ) {
    const size = uint24(bytes, at + 4) + bytes[at + 7]! * 2 ** 24;
    const type = String.fromCharCode(...bytes.subarray(at, at + 4));
    chunks.push({ type, start: at + 8, end: Math.min(at + 8 + size, to) });
    at += 8 + size + (size & 1);
  }
  return chunks;
}

// Sizes come from the coded image itself: that is what will be allocated.
function readBitstreamSize(
  bytes: Uint8Array,
  chunks: readonly Chunk[],
  where: string,
): [number, number] {
  for (const { type, start, end } of chunks) {
    const length = end - start;
    if (type === "VP8 " && length >= 10) {
      if (bytes[start + 3] !== 0x9d || bytes[start + 4] !== 0x01 || bytes[start + 5] !== 0x2a) {
        throw new FormatError(
          `${where}: byte ${start + 3}: the WebP frame does not begin with a key frame.`,
        );
      }
      const uint14 = (at: number): number => (bytes[at]! | (bytes[at + 1]! << 8)) & 0x3fff;
      return [uint14(start + 6), uint14(start + 8)];
    }
    if (type === "VP8L" && length >= 5) {
      if (bytes[start] !== 0x2f) {
        throw new FormatError(
          `${where}: byte ${start}: lossless WebP signature 0x${bytes[start]!.toString(16)}; expected 0x2f.`,
        );
      }
      const bits = uint24(bytes, start + 1) + bytes[start + 4]! * 2 ** 24;
      return [(bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1];
    }
  }
  throw new FormatError(
    `${where}: byte 12: no image data in the WebP file (found ${chunks.map((chunk) => `"${chunk.type}"`).join(", ") || "nothing"}).`,
  );
}

// libwebp's simple interface decodes stills only, so the frame gets a container of its own.
function buildStill(bytes: Uint8Array, chunks: readonly Chunk[], where: string): Uint8Array {
  const [width, height] = readBitstreamSize(bytes, chunks, where);
  const alpha = chunks.find((chunk) => chunk.type === "ALPH");
  const image = chunks.find((chunk) => chunk.type === "VP8 " || chunk.type === "VP8L")!;
  const parts: Uint8Array[] = [];
  if (alpha !== undefined && image.type === "VP8 ") {
    const extended = new Uint8Array(10);
    extended[0] = 0x10;
    putUint24(extended, 4, width - 1);
    putUint24(extended, 7, height - 1);
    parts.push(
      buildChunk("VP8X", extended),
      buildChunk("ALPH", bytes.subarray(alpha.start, alpha.end)),
    );
  }
  parts.push(buildChunk(image.type, bytes.subarray(image.start, image.end)));
  const total = parts.reduce((sum, part) => sum + part.length, 4);
  const file = new Uint8Array(8 + total);
  putText(file, 0, "RIFF");
  new DataView(file.buffer).setUint32(4, total, true);
  putText(file, 8, "WEBP");
  let at = 12;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

function buildChunk(type: string, content: Uint8Array): Uint8Array {
  const chunk = new Uint8Array(8 + content.length + (content.length & 1));
  putText(chunk, 0, type);
  new DataView(chunk.buffer).setUint32(4, content.length, true);
  chunk.set(content, 8);
  return chunk;
}

function putText(bytes: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
}

function putUint24(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >> 8;
  bytes[at + 2] = value >> 16;
}

function uint24(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
}
