import { Unzlib } from "fflate";
import { FormatError, UnsupportedError } from "../../core/errors.ts";
import type { Damage } from "./damage.ts";
import type { Rgba } from "./rgba.ts";

/** What a PNG's header chunk says. */
export interface PngHeader {
  readonly width: number;
  readonly height: number;
  readonly depth: 1 | 2 | 4 | 8 | 16;
  /** 0 grey, 2 colour, 3 palette, 4 grey and alpha, 6 colour and alpha. */
  readonly colorType: 0 | 2 | 3 | 4 | 6;
  readonly interlaced: boolean;
}

const samplesPerPixel = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 } as const;
const depthsOf: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

/** Adam7: first column and row, and their steps, of the seven passes. */
const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
  readonly offset: number;
  readonly intact: boolean;
}

/**
 * Reads the header chunk of a PNG.
 *
 * @throws FormatError when it is missing, damaged or contradicts itself.
 * @throws UnsupportedError for Apple's CgBI variant.
 */
export function readPngHeader(bytes: Uint8Array, where: string): PngHeader {
  const first = readChunk(bytes, 8);
  if (first?.type === "CgBI") {
    throw new UnsupportedError(
      `${where}: a PNG optimised for iOS (CgBI), which is not standard PNG; convert it with pngcrush -revert-iphone-optimizations.`,
    );
  }
  if (first?.type !== "IHDR" || first.data.length !== 13) {
    throw new FormatError(
      `${where}: byte 8: expected a PNG header chunk (IHDR) of 13 bytes, found ${first === undefined ? "the end of the file" : `"${first.type}" of ${first.data.length}`}.`,
    );
  }
  if (!first.intact) {
    throw new FormatError(
      `${where}: byte 8: the checksum of the PNG header does not agree with it.`,
    );
  }
  const view = viewOf(first.data);
  const [depth, colorType, compression, filter, interlace] = first.data.subarray(8);
  if (!depthsOf[colorType!]?.includes(depth!)) {
    throw new FormatError(
      `${where}: byte 24: PNG colour type ${colorType} with ${depth} bits does not exist.`,
    );
  }
  if (compression !== 0 || filter !== 0 || interlace! > 1) {
    throw new FormatError(
      `${where}: byte 26: PNG compression ${compression}, filter ${filter}, interlace ${interlace}; defined are 0, 0 and 0 or 1.`,
    );
  }
  return {
    width: view.getUint32(0),
    height: view.getUint32(4),
    depth: depth as PngHeader["depth"],
    colorType: colorType as PngHeader["colorType"],
    interlaced: interlace === 1,
  };
}

/** The bytes of a PNG's EXIF chunk, if it has one. */
export function findPngExif(bytes: Uint8Array): Uint8Array | undefined {
  for (const chunk of chunks(bytes)) if (chunk.type === "eXIf") return chunk.data;
  return undefined;
}

/**
 * Decodes a PNG (the still image of an APNG): any colour type and depth, interlaced or not.
 *
 * Samples of 16 bits keep their upper byte and smaller ones are spread over 0 … 255, as PIL and
 * OpenCV do; gamma and colour profiles are not applied. Rows are unfiltered as they are inflated and
 * inflating stops with the last row, so a compression bomb costs no more than the image its header
 * (checked before) announces.
 *
 * Source: W3C PNG, third edition, sections 7 to 11.
 */
export function decodePng(bytes: Uint8Array, header: PngHeader, damage: Damage): Rgba {
  const { where } = damage;
  let palette: Uint8Array | undefined;
  let transparency: Uint8Array | undefined;
  let sink: RowSink | undefined;
  let inflate: Unzlib | undefined;
  let sawEnd = false;
  const data = new Uint8Array(header.width * header.height * 4);
  for (const chunk of chunks(bytes)) {
    const critical = chunk.type.charCodeAt(0) < 97;
    if (critical && !chunk.intact) {
      throw new FormatError(
        `${where}: byte ${chunk.offset}: the checksum of PNG chunk "${chunk.type}" does not agree with its ${chunk.data.length} bytes: the file is damaged.`,
      );
    }
    if (chunk.type === "PLTE") palette = checkPalette(chunk, header, where);
    else if (chunk.type === "tRNS") transparency = chunk.data;
    else if (chunk.type === "IDAT") {
      if (sink === undefined) {
        if (header.colorType === 3 && palette === undefined) {
          throw new FormatError(
            `${where}: byte ${chunk.offset}: a palette PNG without its palette (PLTE).`,
          );
        }
        const row = createRowSink(header, toRgba(header, palette, transparency, data), where);
        sink = row;
        inflate = new Unzlib((piece) => row.push(piece));
      }
      feed(inflate!, sink, chunk, where);
    } else if (chunk.type === "IEND") {
      sawEnd = true;
      break;
    } else if (critical && chunk.type !== "IHDR") {
      throw new FormatError(
        `${where}: byte ${chunk.offset}: unknown critical PNG chunk "${chunk.type}".`,
      );
    }
  }
  if (sink === undefined) {
    damage.truncated("no image data (IDAT)");
  } else if (!sink.done()) {
    damage.truncated(`${sink.rows()} of ${sink.totalRows} rows are there`);
  } else if (!sawEnd) {
    damage.warnings.push("the end chunk (IEND) is missing");
  }
  return { width: header.width, height: header.height, data };
}

// Small enough that the 1032-fold worst case of deflate stays at some megabytes a step.
const feedBytes = 1 << 14;

function feed(inflate: Unzlib, sink: RowSink, chunk: Chunk, where: string): void {
  for (let at = 0; at < chunk.data.length && !sink.done(); at += feedBytes) {
    try {
      inflate.push(chunk.data.subarray(at, at + feedBytes));
    } catch (error) {
      if (error instanceof FormatError) throw error;
      throw new FormatError(
        `${where}: byte ${chunk.offset}: compressed PNG data cannot be inflated (${(error as Error).message}).`,
      );
    }
  }
}

function checkPalette(chunk: Chunk, header: PngHeader, where: string): Uint8Array {
  const colors = chunk.data.length / 3;
  if (!Number.isInteger(colors) || colors < 1 || colors > 256) {
    throw new FormatError(
      `${where}: byte ${chunk.offset}: PNG palette of ${chunk.data.length} bytes; expected 1 to 256 colours of 3.`,
    );
  }
  if (header.colorType === 0 || header.colorType === 4) {
    throw new FormatError(`${where}: byte ${chunk.offset}: a grey PNG with a palette.`);
  }
  return chunk.data;
}

interface RowSink {
  readonly totalRows: number;
  push(piece: Uint8Array): void;
  rows(): number;
  done(): boolean;
}

/** Writes one unfiltered row: packed samples of `count` pixels, from column `x` on in steps. */
type WriteRow = (row: Uint8Array, count: number, x: number, y: number, step: number) => void;

/** Cuts the inflated stream into rows, undoes their filters and passes them on. */
function createRowSink(header: PngHeader, write: WriteRow, where: string): RowSink {
  const bitsPerPixel = samplesPerPixel[header.colorType] * header.depth;
  const bytesPerPixel = Math.max(1, bitsPerPixel >> 3);
  const passes = (header.interlaced ? adam7 : ([[0, 0, 1, 1]] as const))
    .map(([x, y, stepX, stepY]) => ({
      x,
      y,
      stepX,
      stepY,
      columns: Math.ceil((header.width - x) / stepX),
      rows: Math.ceil((header.height - y) / stepY),
    }))
    .filter((pass) => pass.columns > 0 && pass.rows > 0);
  const totalRows = passes.reduce((sum, pass) => sum + pass.rows, 0);
  const widest = Math.ceil((header.width * bitsPerPixel) / 8);
  let current = new Uint8Array(widest + 1);
  let previous = new Uint8Array(widest + 1);
  let filled = 0;
  let passIndex = 0;
  let rowInPass = 0;
  let rows = 0;

  function finishRow(rowBytes: number): void {
    const pass = passes[passIndex]!;
    unfilter(current, previous, rowBytes, bytesPerPixel, where);
    write(current.subarray(1), pass.columns, pass.x, pass.y + rowInPass * pass.stepY, pass.stepX);
    [current, previous] = [previous, current];
    filled = 0;
    rows++;
    rowInPass++;
    if (rowInPass === pass.rows) {
      passIndex++;
      rowInPass = 0;
      previous.fill(0);
    }
  }

  return {
    totalRows,
    rows: () => rows,
    done: () => rows === totalRows,
    push(piece) {
      let at = 0;
      while (at < piece.length && rows < totalRows) {
        const rowBytes = Math.ceil((passes[passIndex]!.columns * bitsPerPixel) / 8);
        const count = Math.min(rowBytes + 1 - filled, piece.length - at);
        current.set(piece.subarray(at, at + count), filled);
        filled += count;
        at += count;
        if (filled === rowBytes + 1) finishRow(rowBytes);
      }
    },
  };
}

// `row[0]` is the filter type; the samples follow. The row above a pass's first row is zero.
function unfilter(
  row: Uint8Array,
  above: Uint8Array,
  rowBytes: number,
  bytesPerPixel: number,
  where: string,
): void {
  const end = rowBytes + 1;
  switch (row[0]) {
    case 0:
      return;
    case 1:
      for (let i = 1 + bytesPerPixel; i < end; i++) row[i]! += row[i - bytesPerPixel]!;
      return;
    case 2:
      for (let i = 1; i < end; i++) row[i]! += above[i]!;
      return;
    case 3:
      for (let i = 1; i < end; i++) {
        const left = i > bytesPerPixel ? row[i - bytesPerPixel]! : 0;
        row[i]! += (left + above[i]!) >> 1;
      }
      return;
    case 4:
      for (let i = 1; i < end; i++) {
        const hasLeft = i > bytesPerPixel;
        const left = hasLeft ? row[i - bytesPerPixel]! : 0;
        const corner = hasLeft ? above[i - bytesPerPixel]! : 0;
        row[i]! += paeth(left, above[i]!, corner);
      }
      return;
    default:
      throw new FormatError(
        `${where}: PNG row filter ${row[0]} does not exist (0 to 4 do): the data is damaged.`,
      );
  }
}

function paeth(left: number, above: number, corner: number): number {
  const estimate = left + above - corner;
  const toLeft = Math.abs(estimate - left);
  const toAbove = Math.abs(estimate - above);
  const toCorner = Math.abs(estimate - corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

/** How a row's samples become red, green, blue and alpha in `out`. */
function toRgba(
  header: PngHeader,
  palette: Uint8Array | undefined,
  transparency: Uint8Array | undefined,
  out: Uint8Array,
): WriteRow {
  const { width, depth, colorType } = header;
  const samples = samplesPerPixel[colorType];
  const sampleAt = (row: Uint8Array, index: number): number => {
    if (depth === 8) return row[index]!;
    if (depth === 16) return (row[2 * index]! << 8) | row[2 * index + 1]!;
    const bit = index * depth;
    return (row[bit >> 3]! >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
  };
  const toByte = (sample: number): number =>
    depth === 8 ? sample : depth === 16 ? sample >> 8 : (sample * 255) / ((1 << depth) - 1);

  if (colorType === 3) {
    return (row, count, x, y, step) => {
      let to = (y * width + x) * 4;
      for (let i = 0; i < count; i++, to += 4 * step) {
        const index = sampleAt(row, i);
        // An index beyond the palette is black, as libpng shows it.
        out[to] = palette![3 * index] ?? 0;
        out[to + 1] = palette![3 * index + 1] ?? 0;
        out[to + 2] = palette![3 * index + 2] ?? 0;
        out[to + 3] = transparency?.[index] ?? 255;
      }
    };
  }
  const hasAlpha = colorType >= 4;
  const colors = hasAlpha ? samples - 1 : samples;
  const key = readTransparentColor(transparency, colors, depth, hasAlpha);
  return (row, count, x, y, step) => {
    let to = (y * width + x) * 4;
    let from = 0;
    for (let i = 0; i < count; i++, to += 4 * step, from += samples) {
      const red = sampleAt(row, from);
      const green = colors === 3 ? sampleAt(row, from + 1) : red;
      const blue = colors === 3 ? sampleAt(row, from + 2) : red;
      out[to] = toByte(red);
      out[to + 1] = toByte(green);
      out[to + 2] = toByte(blue);
      if (hasAlpha) out[to + 3] = toByte(sampleAt(row, from + colors));
      else {
        const keyed = key !== undefined && red === key[0] && green === key[1] && blue === key[2];
        out[to + 3] = keyed ? 0 : 255;
      }
    }
  };
}

// A grey or colour image can name one colour, compared at full depth, that is transparent.
function readTransparentColor(
  transparency: Uint8Array | undefined,
  colors: number,
  depth: number,
  hasAlpha: boolean,
): readonly [number, number, number] | undefined {
  if (hasAlpha || transparency === undefined || transparency.length < 2 * colors) return undefined;
  const mask = 2 ** depth - 1;
  const view = viewOf(transparency);
  const red = view.getUint16(0) & mask;
  return colors === 1 ? [red, red, red] : [red, view.getUint16(2) & mask, view.getUint16(4) & mask];
}

function* chunks(bytes: Uint8Array): Generator<Chunk> {
  let offset = 8;
  for (;;) {
    const chunk = readChunk(bytes, offset);
    if (chunk === undefined) return;
    yield chunk;
    offset += 12 + chunk.data.length;
  }
}

// A chunk that runs over the end of the file is given as far as it goes.
function readChunk(bytes: Uint8Array, offset: number): Chunk | undefined {
  if (offset + 8 > bytes.length) return undefined;
  const view = viewOf(bytes);
  const length = view.getUint32(offset);
  const type = String.fromCharCode(...bytes.subarray(offset + 4, offset + 8));
  const end = offset + 8 + length;
  const data = bytes.subarray(offset + 8, end);
  if (end + 4 > bytes.length) return { type, data, offset, intact: true };
  const intact = checksum(bytes.subarray(offset + 4, end)) === view.getUint32(end);
  return { type, data, offset, intact };
}

/** CRC-32 as PNG uses it (polynomial 0xEDB88320), four bits at a time. */
export function checksum(bytes: Uint8Array): number {
  const table = nibbleTable;
  let crc = ~0;
  for (let i = 0; i < bytes.length; i++) {
    crc ^= bytes[i]!;
    crc = (crc >>> 4) ^ table[crc & 15]!;
    crc = (crc >>> 4) ^ table[crc & 15]!;
  }
  return ~crc >>> 0;
}

const nibbleTable = [
  0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
  0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
];

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
