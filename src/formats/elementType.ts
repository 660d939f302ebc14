import type { DType, TensorData } from "../core/dtype.ts";
import { FormatError } from "../core/errors.ts";
import { decodeBfloat16, decodeFloat16, encodeBfloat16, encodeFloat16 } from "./float16.ts";

/**
 * Element types found in files, by PyTorch's names: bytes per element and the type the engine
 * computes with once read. Floats become float32, truth values float32 0 and 1, integers int32.
 */
export const elementTypes = {
  float64: { sizeBytes: 8, dtype: "float32" },
  float32: { sizeBytes: 4, dtype: "float32" },
  float16: { sizeBytes: 2, dtype: "float32" },
  bfloat16: { sizeBytes: 2, dtype: "float32" },
  int64: { sizeBytes: 8, dtype: "int32" },
  int32: { sizeBytes: 4, dtype: "int32" },
  int16: { sizeBytes: 2, dtype: "int32" },
  int8: { sizeBytes: 1, dtype: "int32" },
  uint64: { sizeBytes: 8, dtype: "int32" },
  uint32: { sizeBytes: 4, dtype: "int32" },
  uint16: { sizeBytes: 2, dtype: "int32" },
  uint8: { sizeBytes: 1, dtype: "int32" },
  bool: { sizeBytes: 1, dtype: "float32" },
} as const satisfies Record<string, { sizeBytes: number; dtype: DType }>;

/** An element type of a file. */
export type ElementType = keyof typeof elementTypes;

/**
 * What to do with an integer that int32 cannot hold: refuse the file (the default), or take the
 * nearest that it can (ONNX writes "to the end" as the largest int64).
 */
export type IntegerOverflow = "refuse" | "saturate";

/**
 * Little-endian elements of a file as numbers of the engine. float64 is rounded to float32, all
 * other floats are exact. Where the layout already fits, the result shares the memory of `bytes`.
 *
 * @param where names the tensor in messages
 */
export function decodeElements(
  bytes: Uint8Array,
  type: ElementType,
  where: string,
  overflow: IntegerOverflow = "refuse",
): TensorData {
  const { sizeBytes } = elementTypes[type];
  if (bytes.length % sizeBytes !== 0) {
    throw new FormatError(
      `${where}: ${bytes.length} bytes are not a whole number of ${type} elements of ${sizeBytes} bytes.`,
    );
  }
  const aligned = bytes.byteOffset % sizeBytes === 0 ? bytes : bytes.slice();
  const { buffer, byteOffset } = aligned;
  const count = aligned.length / sizeBytes;
  switch (type) {
    case "float32":
      return new Float32Array(buffer, byteOffset, count);
    case "int32":
      return new Int32Array(buffer, byteOffset, count);
    case "float64":
      return new Float32Array(new Float64Array(buffer, byteOffset, count));
    case "float16":
      return decodeFloat16(new Uint16Array(buffer, byteOffset, count));
    case "bfloat16":
      return decodeBfloat16(new Uint16Array(buffer, byteOffset, count));
    case "bool":
      return Float32Array.from(aligned, (value) => (value === 0 ? 0 : 1));
    case "int16":
      return new Int32Array(new Int16Array(buffer, byteOffset, count));
    case "uint16":
      return new Int32Array(new Uint16Array(buffer, byteOffset, count));
    case "int8":
      return new Int32Array(new Int8Array(buffer, byteOffset, count));
    case "uint8":
      return new Int32Array(aligned);
    case "uint32":
    case "int64":
    case "uint64":
      return narrowIntegers(aligned, type, where, overflow);
  }
}

/** Integers wider than int32, checked one by one. */
function narrowIntegers(
  bytes: Uint8Array,
  type: "uint32" | "int64" | "uint64",
  where: string,
  overflow: IntegerOverflow,
): Int32Array {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const step = type === "uint32" ? 1 : 2;
  const result = new Int32Array(words.length / step);
  for (let i = 0; i < result.length; i++) {
    const low = words[i * step]!;
    const high = step === 1 ? 0 : words[i * step + 1]!;
    if (high === low >> 31 && (type === "int64" || low >= 0)) {
      result[i] = low;
      continue;
    }
    const negative = type === "int64" && high < 0;
    if (overflow === "refuse") {
      const unsigned = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
      const value = type === "int64" ? BigInt.asIntN(64, unsigned) : unsigned;
      throw new FormatError(
        `${where}: element ${i} is ${value}, which int32 (${-(2 ** 31)} to ${2 ** 31 - 1}) cannot hold.`,
      );
    }
    result[i] = negative ? -(2 ** 31) : 2 ** 31 - 1;
  }
  return result;
}

/**
 * Numbers of the engine as little-endian elements of a file. Floats are rounded to nearest, ties to
 * even; a number that an integer type cannot hold throws a {@link FormatError}. Where the layout
 * already fits, the result shares the memory of `data`.
 */
export function encodeElements(data: TensorData, type: ElementType, where: string): Uint8Array {
  switch (type) {
    case "float32":
      return bytesOf(data instanceof Float32Array ? data : new Float32Array(data));
    case "float64":
      return bytesOf(new Float64Array(data));
    case "float16":
      return bytesOf(encodeFloat16(data instanceof Float32Array ? data : new Float32Array(data)));
    case "bfloat16":
      return bytesOf(encodeBfloat16(data instanceof Float32Array ? data : new Float32Array(data)));
    case "bool":
      return Uint8Array.from(data, (value) => (value === 0 ? 0 : 1));
    default:
      return encodeIntegers(data, type, where);
  }
}

type IntegerType = Exclude<ElementType, "float64" | "float32" | "float16" | "bfloat16" | "bool">;

const integerRanges: { readonly [K in IntegerType]: readonly [number, number] } = {
  int64: [-(2 ** 53), 2 ** 53],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int16: [-(2 ** 15), 2 ** 15 - 1],
  int8: [-(2 ** 7), 2 ** 7 - 1],
  uint64: [0, 2 ** 53],
  uint32: [0, 2 ** 32 - 1],
  uint16: [0, 2 ** 16 - 1],
  uint8: [0, 2 ** 8 - 1],
};

function encodeIntegers(data: TensorData, type: IntegerType, where: string): Uint8Array {
  const [lowest, highest] = integerRanges[type];
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    if (!Number.isInteger(value) || value < lowest || value > highest) {
      throw new FormatError(
        `${where}: element ${i} is ${value}; ${type} holds integers from ${lowest} to ${highest}.`,
      );
    }
  }
  switch (type) {
    case "int32":
      return bytesOf(data instanceof Int32Array ? data : new Int32Array(data));
    case "int16":
      return bytesOf(new Int16Array(data));
    case "int8":
      return bytesOf(new Int8Array(data));
    case "uint32":
      return bytesOf(new Uint32Array(data));
    case "uint16":
      return bytesOf(new Uint16Array(data));
    case "uint8":
      return new Uint8Array(data);
    case "int64":
    case "uint64":
      return bytesOf(BigInt64Array.from(data as Float32Array, BigInt));
  }
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
