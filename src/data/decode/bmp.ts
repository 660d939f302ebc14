import { FormatError, UnsupportedError } from "../../core/errors.ts";
import type { Damage } from "./damage.ts";
import type { Rgba } from "./rgba.ts";

/** What the headers of a BMP say. */
export interface BmpHeader {
  readonly width: number;
  readonly height: number;
  /** Rows are stored from the top; the usual order is from the bottom. */
  readonly topDown: boolean;
  readonly bitsPerPixel: 1 | 2 | 4 | 8 | 16 | 24 | 32;
  readonly compression: "none" | "rle8" | "rle4" | "masks";
  readonly masks: readonly [red: number, green: number, blue: number, alpha: number];
  readonly paletteOffset: number;
  readonly paletteEntryBytes: 3 | 4;
  readonly paletteColors: number;
  readonly dataOffset: number;
}

const compressions = ["none", "rle8", "rle4", "masks"] as const;

/**
 * Reads the headers of a Windows or OS/2 bitmap (information headers of 12, 16, 40, 52, 56, 64, 108
 * and 124 bytes).
 *
 * @throws FormatError when they are cut off or contradict each other.
 * @throws UnsupportedError for JPEG or PNG inside a BMP and for OS/2 Huffman compression.
 */
export function readBmpHeader(bytes: Uint8Array, where: string): BmpHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = bytes.length >= 18 ? view.getUint32(14, true) : 0;
  if (![12, 16, 40, 52, 56, 64, 108, 124].includes(size) || bytes.length < 14 + size) {
    throw new FormatError(
      `${where}: byte 14: BMP information header of ${size} bytes in a file of ${bytes.length}; known sizes are 12, 16, 40, 52, 56, 64, 108 and 124.`,
    );
  }
  const isCore = size === 12;
  const width = isCore ? view.getUint16(18, true) : view.getInt32(18, true);
  const signedHeight = isCore ? view.getUint16(20, true) : view.getInt32(22, true);
  const bitsPerPixel = view.getUint16(isCore ? 24 : 28, true);
  const method = size >= 40 ? view.getUint32(30, true) : 0;
  const usedColors = size >= 40 ? view.getUint32(46, true) : 0;
  if (![1, 2, 4, 8, 16, 24, 32].includes(bitsPerPixel)) {
    throw new FormatError(
      `${where}: byte ${isCore ? 24 : 28}: BMP with ${bitsPerPixel} bits per pixel; expected 1, 2, 4, 8, 16, 24 or 32.`,
    );
  }
  const compression = method === 6 ? "masks" : compressions[method];
  if (compression === undefined || (size === 64 && method >= 3)) {
    const name = method === 4 ? "JPEG" : method === 5 ? "PNG" : `method ${method}`;
    throw new UnsupportedError(`${where}: a BMP compressed with ${name}; save it as PNG.`);
  }
  if (
    (compression === "rle8" && bitsPerPixel !== 8) ||
    (compression === "rle4" && bitsPerPixel !== 4)
  ) {
    throw new FormatError(
      `${where}: byte 30: BMP compression ${compression} with ${bitsPerPixel} bits per pixel.`,
    );
  }
  if (compression === "masks" && bitsPerPixel !== 16 && bitsPerPixel !== 32) {
    throw new FormatError(
      `${where}: byte 30: BMP colour masks with ${bitsPerPixel} bits per pixel.`,
    );
  }
  // Masks follow a 40-byte header and are inside the longer ones, at the same place.
  const masksFollow = compression === "masks" && size === 40 ? (method === 6 ? 16 : 12) : 0;
  const maxColors = bitsPerPixel <= 8 ? 2 ** bitsPerPixel : 0;
  return {
    width,
    height: Math.abs(signedHeight),
    topDown: signedHeight < 0,
    bitsPerPixel: bitsPerPixel as BmpHeader["bitsPerPixel"],
    compression,
    masks: readMasks(view, compression, bitsPerPixel, size, method),
    paletteOffset: 14 + size + masksFollow,
    paletteEntryBytes: isCore ? 3 : 4,
    paletteColors: usedColors === 0 ? maxColors : Math.min(usedColors, maxColors),
    dataOffset: view.getUint32(10, true),
  };
}

function readMasks(
  view: DataView,
  compression: BmpHeader["compression"],
  bitsPerPixel: number,
  size: number,
  method: number,
): BmpHeader["masks"] {
  if (compression !== "masks" || view.byteLength < 66) {
    return bitsPerPixel === 16 ? [0x7c00, 0x3e0, 0x1f, 0] : [0xff0000, 0xff00, 0xff, 0];
  }
  const hasAlpha = (size >= 56 || method === 6) && view.byteLength >= 70;
  return [
    view.getUint32(54, true),
    view.getUint32(58, true),
    view.getUint32(62, true),
    hasAlpha ? view.getUint32(66, true) : 0,
  ];
}

/** Decodes a BMP of any of the header's kinds. Pixels that a run-length code skips are colour 0. */
export function decodeBmp(bytes: Uint8Array, header: BmpHeader, damage: Damage): Rgba {
  const { width, height, bitsPerPixel, compression } = header;
  const data = new Uint8Array(width * height * 4);
  const rowOf = (stored: number): number => (header.topDown ? stored : height - 1 - stored);
  if (bitsPerPixel <= 8) {
    const indices =
      compression === "none"
        ? readIndices(bytes, header, damage)
        : expandRunLengths(bytes, header, damage);
    paint(indices, header, bytes, data, rowOf);
  } else {
    readColors(bytes, header, damage, data, rowOf);
  }
  return { width, height, data };
}

// Rows of every BMP are padded to four bytes.
function rowBytesOf(header: BmpHeader): number {
  return Math.ceil((header.width * header.bitsPerPixel) / 32) * 4;
}

// Whole rows that are in the file; a last row may lack its padding.
function availableRows(bytes: Uint8Array, header: BmpHeader, damage: Damage): number {
  const rowBytes = rowBytesOf(header);
  const needed = Math.ceil((header.width * header.bitsPerPixel) / 8);
  const left = bytes.length - header.dataOffset;
  const rows = Math.max(0, Math.min(header.height, Math.floor((left - needed) / rowBytes) + 1));
  if (rows < header.height) damage.truncated(`${rows} of ${header.height} rows are there`);
  return rows;
}

function readIndices(bytes: Uint8Array, header: BmpHeader, damage: Damage): Uint8Array {
  const { width, height, bitsPerPixel, dataOffset } = header;
  const indices = new Uint8Array(width * height);
  const rows = availableRows(bytes, header, damage);
  const rowBytes = rowBytesOf(header);
  const mask = (1 << bitsPerPixel) - 1;
  for (let y = 0; y < rows; y++) {
    const row = dataOffset + y * rowBytes;
    for (let x = 0; x < width; x++) {
      const bit = x * bitsPerPixel;
      indices[y * width + x] = (bytes[row + (bit >> 3)]! >> (8 - bitsPerPixel - (bit & 7))) & mask;
    }
  }
  return indices;
}

function paint(
  indices: Uint8Array,
  header: BmpHeader,
  bytes: Uint8Array,
  out: Uint8Array,
  rowOf: (stored: number) => number,
): void {
  const { width, height, paletteOffset, paletteEntryBytes, paletteColors } = header;
  for (let y = 0; y < height; y++) {
    let to = rowOf(y) * width * 4;
    for (let x = 0; x < width; x++, to += 4) {
      const index = indices[y * width + x]!;
      const entry = paletteOffset + index * paletteEntryBytes;
      if (index < paletteColors && entry + 2 < bytes.length) {
        out[to] = bytes[entry + 2]!;
        out[to + 1] = bytes[entry + 1]!;
        out[to + 2] = bytes[entry]!;
      }
      out[to + 3] = 255;
    }
  }
}

/** Undoes Microsoft's run-length encoding, in the bitmap's stored (usually bottom-up) row order. */
function expandRunLengths(bytes: Uint8Array, header: BmpHeader, damage: Damage): Uint8Array {
  const { width, height, compression } = header;
  const indices = new Uint8Array(width * height);
  const nibbles = compression === "rle4";
  let at = header.dataOffset;
  let x = 0;
  let y = 0;
  let outside = 0;
  const put = (index: number): void => {
    if (x < width && y < height) indices[y * width + x] = index;
    else outside++;
    x++;
  };
  const next = (): number => bytes[at++] ?? -1;
  for (;;) {
    const count = next();
    const value = next();
    if (value < 0) {
      damage.truncated(`run-length data ends in row ${y} of ${height}`);
      break;
    }
    if (count > 0) {
      for (let i = 0; i < count; i++) put(nibbles ? (i & 1 ? value & 15 : value >> 4) : value);
    } else if (value === 0) {
      x = 0;
      y++;
    } else if (value === 1) {
      break;
    } else if (value === 2) {
      x += Math.max(0, next());
      y += Math.max(0, next());
    } else {
      const start = at;
      for (let i = 0; i < value; i++) {
        const byte = bytes[start + (nibbles ? i >> 1 : i)] ?? 0;
        put(nibbles ? (i & 1 ? byte & 15 : byte >> 4) : byte);
      }
      const byteCount = nibbles ? (value + 1) >> 1 : value;
      at = start + byteCount + (byteCount & 1);
    }
  }
  if (outside > 0) damage.warnings.push(`run-length data puts ${outside} pixels outside the image`);
  return indices;
}

function readColors(
  bytes: Uint8Array,
  header: BmpHeader,
  damage: Damage,
  out: Uint8Array,
  rowOf: (stored: number) => number,
): void {
  const { width, bitsPerPixel, dataOffset } = header;
  const pixelBytes = bitsPerPixel / 8;
  const rowBytes = rowBytesOf(header);
  const rows = availableRows(bytes, header, damage);
  const [red, green, blue, alpha] = header.masks.map(createChannel) as [
    Channel,
    Channel,
    Channel,
    Channel,
  ];
  let anyAlpha = false;
  for (let y = 0; y < rows; y++) {
    let from = dataOffset + y * rowBytes;
    let to = rowOf(y) * width * 4;
    for (let x = 0; x < width; x++, from += pixelBytes, to += 4) {
      let value = bytes[from]! | (bytes[from + 1]! << 8);
      if (pixelBytes > 2) value |= bytes[from + 2]! << 16;
      if (pixelBytes > 3) value |= bytes[from + 3]! << 24;
      out[to] = red(value);
      out[to + 1] = green(value);
      out[to + 2] = blue(value);
      const opacity = alpha(value);
      if (opacity !== 0) anyAlpha = true;
      out[to + 3] = opacity;
    }
  }
  // No alpha mask, or one that many writers leave at zero throughout: the image is opaque.
  if (!anyAlpha) for (let i = 3; i < out.length; i += 4) out[i] = 255;
}

type Channel = (value: number) => number;

/** Takes a field of bits out of a pixel and spreads it over 0 … 255. */
function createChannel(mask: number): Channel {
  if (mask === 0) return () => 0;
  const shift = Math.log2((mask & -mask) >>> 0);
  const max = mask >>> shift;
  if (max === 255) return (value) => (value >>> shift) & 255;
  return (value) => Math.round((((value & mask) >>> shift) * 255) / max);
}
