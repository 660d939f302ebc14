import { FormatError } from "../../core/errors.ts";
import type { Damage } from "./damage.ts";
import type { Rgba } from "./rgba.ts";

/** Where the first frame of a GIF lies on its screen, and where its data begins. */
export interface GifFrame {
  /** Size of the screen, enlarged where the frame sticks out, as PIL does. */
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
  readonly frameWidth: number;
  readonly frameHeight: number;
  readonly interlaced: boolean;
  /** Red, green, blue per colour; empty where the file has no palette. */
  readonly palette: Uint8Array;
  readonly transparentIndex: number | undefined;
  readonly dataOffset: number;
}

/**
 * Reads a GIF up to the data of its first frame.
 *
 * @throws FormatError when there is none or a block is not what it should be.
 */
export function readGifFrame(bytes: Uint8Array, where: string): GifFrame {
  const reader = createReader(bytes, where);
  reader.seek(6);
  const screenWidth = reader.uint16();
  const screenHeight = reader.uint16();
  const packed = reader.uint8();
  reader.skip(2);
  const globalPalette = packed & 0x80 ? reader.take(3 << ((packed & 7) + 1)) : undefined;
  let transparentIndex: number | undefined;
  for (;;) {
    const offset = reader.offset();
    const block = reader.uint8();
    if (block === 0x21) {
      const label = reader.uint8();
      if (label === 0xf9) {
        const size = reader.uint8();
        const control = reader.take(size);
        if (size >= 4) transparentIndex = control[0]! & 1 ? control[3] : undefined;
      }
      reader.skipBlocks();
    } else if (block === 0x2c) {
      const left = reader.uint16();
      const top = reader.uint16();
      const frameWidth = reader.uint16();
      const frameHeight = reader.uint16();
      const flags = reader.uint8();
      const localPalette = flags & 0x80 ? reader.take(3 << ((flags & 7) + 1)) : undefined;
      return {
        width: Math.max(screenWidth, left + frameWidth),
        height: Math.max(screenHeight, top + frameHeight),
        left,
        top,
        frameWidth,
        frameHeight,
        interlaced: (flags & 0x40) !== 0,
        palette: localPalette ?? globalPalette ?? new Uint8Array(0),
        transparentIndex,
        dataOffset: reader.offset(),
      };
    } else if (block === 0x3b) {
      throw new FormatError(`${where}: byte ${offset}: the GIF ends before its first frame.`);
    } else if (block !== 0) {
      throw new FormatError(
        `${where}: byte ${offset}: GIF block 0x${block.toString(16)}; expected an extension (0x21), an image (0x2c) or the end (0x3b).`,
      );
    }
  }
}

/**
 * Decodes the first frame of a GIF on its screen; what it does not cover is transparent. A file
 * without any palette shows its indices as greys.
 *
 * Source: CompuServe, GIF89a specification, 1990, with the variable-length LZW of its appendix F.
 */
export function decodeGif(bytes: Uint8Array, frame: GifFrame, damage: Damage): Rgba {
  const { width, height, frameWidth, frameHeight, palette, transparentIndex } = frame;
  const indices = new Uint8Array(frameWidth * frameHeight);
  const written = expandLzw(bytes, frame.dataOffset, indices, damage);
  if (written < indices.length) {
    damage.truncated(`${written} of ${indices.length} pixels are there`);
  }
  const data = new Uint8Array(width * height * 4);
  const rowOrder = frame.interlaced ? interlacedRows(frameHeight) : undefined;
  for (let row = 0; row < frameHeight; row++) {
    const y = frame.top + (rowOrder?.[row] ?? row);
    let to = (y * width + frame.left) * 4;
    const start = row * frameWidth;
    const end = Math.min(start + frameWidth, written);
    for (let i = start; i < end; i++, to += 4) {
      const index = indices[i]!;
      if (index === transparentIndex) continue;
      if (palette.length === 0) data[to] = data[to + 1] = data[to + 2] = index;
      else {
        data[to] = palette[3 * index] ?? 0;
        data[to + 1] = palette[3 * index + 1] ?? 0;
        data[to + 2] = palette[3 * index + 2] ?? 0;
      }
      data[to + 3] = 255;
    }
  }
  return { width, height, data };
}

// Row numbers in the order an interlaced frame stores them.
function interlacedRows(height: number): number[] {
  const rows: number[] = [];
  for (const [first, step] of [
    [0, 8],
    [4, 8],
    [2, 4],
    [1, 2],
  ] as const) {
    for (let row = first; row < height; row += step) rows.push(row);
  }
  return rows;
}

const tableSize = 4096;

/** Expands the LZW data at `offset` into `out`; returns how many indices it gave, at most all. */
function expandLzw(bytes: Uint8Array, offset: number, out: Uint8Array, damage: Damage): number {
  const minimumBits = bytes[offset];
  if (minimumBits === undefined) return 0;
  if (minimumBits < 1 || minimumBits > 8) {
    throw new FormatError(
      `${damage.where}: byte ${offset}: GIF code size ${minimumBits}; expected 2 to 8.`,
    );
  }
  const clear = 1 << minimumBits;
  const end = clear + 1;
  // A code stands for the string of its prefix code and one more index; its first index and its
  // length are kept so that it can be written back to front.
  const prefix = new Uint16Array(tableSize);
  const last = new Uint8Array(tableSize);
  const first = new Uint8Array(tableSize);
  const length = new Uint16Array(tableSize);
  for (let code = 0; code < clear; code++) {
    last[code] = first[code] = code;
    length[code] = 1;
  }
  let at = offset + 1;
  let blockLeft = 0;
  let buffer = 0;
  let bits = 0;
  let codeBits = minimumBits + 1;
  let next = end + 1;
  let previous = -1;
  let written = 0;
  while (written < out.length) {
    while (bits < codeBits) {
      if (blockLeft === 0) {
        blockLeft = bytes[at++] ?? 0;
        if (blockLeft === 0) return written;
      }
      if (at >= bytes.length) return written;
      buffer |= bytes[at++]! << bits;
      bits += 8;
      blockLeft--;
    }
    const code = buffer & ((1 << codeBits) - 1);
    buffer >>>= codeBits;
    bits -= codeBits;
    if (code === end) return written;
    if (code === clear) {
      codeBits = minimumBits + 1;
      next = end + 1;
      previous = -1;
      continue;
    }
    if (previous >= 0 && next < tableSize) {
      prefix[next] = previous;
      first[next] = first[previous]!;
      length[next] = length[previous]! + 1;
      // The one code that may be used in its own definition ends as it begins.
      last[next] = code === next ? first[previous]! : first[code]!;
      next++;
      if (next === 1 << codeBits && codeBits < 12) codeBits++;
    }
    if (code >= next) {
      damage.warnings.push(`GIF code ${code} before its definition, after ${written} pixels`);
      return written;
    }
    const stop = written + length[code]!;
    let walk = code;
    for (let to = stop - 1; to >= written; to--) {
      // Indices beyond the frame fall off the end of the typed array.
      out[to] = last[walk]!;
      walk = prefix[walk]!;
    }
    written = Math.min(stop, out.length);
    previous = code;
  }
  return written;
}

interface Reader {
  offset(): number;
  seek(offset: number): void;
  skip(count: number): void;
  skipBlocks(): void;
  uint8(): number;
  uint16(): number;
  take(count: number): Uint8Array;
}

function createReader(bytes: Uint8Array, where: string): Reader {
  let at = 0;
  const need = (count: number): void => {
    if (at + count > bytes.length) {
      throw new FormatError(
        `${where}: byte ${at}: the GIF ends before its first frame; ${count} bytes were expected, ${bytes.length - at} are left.`,
      );
    }
  };
  const reader: Reader = {
    offset: () => at,
    seek(offset) {
      at = offset;
    },
    skip(count) {
      need(count);
      at += count;
    },
    uint8() {
      need(1);
      return bytes[at++]!;
    },
    uint16() {
      need(2);
      at += 2;
      return bytes[at - 2]! | (bytes[at - 1]! << 8);
    },
    take(count) {
      need(count);
      at += count;
      return bytes.subarray(at - count, at);
    },
    skipBlocks() {
      for (let size = reader.uint8(); size !== 0; size = reader.uint8()) reader.skip(size);
    },
  };
  return reader;
}
