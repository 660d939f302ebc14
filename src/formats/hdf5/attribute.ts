import { elementCount } from "../../core/shape.ts";
import { decodeElements } from "../elementType.ts";
import type { Cursor } from "./cursor.ts";
import { type Datatype, readDataspace, readDatatype } from "./datatype.ts";
import type { FileReader } from "./fileReader.ts";
import { readHeapObject } from "./globalHeap.ts";

/** The value of an attribute: texts or numbers, row-major; one of them for a scalar. */
export interface Hdf5Attribute {
  readonly shape: readonly number[];
  readonly values: readonly (string | number)[];
}

/** An attribute message. Its value is `undefined` where its type is not read. */
export async function readAttribute(
  reader: FileReader,
  cursor: Cursor,
): Promise<{ name: string; value: Hdf5Attribute | undefined }> {
  const version = cursor.uint8();
  const flags = cursor.uint8();
  const nameBytes = cursor.uint16();
  const typeBytes = cursor.uint16();
  const spaceBytes = cursor.uint16();
  if (version === 3) cursor.skip(1);
  else if (version !== 1 && version !== 2) throw cursor.fault(`attribute version ${version}`);
  // Version 1 pads each of the three to a multiple of eight bytes.
  const padded = (size: number) => (version === 1 ? Math.ceil(size / 8) * 8 : size);
  const name = decodeText(cursor.part(padded(nameBytes)).bytes(nameBytes));
  const typeCursor = cursor.part(padded(typeBytes));
  const shape = readDataspace(cursor.part(padded(spaceBytes)));
  if (version > 1 && (flags & 3) !== 0) return { name, value: undefined };
  const type = readDatatype(typeCursor);
  const count = elementCount(shape);
  const sizeBytes = count * type.sizeBytes;
  if (!(sizeBytes <= cursor.left)) {
    throw cursor.fault(`attribute "${name}" of ${sizeBytes} bytes, where ${cursor.left} are left`);
  }
  const values = await readValues(reader, cursor, type, count);
  return { name, value: values === undefined ? undefined : { shape, values } };
}

async function readValues(
  reader: FileReader,
  cursor: Cursor,
  type: Datatype,
  count: number,
): Promise<(string | number)[] | undefined> {
  switch (type.kind) {
    case "number": {
      const bytes = cursor.bytes(count * type.sizeBytes).slice();
      return [...decodeElements(bytes, type.elementType, "attribute", "saturate")];
    }
    case "text": {
      // Elements of no size are no more than their number, so they are not read.
      if (type.sizeBytes === 0) return undefined;
      return Array.from({ length: count }, () => decodeText(cursor.bytes(type.sizeBytes)));
    }
    case "heapText": {
      if (type.sizeBytes < 8) throw cursor.fault("a text without a place in the heap");
      const texts: string[] = [];
      for (let i = 0; i < count; i++) {
        const element = cursor.part(type.sizeBytes);
        const length = element.uint32();
        const address = element.address();
        const index = element.uint32();
        texts.push(
          address === undefined || length === 0
            ? ""
            : decodeText((await readHeapObject(reader, address, index)).subarray(0, length)),
        );
      }
      return texts;
    }
    case "other":
      return undefined;
  }
}

/** A text as UTF-8, up to the first zero byte. */
export function decodeText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}
