import { FormatError, UnsupportedError } from "../../core/errors.ts";
import { type ByteSource, bytesSource, sliceSource } from "../byteSource.ts";
import { crc32 } from "./crc32.ts";
import { inflateExactly } from "./inflate.ts";

/** A file inside an archive. */
export interface ZipEntry {
  readonly name: string;
  readonly sizeBytes: number;
  readonly compressedBytes: number;
  /** 0: stored as it is, 8: deflated. */
  readonly method: 0 | 8;
  readonly crc: number;
  /** Where its local header begins in the archive. */
  readonly headerOffset: number;
}

/** An opened archive: its directory is in memory, its files are not. */
export interface ZipArchive {
  readonly name: string;
  readonly entries: ReadonlyMap<string, ZipEntry>;
  /** The whole content of a file, inflated, its checksum verified. */
  read(entry: ZipEntry): Promise<Uint8Array>;
  /** A file as a source: a range of the archive if it is stored, inflated in memory if not. */
  open(entry: ZipEntry): Promise<ByteSource>;
}

/** Limits on an archive. */
export interface ZipLimits {
  /**
   * How much larger the content may be than the archive, over all files together; default 64 MiB.
   * Weights hardly compress, so more than that is a mistake or a bomb.
   */
  readonly maxExpansionBytes?: number;
}

const maxEntries = 100_000;
const maxDirectoryBytes = 2 ** 25;
const endRecordBytes = 22;

/**
 * Opens a zip archive (with zip64), checking the directory before anything is inflated: number of
 * files, their sizes against the archive's, no two files in the same bytes, no name twice.
 *
 * Encrypted and multi-volume archives, and methods other than stored and deflate, throw an
 * {@link UnsupportedError}. Names are only ever compared, never used as paths.
 *
 * Source: the public zip format description (APPNOTE 6.3.10, sections 4.3 and 4.5.3).
 */
export async function openZip(source: ByteSource, limits: ZipLimits = {}): Promise<ZipArchive> {
  const directory = await findDirectory(source);
  if (directory.count > maxEntries || directory.sizeBytes > maxDirectoryBytes) {
    throw new FormatError(
      `${source.name}: a directory of ${directory.count} files in ${directory.sizeBytes} bytes; at most ${maxEntries} in ${maxDirectoryBytes} are read.`,
    );
  }
  if (directory.count * 46 > directory.sizeBytes) {
    throw new FormatError(
      `${source.name}: the directory claims ${directory.count} files in ${directory.sizeBytes} bytes; each takes at least 46.`,
    );
  }
  const bytes = await source.read(directory.offset, directory.sizeBytes);
  const entries = parseDirectory(bytes, directory.count, source.name);
  checkLayout(entries, source, limits.maxExpansionBytes ?? 2 ** 26);

  const content = async (entry: ZipEntry): Promise<ByteSource> => {
    const header = await source.read(entry.headerOffset, 30);
    const view = new DataView(header.buffer, header.byteOffset);
    if (view.getUint32(0, true) !== 0x04034b50) {
      throw new FormatError(
        `${source.name}: no file header for "${entry.name}" at byte ${entry.headerOffset}.`,
      );
    }
    const start = entry.headerOffset + 30 + view.getUint16(26, true) + view.getUint16(28, true);
    return sliceSource(source, start, entry.compressedBytes, `${source.name}/${entry.name}`);
  };
  const read = async (entry: ZipEntry): Promise<Uint8Array> => {
    const stored = await content(entry);
    const raw = await stored.read(0, entry.compressedBytes);
    const where = `${source.name}: "${entry.name}"`;
    const result = entry.method === 0 ? raw : inflateExactly(raw, entry.sizeBytes, where);
    if (crc32(result) !== entry.crc) {
      throw new FormatError(`${where}: the checksum is wrong; the archive is damaged.`);
    }
    return result;
  };
  const open = async (entry: ZipEntry): Promise<ByteSource> => {
    if (entry.method === 0) return content(entry);
    return bytesSource(await read(entry), `${source.name}/${entry.name}`);
  };
  return { name: source.name, entries, read, open };
}

interface DirectoryPlace {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly count: number;
}

/** Finds the central directory by the end record, which a comment of up to 64 KiB may follow. */
async function findDirectory(source: ByteSource): Promise<DirectoryPlace> {
  const tailBytes = Math.min(source.sizeBytes, endRecordBytes + 0xffff);
  const tailOffset = source.sizeBytes - tailBytes;
  const tail = await source.read(tailOffset, tailBytes);
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  for (let i = tailBytes - endRecordBytes; i >= 0; i--) {
    if (view.getUint32(i, true) !== 0x06054b50) continue;
    if (i + endRecordBytes + view.getUint16(i + 20, true) !== tailBytes) continue;
    const isSplit = view.getUint16(i + 4, true) !== 0 || view.getUint16(i + 6, true) !== 0;
    const place = {
      count: view.getUint16(i + 10, true),
      sizeBytes: view.getUint32(i + 12, true),
      offset: view.getUint32(i + 16, true),
    };
    const is64 =
      place.count === 0xffff || place.sizeBytes === 0xffffffff || place.offset === 0xffffffff;
    if (is64) return findDirectory64(source, tailOffset + i - 20);
    if (isSplit) {
      throw new UnsupportedError(`${source.name}: an archive in several volumes is not read.`);
    }
    return place;
  }
  throw new FormatError(
    `${source.name}: no end of a zip archive in its last ${tailBytes} bytes; it is truncated or no zip file.`,
  );
}

async function findDirectory64(source: ByteSource, locator: number): Promise<DirectoryPlace> {
  const fault = new FormatError(`${source.name}: its zip64 end record is missing or damaged.`);
  if (locator < 0) throw fault;
  const pointer = await source.read(locator, 20);
  const pointerView = new DataView(pointer.buffer, pointer.byteOffset);
  if (pointerView.getUint32(0, true) !== 0x07064b50) throw fault;
  const offset = Number(pointerView.getBigUint64(8, true));
  if (offset + 56 > source.sizeBytes) throw fault;
  const record = await source.read(offset, 56);
  const view = new DataView(record.buffer, record.byteOffset);
  if (view.getUint32(0, true) !== 0x06064b50) throw fault;
  return {
    count: Number(view.getBigUint64(32, true)),
    sizeBytes: Number(view.getBigUint64(40, true)),
    offset: Number(view.getBigUint64(48, true)),
  };
}

function parseDirectory(bytes: Uint8Array, count: number, archive: string): Map<string, ZipEntry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries = new Map<string, ZipEntry>();
  const decoder = new TextDecoder();
  let position = 0;
  for (let i = 0; i < count; i++) {
    if (position + 46 > bytes.length || view.getUint32(position, true) !== 0x02014b50) {
      throw new FormatError(`${archive}: entry ${i} of ${count} in its directory is damaged.`);
    }
    const nameBytes = view.getUint16(position + 28, true);
    const extraBytes = view.getUint16(position + 30, true);
    const next = position + 46 + nameBytes + extraBytes + view.getUint16(position + 32, true);
    if (next > bytes.length) {
      throw new FormatError(
        `${archive}: entry ${i} of ${count} runs over the end of its directory.`,
      );
    }
    const nameStart = position + 46;
    const name = decoder.decode(bytes.subarray(nameStart, nameStart + nameBytes));
    const extra = new DataView(bytes.buffer, bytes.byteOffset + nameStart + nameBytes, extraBytes);
    const entry = parseEntry(view, position, name, extra, archive);
    if (entries.has(name)) {
      throw new FormatError(
        `${archive}: the file "${name}" occurs twice; expected different names.`,
      );
    }
    entries.set(name, entry);
    position = next;
  }
  return entries;
}

function parseEntry(
  view: DataView,
  position: number,
  name: string,
  extra: DataView,
  archive: string,
): ZipEntry {
  const where = `${archive}: file "${name}"`;
  if ((view.getUint16(position + 8, true) & 1) !== 0) {
    throw new UnsupportedError(`${where} is encrypted; expected an archive without a password.`);
  }
  const method = view.getUint16(position + 10, true);
  if (method !== 0 && method !== 8) {
    throw new UnsupportedError(
      `${where} is compressed with method ${method}; stored (0) and deflate (8) are read.`,
    );
  }
  let sizeBytes = view.getUint32(position + 24, true);
  let compressedBytes = view.getUint32(position + 20, true);
  let headerOffset = view.getUint32(position + 42, true);
  // The zip64 field holds only those numbers that do not fit, in this order.
  const wide = zip64Numbers(extra);
  if (sizeBytes === 0xffffffff) sizeBytes = wide.shift() ?? sizeBytes;
  if (compressedBytes === 0xffffffff) compressedBytes = wide.shift() ?? compressedBytes;
  if (headerOffset === 0xffffffff) headerOffset = wide.shift() ?? headerOffset;
  if (method === 0 && sizeBytes !== compressedBytes) {
    throw new FormatError(
      `${where} is stored, with ${compressedBytes} bytes for ${sizeBytes}; expected the same number.`,
    );
  }
  // No deflate stream expands more than 1032-fold, so a larger claim is a lie.
  if (sizeBytes > compressedBytes * 1032) {
    throw new FormatError(`${where} claims ${sizeBytes} bytes from ${compressedBytes} compressed.`);
  }
  const crc = view.getUint32(position + 16, true);
  return { name, sizeBytes, compressedBytes, method, crc, headerOffset };
}

function zip64Numbers(extra: DataView): number[] {
  const numbers: number[] = [];
  for (let i = 0; i + 4 <= extra.byteLength; ) {
    const end = i + 4 + extra.getUint16(i + 2, true);
    if (extra.getUint16(i, true) === 1) {
      for (let j = i + 4; j + 8 <= Math.min(end, extra.byteLength); j += 8) {
        numbers.push(Number(extra.getBigUint64(j, true)));
      }
    }
    i = end;
  }
  return numbers;
}

/** Files must lie inside the archive, apart from one another, and not be much larger than it. */
function checkLayout(
  entries: ReadonlyMap<string, ZipEntry>,
  source: ByteSource,
  maxExpansionBytes: number,
): void {
  const ordered = [...entries.values()].sort((a, b) => a.headerOffset - b.headerOffset);
  let position = 0;
  let total = 0;
  for (const entry of ordered) {
    const end = entry.headerOffset + 30 + entry.compressedBytes;
    if (!(end <= source.sizeBytes)) {
      throw new FormatError(
        `${source.name}: file "${entry.name}" ends at byte ${end} of ${source.sizeBytes}; the archive is truncated or damaged.`,
      );
    }
    if (entry.headerOffset < position) {
      throw new FormatError(`${source.name}: file "${entry.name}" overlaps the one before it.`);
    }
    position = end;
    total += entry.sizeBytes;
  }
  if (total > source.sizeBytes + maxExpansionBytes) {
    throw new FormatError(
      `${source.name}: ${source.sizeBytes} bytes unpack to ${total}, which is more than ${maxExpansionBytes} beyond its size; unpack it and store it again without compression if it is genuine.`,
    );
  }
}
