import { FormatError, UnsupportedError } from "../../core/errors.ts";
import type { ElementType } from "../elementType.ts";
import { ownValue } from "../ownValue.ts";
import { isKind, type PickleStorage, type PickleTensor, type PickleValue } from "./pickleValue.ts";

/** Element types of storages, by the class that a checkpoint names. */
const storageTypes: Readonly<Record<string, ElementType>> = {
  DoubleStorage: "float64",
  FloatStorage: "float32",
  HalfStorage: "float16",
  BFloat16Storage: "bfloat16",
  LongStorage: "int64",
  IntStorage: "int32",
  ShortStorage: "int16",
  CharStorage: "int8",
  ByteStorage: "uint8",
  BoolStorage: "bool",
};

/** Element types by the names of `torch.dtype`. */
const dtypes: Readonly<Record<string, ElementType>> = {
  float64: "float64",
  float32: "float32",
  float16: "float16",
  bfloat16: "bfloat16",
  int64: "int64",
  int32: "int32",
  int16: "int16",
  int8: "int8",
  uint8: "uint8",
  bool: "bool",
};

type Rebuild = (args: readonly PickleValue[], where: string) => PickleValue;

/** Everything a checkpoint may "call": each makes a value of {@link PickleValue} from its arguments. */
const rebuilders: Readonly<Record<string, Rebuild>> = {
  "collections.OrderedDict": (args) => {
    const entries = new Map<PickleValue, PickleValue>();
    const pairs = args[0];
    for (const pair of isKind(pairs, "list") ? pairs.items : []) {
      const [key, value] = isKind(pair, "list") || isKind(pair, "tuple") ? pair.items : [];
      entries.set(key ?? null, value ?? null);
    }
    return { kind: "dict", entries };
  },
  "torch._utils._rebuild_tensor": rebuildTensor,
  "torch._utils._rebuild_tensor_v2": rebuildTensor,
  "torch._utils._rebuild_tensor_v3": rebuildTensor,
  "torch._utils._rebuild_parameter": (args, where) => rebuildParameter(args, where),
  "torch._utils._rebuild_parameter_with_state": (args, where) => rebuildParameter(args, where),
  "torch.Size": (args) => ({ kind: "tuple", items: sequence(args[0]) ?? [] }),
  "torch.device": () => null,
  "_codecs.encode": (args, where) => {
    // How protocol 2 spells bytes: a text whose code points are the bytes.
    const [text, encoding] = args;
    if (typeof text !== "string" || text.length > 64 || encoding !== "latin1") {
      throw new FormatError(`${where}: _codecs.encode of something other than a few latin1 bytes.`);
    }
    return Uint8Array.from(text, (character) => character.charCodeAt(0));
  },
  "numpy.dtype": (args, where) => {
    if (typeof args[0] !== "string") throw new FormatError(`${where}: numpy.dtype without a name.`);
    return { kind: "numpyType", code: args[0] };
  },
  "numpy.core.multiarray.scalar": numpyScalar,
  "numpy._core.multiarray.scalar": numpyScalar,
};

/** Whether a checkpoint may name this class or function at all. */
export function isKnownGlobal(name: string): boolean {
  return (
    Object.hasOwn(rebuilders, name) ||
    elementTypeOfStorage(name) !== undefined ||
    elementTypeOfDtype(name) !== undefined ||
    isUntypedStorage(name)
  );
}

/** The value that a known global makes of these arguments. */
export function rebuild(name: string, args: readonly PickleValue[], where: string): PickleValue {
  const build = ownValue(rebuilders, name);
  if (build === undefined) {
    throw new FormatError(`${where}: "${name}" is called, which only names a type.`);
  }
  return build(args, where);
}

/** What a persistent id stands for: `("storage", type, key, device, length)`. */
export function persistentStorage(id: PickleValue, where: string): PickleStorage {
  const [word, type, key, , length, view] = isKind(id, "tuple") ? id.items : [];
  if (
    word !== "storage" ||
    !isKind(type, "global") ||
    typeof key !== "string" ||
    typeof length !== "number" ||
    !Number.isSafeInteger(length) ||
    length < 0
  ) {
    throw new FormatError(
      `${where}: a persistent id that is no storage; expected ("storage", type, key, device, length).`,
    );
  }
  if (isKind(view, "tuple")) {
    throw new UnsupportedError(
      `${where}: storage "${key}" is a view of another one, as PyTorch 0.3 wrote; load and save it once with a later version.`,
    );
  }
  const elementType = elementTypeOfStorage(type.name);
  if (elementType === undefined && !isUntypedStorage(type.name)) {
    throw new FormatError(`${where}: "${type.name}" is no type of a storage.`);
  }
  return { kind: "storage", key, elementType, length };
}

function elementTypeOfStorage(name: string): ElementType | undefined {
  const match = /^torch\.(?:cuda\.)?(\w+Storage)$/.exec(name);
  const type = match?.[1] ?? "";
  return ownValue(storageTypes, type);
}

function elementTypeOfDtype(name: string): ElementType | undefined {
  const type = name.startsWith("torch.") ? name.slice(6) : "";
  return ownValue(dtypes, type);
}

function isUntypedStorage(name: string): boolean {
  return name === "torch.storage.UntypedStorage" || name === "torch.storage._UntypedStorage";
}

/** `(storage, offset, size, stride, requires_grad, hooks[, dtype])`; what follows strides is ignored. */
function rebuildTensor(args: readonly PickleValue[], where: string): PickleTensor {
  const [storage, offset, size, stride] = args;
  const shape = wholeNumbers(size);
  const strides = wholeNumbers(stride);
  if (!isKind(storage, "storage") || shape === undefined || strides === undefined) {
    throw new FormatError(`${where}: a tensor without storage, sizes or strides.`);
  }
  if (typeof offset !== "number" || !Number.isSafeInteger(offset) || offset < 0) {
    throw new FormatError(`${where}: a tensor that begins at element ${String(offset)}.`);
  }
  if (shape.length !== strides.length) {
    throw new FormatError(
      `${where}: a tensor of ${shape.length} sizes and ${strides.length} strides; expected as many.`,
    );
  }
  const dtype = args[6];
  const elementType = isKind(dtype, "global")
    ? elementTypeOfDtype(dtype.name)
    : storage.elementType;
  if (elementType === undefined) {
    throw new FormatError(
      `${where}: a tensor of storage "${storage.key}" without an element type.`,
    );
  }
  return { kind: "tensor", storage, elementType, offset, shape, strides };
}

function rebuildParameter(args: readonly PickleValue[], where: string): PickleValue {
  if (!isKind(args[0], "tensor")) throw new FormatError(`${where}: a parameter without a tensor.`);
  return args[0];
}

/** A single NumPy number, `(dtype, bytes)`. */
function numpyScalar(args: readonly PickleValue[], where: string): PickleValue {
  const [type, bytes] = args;
  if (!isKind(type, "numpyType") || !(bytes instanceof Uint8Array)) {
    throw new FormatError(`${where}: a NumPy number without type or bytes.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const code = `${type.code}:${bytes.length}`;
  switch (code) {
    case "f8:8":
      return view.getFloat64(0, true);
    case "f4:4":
      return view.getFloat32(0, true);
    case "i8:8":
      return Number(view.getBigInt64(0, true));
    case "i4:4":
      return view.getInt32(0, true);
    case "b1:1":
      return view.getUint8(0) !== 0;
    default:
      throw new UnsupportedError(`${where}: a NumPy number of type "${type.code}".`);
  }
}

function sequence(value: PickleValue | undefined): readonly PickleValue[] | undefined {
  return isKind(value, "tuple") || isKind(value, "list") ? value.items : undefined;
}

function wholeNumbers(value: PickleValue | undefined): number[] | undefined {
  const items = sequence(value);
  const whole = items?.every((item) => Number.isSafeInteger(item) && (item as number) >= 0);
  return whole ? (items as number[]) : undefined;
}
