import type { ElementType } from "../elementType.ts";
import type { Cursor } from "./cursor.ts";

/** What the elements of an attribute or data set are, as far as it is read. */
export type Datatype =
  | { readonly kind: "number"; readonly elementType: ElementType; readonly sizeBytes: number }
  | { readonly kind: "text"; readonly sizeBytes: number }
  /** Texts of different lengths, kept in the global heap. */
  | { readonly kind: "heapText"; readonly sizeBytes: number }
  | { readonly kind: "other"; readonly sizeBytes: number; readonly name: string };

const classNames = [
  "integer",
  "float",
  "time",
  "string",
  "bit field",
  "opaque",
  "compound",
  "reference",
  "enumeration",
  "variable length",
  "array",
];

const integerTypes: Readonly<Record<string, ElementType>> = {
  u1: "uint8",
  u2: "uint16",
  u4: "uint32",
  u8: "uint64",
  i1: "int8",
  i2: "int16",
  i4: "int32",
  i8: "int64",
};

/** Reads a datatype message: numbers (little-endian), texts, h5py's bool; all else is `other`. */
export function readDatatype(cursor: Cursor): Datatype {
  const classAndVersion = cursor.uint8();
  const flags = cursor.uint8();
  const signByte = cursor.uint8();
  cursor.skip(1);
  const sizeBytes = cursor.uint32();
  const classNumber = classAndVersion & 15;
  const isBigEndian = (flags & 1) !== 0 && sizeBytes > 1;
  const other = (name: string): Datatype => ({ kind: "other", sizeBytes, name });
  switch (classNumber) {
    case 0: {
      const type = integerTypes[`${flags & 8 ? "i" : "u"}${sizeBytes}`];
      const bitOffset = cursor.uint16();
      const isWhole = bitOffset === 0 && cursor.uint16() === sizeBytes * 8;
      if (type === undefined || isBigEndian || !isWhole) return other("integer of unusual form");
      return { kind: "number", elementType: type, sizeBytes };
    }
    case 1: {
      const type = floatType(cursor, sizeBytes, signByte);
      if (type === undefined || isBigEndian) return other("float of unusual form");
      return { kind: "number", elementType: type, sizeBytes };
    }
    case 3:
      return { kind: "text", sizeBytes };
    case 8: {
      // h5py's bool is an enumeration of FALSE and TRUE over one byte.
      const base = readDatatype(cursor);
      const isBool = base.kind === "number" && base.sizeBytes === 1 && flags === 2;
      return isBool ? { kind: "number", elementType: "bool", sizeBytes } : other("enumeration");
    }
    case 9:
      return (flags & 15) === 1 ? { kind: "heapText", sizeBytes } : other("sequence");
    default:
      return other(classNames[classNumber] ?? `class ${classNumber}`);
  }
}

/** IEEE floats by where sign, exponent and mantissa are. */
function floatType(cursor: Cursor, sizeBytes: number, sign: number): ElementType | undefined {
  cursor.skip(4);
  const exponent = `${cursor.uint8()}+${cursor.uint8()}`;
  cursor.skip(2);
  switch (`${sizeBytes}:${sign}:${exponent}`) {
    case "8:63:52+11":
      return "float64";
    case "4:31:23+8":
      return "float32";
    case "2:15:10+5":
      return "float16";
    case "2:15:7+8":
      return "bfloat16";
    default:
      return undefined;
  }
}

/** Reads a dataspace message: sizes along each axis, `[]` for a scalar, `[0]` for nothing. */
export function readDataspace(cursor: Cursor): number[] {
  const version = cursor.uint8();
  const rank = cursor.uint8();
  cursor.skip(1);
  if (version === 1) cursor.skip(5);
  else if (version !== 2) throw cursor.fault(`dataspace version ${version}, expected 1 or 2`);
  else if (cursor.uint8() === 2) return [0];
  if (rank > 32) throw cursor.fault(`a dataspace of ${rank} axes, where 32 are allowed`);
  return Array.from({ length: rank }, () => cursor.length());
}
