import { FormatError, UnsupportedError } from "../../../core/errors.ts";
import type { ElementType } from "../../elementType.ts";

/** `TensorProto.data_type` of the element types that are read. */
export const dataTypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
} as const satisfies { readonly [K in ElementType]: number };

/** Data types of the format that are not read, by number, for messages. */
const otherDataTypes: Readonly<Record<number, string>> = {
  8: "string",
  14: "complex64",
  15: "complex128",
  17: "float8e4m3fn",
  18: "float8e4m3fnuz",
  19: "float8e5m2",
  20: "float8e5m2fnuz",
  21: "uint4",
  22: "int4",
  23: "float4e2m1",
};

/** The element type of a `data_type`, or an error that names the one that is not read. */
export function elementTypeOf(dataType: number, where: string): ElementType {
  for (const [name, number] of Object.entries(dataTypes)) {
    if (number === dataType) return name as ElementType;
  }
  const other = otherDataTypes[dataType];
  if (other === undefined) throw new FormatError(`${where}: data type ${dataType} does not exist.`);
  throw new UnsupportedError(
    `${where}: elements of type ${other} (${dataType}) are not read; floats, integers of 8 to 64 bits and bool are.`,
  );
}

/** `AttributeProto.type`. */
export const attributeTypes = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
  tensors: 9,
  graphs: 10,
  sparseTensor: 11,
  sparseTensors: 12,
  typeProto: 13,
  typeProtos: 14,
} as const;
