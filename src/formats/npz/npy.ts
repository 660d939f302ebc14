import { FormatError, UnsupportedError } from "../../core/errors.ts";
import { type ByteSource, checkRange } from "../byteSource.ts";
import { concatenate } from "../concatenate.ts";
import { type ElementType, elementTypes, encodeElements } from "../elementType.ts";
import { columnMajorStrides, gatherElements } from "../strided.ts";
import {
  checkStoredShape,
  checkWritable,
  defaultElementType,
  type StoredTensor,
  storedTensor,
  type WritableTensor,
} from "../tensorFile.ts";

/** NumPy's type codes; bfloat16 has none. */
const codes: Readonly<Partial<Record<ElementType, string>>> = {
  float64: "<f8",
  float32: "<f4",
  float16: "<f2",
  int64: "<i8",
  int32: "<i4",
  int16: "<i2",
  int8: "|i1",
  uint64: "<u8",
  uint32: "<u4",
  uint16: "<u2",
  uint8: "|u1",
  bool: "|b1",
};

const maxHeaderBytes = 2 ** 16;

/**
 * Opens a NumPy array file (`.npy`, versions 1 to 3). Column-major arrays come out row-major.
 * Big-endian, structured and object arrays throw an {@link UnsupportedError}; an object array is a
 * pickle, and nothing here runs one.
 *
 * Source: the format description in `numpy/lib/format.py`.
 */
export async function readNpy(source: ByteSource): Promise<StoredTensor> {
  const start = await source.read(0, Math.min(12, source.sizeBytes));
  const isNpy = start.length >= 10 && start[0] === 0x93 && latin1(start.subarray(1, 6)) === "NUMPY";
  if (!isNpy) throw new FormatError(`${source.name}: no NumPy array; expected "\\x93NUMPY" first.`);
  const version = start[6]!;
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  if (version < 1 || version > 3 || (version > 1 && start.length < 12)) {
    throw new FormatError(`${source.name}: version ${version} of the format; 1 to 3 are read.`);
  }
  const headerStart = version === 1 ? 10 : 12;
  const headerBytes = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (headerBytes > maxHeaderBytes) {
    throw new FormatError(
      `${source.name}: the header claims ${headerBytes} bytes; at most ${maxHeaderBytes} are read.`,
    );
  }
  const header = parseHeader(
    latin1(await source.read(headerStart, headerBytes)),
    `${source.name}: header`,
  );
  const { shape, elementType, fortranOrder } = header;
  const sizeBytes = checkStoredShape(shape, elementType, source.name);
  const dataStart = headerStart + headerBytes;
  checkRange(source, dataStart, sizeBytes);
  return storedTensor(shape, elementType, source.name, async () => {
    const bytes = await source.read(dataStart, sizeBytes);
    if (!fortranOrder) return bytes;
    return gatherElements(
      bytes,
      shape,
      columnMajorStrides(shape),
      elementTypes[elementType].sizeBytes,
    );
  });
}

/** The bytes of a `.npy` file, version 1. */
export function writeNpy(tensor: WritableTensor, name = "array"): Uint8Array {
  checkWritable(name, tensor);
  const elementType = defaultElementType(tensor);
  const code = codes[elementType];
  if (code === undefined) {
    throw new UnsupportedError(`array "${name}": NumPy has no ${elementType}; choose float32.`);
  }
  const { shape } = tensor;
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const text = `{'descr': '${code}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // The whole header, with its ten bytes before the text, is padded to a multiple of 64.
  const total = Math.ceil((10 + text.length + 1) / 64) * 64;
  const header = Uint8Array.from(`\x93NUMPY\x01\x00??${text}`, (letter) => letter.charCodeAt(0));
  const padded = new Uint8Array(total).fill(0x20);
  padded.set(header);
  padded[total - 1] = 0x0a;
  new DataView(padded.buffer).setUint16(8, total - 10, true);
  return concatenate([padded, encodeElements(tensor.data, elementType, `array "${name}"`)]);
}

interface Header {
  readonly shape: readonly number[];
  readonly elementType: ElementType;
  readonly fortranOrder: boolean;
}

/** The header is a Python dict of three known entries; only that is read, nothing is evaluated. */
function parseHeader(text: string, where: string): Header {
  const descr = /'descr'\s*:\s*'([^']{1,16})'/.exec(text)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const sizes = /'shape'\s*:\s*\(([\d\s,L]*)\)/.exec(text)?.[1];
  if (order === undefined || sizes === undefined) {
    throw new FormatError(`${where}: expected descr, fortran_order and shape, got ${show(text)}.`);
  }
  const elementType = (Object.keys(codes) as ElementType[]).find(
    (type) => descr !== undefined && codes[type]?.slice(1) === descr.slice(1),
  );
  if (elementType === undefined || descr?.[0] === ">") {
    throw new UnsupportedError(
      `${where}: elements of type ${descr ?? show(text)} are not read; little-endian numbers are.`,
    );
  }
  const parts = sizes.split(",").filter((part) => part.trim() !== "");
  const shape = parts.map((part) => Number(part.trim().replace(/L$/, "")));
  return { shape, elementType, fortranOrder: order === "True" };
}

function show(text: string): string {
  return JSON.stringify(text.slice(0, 80).trim());
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
