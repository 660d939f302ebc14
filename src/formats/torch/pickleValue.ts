import type { ElementType } from "../elementType.ts";

/** What a checkpoint's pickle can hold here: data, and tensors that point into a storage. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleList
  | PickleTuple
  | PickleDict
  | PickleGlobal
  | PickleStorage
  | PickleTensor
  | PickleNumpyType;

/** A list, or a set, whose order and content are all that is kept of it. */
export interface PickleList {
  readonly kind: "list";
  readonly items: PickleValue[];
}

export interface PickleTuple {
  readonly kind: "tuple";
  readonly items: readonly PickleValue[];
}

/** `dict` or `OrderedDict`. */
export interface PickleDict {
  readonly kind: "dict";
  readonly entries: Map<PickleValue, PickleValue>;
}

/** The name of a class or function. Only a name: nothing is looked up, loaded or called. */
export interface PickleGlobal {
  readonly kind: "global";
  readonly name: string;
}

/** A block of numbers in the file, by its key there. */
export interface PickleStorage {
  readonly kind: "storage";
  readonly key: string;
  /** `undefined` for a storage without a type of its own, as PyTorch 2 writes some. */
  readonly elementType: ElementType | undefined;
  /** Elements, or bytes when it has no element type. */
  readonly length: number;
}

/** A strided view of a storage; offset and strides count elements. */
export interface PickleTensor {
  readonly kind: "tensor";
  readonly storage: PickleStorage;
  readonly elementType: ElementType;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** The type of a NumPy number, such as a recorded accuracy. */
export interface PickleNumpyType {
  readonly kind: "numpyType";
  readonly code: string;
}

/** Whether a value is one of the objects above, of this kind. */
export function isKind<K extends Extract<PickleValue, { kind: string }>["kind"]>(
  value: PickleValue | undefined,
  kind: K,
): value is Extract<PickleValue, { kind: K }> {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === kind;
}
