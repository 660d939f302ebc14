import { FormatError, UnsupportedError } from "../../core/errors.ts";
import type { ByteSource } from "../byteSource.ts";
import { Cursor } from "./cursor.ts";
import { FileReader } from "./fileReader.ts";

const signature = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/** A reader over a file, and the address of its root group. */
export interface Superblock {
  readonly reader: FileReader;
  readonly root: number;
}

/** Finds and reads the superblock (versions 0 to 3): at byte 0, or at 512, 1024, 2048, … */
export async function readSuperblock(source: ByteSource): Promise<Superblock> {
  for (let start = 0; start + 48 <= source.sizeBytes; start = start === 0 ? 512 : start * 2) {
    const bytes = await source.read(start, Math.min(128, source.sizeBytes - start));
    if (signature.every((byte, i) => bytes[i] === byte)) return parse(source, bytes, start);
  }
  throw new FormatError(`${source.name}: no HDF5 file; its signature is not there.`);
}

function parse(source: ByteSource, bytes: Uint8Array, start: number): Superblock {
  const version = bytes[8]!;
  if (version > 3) {
    throw new UnsupportedError(`${source.name}: superblock version ${version}; 0 to 3 are read.`);
  }
  const isOld = version < 2;
  const widths = { offset: bytes[isOld ? 13 : 9]!, length: bytes[isOld ? 14 : 10]! };
  for (const width of [widths.offset, widths.length]) {
    if (width !== 2 && width !== 4 && width !== 8) {
      throw new FormatError(`${source.name}: addresses or lengths of ${width} bytes; expected 8.`);
    }
  }
  const cursor = new Cursor(bytes, widths, `${source.name}: superblock`);
  cursor.skip(isOld ? (version === 0 ? 24 : 28) : 12);
  const base = cursor.address();
  // Free space or extension, end of file, and in the old form driver information.
  for (let i = 0; i < (isOld ? 3 : 2); i++) cursor.address();
  if (isOld) cursor.address();
  const root = cursor.address();
  if (root === undefined) throw cursor.fault("no root group");
  // Where something was put before a finished file, the superblock still says that it begins at 0.
  return { reader: new FileReader(source, base === 0 ? start : (base ?? start), widths), root };
}
