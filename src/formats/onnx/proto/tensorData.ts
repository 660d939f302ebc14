import { create, isFieldSet } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import type { TensorData } from "../../../core/dtype.ts";
import { FormatError, UnsupportedError } from "../../../core/errors.ts";
import { elementCount, formatShape } from "../../../core/shape.ts";
import { concatenate } from "../../concatenate.ts";
import {
  decodeElements,
  type ElementType,
  encodeElements,
  type IntegerOverflow,
} from "../../elementType.ts";
import {
  checkStoredShape,
  checkWritable,
  defaultElementType,
  type WritableTensor,
} from "../../tensorFile.ts";
import { dataTypes, elementTypeOf } from "./dataTypes.ts";
import { type TensorProto, TensorProtoSchema } from "./messages.generated.ts";

/** What a `TensorProto` says about its tensor, checked. */
export interface TensorHeader {
  readonly shape: readonly number[];
  readonly elementType: ElementType;
  /** Bytes of the numbers in `raw_data` or in an external file. */
  readonly sizeBytes: number;
  /** The numbers are in another file: call `loadExternalData` first. */
  readonly isExternal: boolean;
}

/** Name, shape and element type of a tensor, without its numbers. */
export function tensorHeader(tensor: TensorProto, where: string): TensorHeader {
  if (isFieldSet(tensor, TensorProtoSchema.field.segment)) {
    throw new UnsupportedError(`${where}: a tensor in segments is not read; save it in one piece.`);
  }
  const shape = tensor.dims.map(Number);
  const elementType = elementTypeOf(tensor.dataType, where);
  const sizeBytes = checkStoredShape(shape, elementType, where);
  return { shape, elementType, sizeBytes, isExternal: tensor.dataLocation === 1 };
}

/**
 * The numbers of a tensor that are inside the message, from `raw_data` or the typed field of its
 * data type. int64 beyond int32 becomes the nearest int32, because ONNX writes "to the end" as the
 * largest int64; pass `"refuse"` to get an error instead. The result is memory of its own.
 *
 * @param where names file and tensor in messages
 */
export function tensorData(
  tensor: TensorProto,
  where: string,
  overflow: IntegerOverflow = "saturate",
): TensorData {
  const { shape, elementType, sizeBytes, isExternal } = tensorHeader(tensor, where);
  if (isExternal) {
    throw new UnsupportedError(
      `${where}: the numbers are in another file; open the model together with its folder.`,
    );
  }
  const bytes = isFieldSet(tensor, TensorProtoSchema.field.rawData)
    ? tensor.rawData.slice()
    : typedBytes(tensor, elementType, elementCount(shape), where);
  if (bytes.length !== sizeBytes) {
    throw new FormatError(
      `${where}: ${bytes.length} bytes of ${elementType}; shape ${formatShape(shape)} takes ${sizeBytes}.`,
    );
  }
  return decodeElements(bytes, elementType, where, overflow);
}

/** A `TensorProto` with the numbers in `raw_data`. */
export function makeTensorProto(name: string, tensor: WritableTensor): TensorProto {
  checkWritable(name, tensor);
  const elementType = defaultElementType(tensor);
  return create(TensorProtoSchema, {
    name,
    dims: tensor.shape.map(BigInt),
    dataType: dataTypes[elementType],
    rawData: encodeElements(tensor.data, elementType, `tensor "${name}"`),
  });
}

/** The typed field of an element type, as the little-endian bytes that `raw_data` would have. */
function typedBytes(
  tensor: TensorProto,
  elementType: ElementType,
  count: number,
  where: string,
): Uint8Array {
  switch (elementType) {
    case "float32":
      return concatenate(tensor.floatData);
    case "float64":
      return concatenate(tensor.doubleData);
    case "int64":
      return wideIntegers(tensor.int64Data, 8, count, where);
    case "uint64":
      return wideIntegers(tensor.uint64Data, 8, count, where);
    case "uint32":
      return wideIntegers(tensor.uint64Data, 4, count, where);
    default:
      return narrowIntegers(tensor.int32Data, elementType, count, where);
  }
}

/** Varints of `int64_data` or `uint64_data` as integers of `width` bytes. */
function wideIntegers(
  chunks: readonly Uint8Array[],
  width: 4 | 8,
  count: number,
  where: string,
): Uint8Array {
  const reader = varintReader(chunks, count, where);
  const bytes = new DataView(new ArrayBuffer(count * width));
  for (let i = 0; i < count; i++) {
    const value = BigInt(reader.int64());
    if (width === 8) bytes.setBigInt64(i * 8, value, true);
    else bytes.setUint32(i * 4, Number(BigInt.asUintN(32, value)), true);
  }
  return new Uint8Array(bytes.buffer);
}

/** Varints of `int32_data`, which carries every type of 32 bits and fewer (halves as their bits). */
function narrowIntegers(
  chunks: readonly Uint8Array[],
  elementType: ElementType,
  count: number,
  where: string,
): Uint8Array {
  const reader = varintReader(chunks, count, where);
  const values = new Int32Array(count);
  for (let i = 0; i < count; i++) values[i] = reader.int32();
  const isHalf = elementType === "float16" || elementType === "bfloat16";
  return encodeElements(values, isHalf ? "uint16" : elementType, where);
}

/** A reader over exactly `count` varints, counted before anything is allocated for them. */
function varintReader(chunks: readonly Uint8Array[], count: number, where: string): BinaryReader {
  const bytes = chunks.length === 1 ? chunks[0]! : concatenate(chunks);
  let given = 0;
  let length = 0;
  for (const byte of bytes) {
    length++;
    if (byte >= 0x80) continue;
    if (length > 10) break;
    given++;
    length = 0;
  }
  if (length > 0) throw new FormatError(`${where}: an integer of its data is cut off or too long.`);
  if (given !== count) {
    throw new FormatError(`${where}: ${given} integers; the shape expects ${count}.`);
  }
  return new BinaryReader(bytes);
}
