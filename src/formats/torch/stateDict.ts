import { FormatError } from "../../core/errors.ts";
import { elementCount, formatShape, rowMajorStrides, sameShape } from "../../core/shape.ts";
import type { ByteSource } from "../byteSource.ts";
import { elementTypes } from "../elementType.ts";
import { gatherElements } from "../strided.ts";
import {
  checkStoredShape,
  type StoredTensor,
  storedTensor,
  type TensorFile,
} from "../tensorFile.ts";
import { isKind, type PickleDict, type PickleTensor, type PickleValue } from "./pickleValue.ts";

/** Where the numbers of each storage are, by its key. */
export type StorageTable = (key: string) => Promise<ByteSource>;

/** Entries under which training scripts keep the state dict, in the order they are tried. */
const usualKeys = ["state_dict", "model_state_dict", "model_state", "model", "net", "network"];

/**
 * The tensors of a checkpoint's state dict, and as metadata what stands beside it as number or text.
 *
 * @param key the entry to take; see `TorchOptions`
 */
export function selectStateDict(
  root: PickleValue,
  storages: StorageTable,
  file: string,
  key: string | undefined,
): TensorFile {
  if (!isKind(root, "dict")) {
    throw new FormatError(
      `${file}: holds ${describe(root)}; expected a dict of tensors, as model.state_dict() gives.`,
    );
  }
  const chosen = chooseEntry(root, file, key);
  const tensors = new Map<string, StoredTensor>();
  for (const [name, value] of chosen.entries) {
    if (typeof name !== "string" || !isKind(value, "tensor")) continue;
    tensors.set(name, stridedTensor(value, storages, `${file}: tensor "${name}"`));
  }
  const metadata: [string, string][] = [];
  for (const [name, value] of root.entries) {
    const isPlain =
      typeof value === "number" || typeof value === "string" || typeof value === "bigint";
    if (typeof name === "string" && isPlain) metadata.push([name, String(value)]);
  }
  return { tensors, metadata: Object.fromEntries(metadata) };
}

function chooseEntry(root: PickleDict, file: string, key: string | undefined): PickleDict {
  if (key !== undefined) {
    const value = root.entries.get(key);
    if (isKind(value, "dict") && holdsTensors(value)) return value;
    throw new FormatError(
      `${file}: entry "${key}" is ${describe(value)}; expected a dict of tensors. Entries: ${listKeys(root)}.`,
    );
  }
  if (holdsTensors(root)) return root;
  for (const usual of usualKeys) {
    const value = root.entries.get(usual);
    if (isKind(value, "dict") && holdsTensors(value)) return value;
  }
  const candidates: PickleDict[] = [];
  for (const value of root.entries.values()) {
    if (isKind(value, "dict") && holdsTensors(value)) candidates.push(value);
  }
  if (candidates.length === 1) return candidates[0]!;
  throw new FormatError(
    `${file}: ${candidates.length === 0 ? "no entry holds" : `${candidates.length} entries hold`} tensors; name one with "key". Entries: ${listKeys(root)}.`,
  );
}

function holdsTensors(dict: PickleDict): boolean {
  for (const value of dict.entries.values()) if (isKind(value, "tensor")) return true;
  return false;
}

function listKeys(dict: PickleDict): string {
  const keys = [...dict.entries.keys()].filter((key) => typeof key === "string");
  return keys.slice(0, 20).join(", ").slice(0, 500) || "none";
}

function describe(value: PickleValue | undefined): string {
  if (value === undefined) return "missing";
  if (value === null) return "None";
  if (typeof value === "object") return "kind" in value ? `a ${value.kind}` : "bytes";
  return `a ${typeof value}`;
}

/** A strided view of a storage as a dense tensor; only the bytes it touches are read. */
function stridedTensor(tensor: PickleTensor, storages: StorageTable, where: string): StoredTensor {
  const { shape, strides, offset, elementType, storage } = tensor;
  checkStoredShape(shape, elementType, where);
  const count = elementCount(shape);
  const width = elementTypes[elementType].sizeBytes;
  const ownWidth =
    storage.elementType === undefined ? 1 : elementTypes[storage.elementType].sizeBytes;
  const available = Math.floor((storage.length * ownWidth) / width);
  const span =
    count === 0 ? 0 : 1 + shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis]!, 0);
  if (!(offset + span <= available)) {
    throw new FormatError(
      `${where}: shape ${formatShape(shape)}, strides ${formatShape(strides)}, offset ${offset} reach element ${offset + span} of a storage of ${available}.`,
    );
  }
  // A stride of 0 lets one number stand for many; a file of a few bytes must not become gigabytes.
  if (count > Math.max(span, 2 ** 20)) {
    throw new FormatError(
      `${where}: ${count} elements from ${span} in its storage; expanded tensors are read up to ${2 ** 20} elements.`,
    );
  }
  return storedTensor(shape, elementType, where, async () => {
    const source = await storages(storage.key);
    const bytes = await source.read(offset * width, span * width);
    return isDense(shape, strides) ? bytes : gatherElements(bytes, shape, strides, width);
  });
}

function isDense(shape: readonly number[], strides: readonly number[]): boolean {
  const dense = rowMajorStrides(shape);
  // Along an axis of size 1 the stride is never used, and PyTorch writes what it likes there.
  return sameShape(
    dense,
    strides.map((stride, axis) => (shape[axis] === 1 ? dense[axis]! : stride)),
  );
}
