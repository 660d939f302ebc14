import type { DType, TensorData } from "../core/dtype.ts";
import { FormatError } from "../core/errors.ts";
import { elementCount, formatShape, type Shape } from "../core/shape.ts";
import { decodeElements, type ElementType, elementTypes } from "./elementType.ts";

/** A tensor in memory, row-major. */
export interface HostTensor {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly data: TensorData;
}

/** A tensor that still lies in its file: described, not yet read. */
export interface StoredTensor {
  readonly shape: Shape;
  /** Type of the numbers that `read` gives. */
  readonly dtype: DType;
  /** Type of the numbers in the file. */
  readonly elementType: ElementType;
  /** Reads and converts the numbers. Each call reads again and gives memory of its own. */
  read(): Promise<TensorData>;
}

/** What every weight reader returns: named tensors in the file's order, and its text metadata. */
export interface TensorFile {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A tensor to write: `elementType` says how it is stored, float32 or int32 by its data if absent. */
export interface WritableTensor {
  readonly shape: Shape;
  readonly data: TensorData;
  readonly elementType?: ElementType | undefined;
}

/** The tensors a writer takes, in the order in which they are written. */
export type WritableTensors =
  | ReadonlyMap<string, WritableTensor>
  | Readonly<Record<string, WritableTensor>>;

/** Most axes a tensor of any format may have; NumPy allows 64, nets use five. */
export const maxRank = 64;

/**
 * Checks sizes that came from a file, and returns the number of bytes the tensor takes: every size
 * a whole number, no more axes than {@link maxRank}, below 2³¹ elements in all.
 *
 * @param where names the file and the tensor in the message
 */
export function checkStoredShape(
  shape: readonly number[],
  elementType: ElementType,
  where: string,
): number {
  if (shape.length > maxRank) {
    throw new FormatError(`${where}: ${shape.length} axes; at most ${maxRank} are read.`);
  }
  // A zero anywhere makes the product zero, so the sizes beside it are bounded on their own.
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0 || size >= 2 ** 31) {
      throw new FormatError(
        `${where}: shape ${formatShape(shape)} has a size of ${size}; expected whole numbers from 0 to 2147483647.`,
      );
    }
  }
  const count = elementCount(shape);
  if (count >= 2 ** 31) {
    throw new FormatError(
      `${where}: shape ${formatShape(shape)} has ${count} elements; at most ${2 ** 31 - 1} are read.`,
    );
  }
  return count * elementTypes[elementType].sizeBytes;
}

/** A stored tensor over a function that fetches its little-endian, row-major bytes. */
export function storedTensor(
  shape: Shape,
  elementType: ElementType,
  where: string,
  readBytes: () => Promise<Uint8Array>,
): StoredTensor {
  return {
    shape,
    dtype: elementTypes[elementType].dtype,
    elementType,
    read: async () => decodeElements(await readBytes(), elementType, where),
  };
}

/** Reads every tensor into memory. */
export async function readTensors(file: TensorFile): Promise<Map<string, HostTensor>> {
  const result = new Map<string, HostTensor>();
  for (const [name, tensor] of file.tensors) {
    result.set(name, { shape: tensor.shape, dtype: tensor.dtype, data: await tensor.read() });
  }
  return result;
}

/**
 * The same tensors without a prefix that a wrapper put before every name (`module.` of PyTorch's
 * `DataParallel`, `model.`, `backbone.`). Names that do not begin with it stay as they are; two
 * names that become one throw a {@link FormatError}.
 */
export function stripPrefix<T>(tensors: ReadonlyMap<string, T>, prefix: string): Map<string, T> {
  const result = new Map<string, T>();
  for (const [name, tensor] of tensors) {
    const short = name.startsWith(prefix) ? name.slice(prefix.length) : name;
    if (result.has(short)) {
      throw new FormatError(
        `stripPrefix: without "${prefix}" two tensors are called "${short}"; expected different names.`,
      );
    }
    result.set(short, tensor);
  }
  return result;
}

/** The entries of either form in which tensors to write are given. */
export function writableEntries(tensors: WritableTensors): [string, WritableTensor][] {
  return tensors instanceof Map ? [...tensors] : Object.entries(tensors);
}

/** Throws a {@link FormatError} unless the data has as many numbers as the shape says. */
export function checkWritable(name: string, tensor: WritableTensor): void {
  const expected = elementCount(tensor.shape);
  if (tensor.data.length !== expected) {
    throw new FormatError(
      `tensor "${name}": ${tensor.data.length} numbers given; shape ${formatShape(tensor.shape)} expects ${expected}.`,
    );
  }
}

/** How a tensor is stored when its writer is not told. */
export function defaultElementType(tensor: WritableTensor): ElementType {
  return tensor.elementType ?? (tensor.data instanceof Int32Array ? "int32" : "float32");
}
