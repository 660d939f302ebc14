import { unzlibSync } from "fflate";
import { FormatError } from "../../core/errors.ts";

/** Readers of MATLAB's numeric element types, and their size in bytes. */
const elementTypes: Readonly<
  Record<number, readonly [bytes: number, read: (view: DataView, at: number) => number]>
> = {
  1: [1, (view, at) => view.getInt8(at)],
  2: [1, (view, at) => view.getUint8(at)],
  3: [2, (view, at) => view.getInt16(at, true)],
  4: [2, (view, at) => view.getUint16(at, true)],
  5: [4, (view, at) => view.getInt32(at, true)],
  6: [4, (view, at) => view.getUint32(at, true)],
  7: [4, (view, at) => view.getFloat32(at, true)],
  9: [8, (view, at) => view.getFloat64(at, true)],
};
const matrixType = 14;
const compressedType = 15;
const headerBytes = 128;

/**
 * Reads the numeric matrices of a MATLAB file (level 5, little-endian, compressed or not): name →
 * values, column by column.
 *
 * Source: MathWorks, "MAT-File Format", chapter 1.
 */
export function readMatFile(bytes: Uint8Array, where: string): Record<string, number[]> {
  const isLevel5 = bytes.length > headerBytes && bytes[126] === 0x49 && bytes[127] === 0x4d;
  if (!isLevel5) throw new FormatError(`${where}: not a little-endian MATLAB 5 file.`);
  const matrices: Record<string, number[]> = {};
  for (const element of elements(bytes.subarray(headerBytes), where)) {
    const unpacked =
      element.type === compressedType
        ? elements(inflate(element.data, where), where).next().value
        : element;
    if (unpacked?.type === matrixType) readMatrix(unpacked.data, where, matrices);
  }
  return matrices;
}

interface Element {
  readonly type: number;
  readonly data: Uint8Array;
}

function inflate(data: Uint8Array, where: string): Uint8Array {
  try {
    return unzlibSync(data);
  } catch (error) {
    throw new FormatError(
      `${where}: compressed data cannot be inflated (${(error as Error).message}).`,
    );
  }
}

function* elements(bytes: Uint8Array, where: string): Generator<Element, undefined, undefined> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 8 <= bytes.length; ) {
    const tag = view.getUint32(at, true);
    // Up to four bytes of data lie in the tag itself, with the size in its upper half.
    const isSmall = tag >>> 16 !== 0;
    const type = tag & 0xffff;
    const size = isSmall ? tag >>> 16 : view.getUint32(at + 4, true);
    const start = at + (isSmall ? 4 : 8);
    if (start + size > bytes.length) {
      throw new FormatError(`${where}: an element of ${size} bytes runs over the end of the file.`);
    }
    yield { type, data: bytes.subarray(start, start + size) };
    // Compressed elements are the only ones that are not padded to eight bytes.
    at = isSmall ? at + 8 : start + (type === compressedType ? size : Math.ceil(size / 8) * 8);
  }
  return undefined;
}

// Flags, dimensions, name, values.
function readMatrix(data: Uint8Array, where: string, into: Record<string, number[]>): void {
  const [, , name, values] = [...elements(data, where)];
  const reader = values && elementTypes[values.type];
  if (name === undefined || values === undefined || reader === undefined) return;
  const [size, read] = reader;
  const view = new DataView(values.data.buffer, values.data.byteOffset, values.data.byteLength);
  const count = Math.floor(values.data.length / size);
  into[new TextDecoder().decode(name.data)] = Array.from({ length: count }, (_, i) =>
    read(view, i * size),
  );
}
