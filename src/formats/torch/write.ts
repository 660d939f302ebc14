import { FormatError } from "../../core/errors.ts";
import { elementCount, rowMajorStrides } from "../../core/shape.ts";
import { concatenate } from "../concatenate.ts";
import { type ElementType, encodeElements } from "../elementType.ts";
import {
  checkWritable,
  defaultElementType,
  type WritableTensor,
  type WritableTensors,
  writableEntries,
} from "../tensorFile.ts";
import { writeZip } from "../zip/write.ts";

/** Storage classes of PyTorch by element type; unsigned integers beyond a byte have none. */
const storageClasses: Readonly<Partial<Record<ElementType, string>>> = {
  float64: "DoubleStorage",
  float32: "FloatStorage",
  float16: "HalfStorage",
  bfloat16: "BFloat16Storage",
  int64: "LongStorage",
  int32: "IntStorage",
  int16: "ShortStorage",
  int8: "CharStorage",
  uint8: "ByteStorage",
  bool: "BoolStorage",
};

/**
 * A PyTorch state dict, as `torch.save(model.state_dict(), path)` would write it (zip format, read by
 * PyTorch 1.6 and later, with `weights_only=True` too). Equal tensors give equal bytes.
 *
 * @example
 * await writeFileAtomic("model.pth", writeTorch({ "fc.weight": { shape: [2, 3], data } }));
 */
export function writeTorch(tensors: WritableTensors): Uint8Array {
  const pickle = new PickleWriter();
  const files = new Map<string, Uint8Array>([["archive/data.pkl", new Uint8Array()]]);
  pickle.beginStateDict();
  let key = 0;
  for (const [name, tensor] of writableEntries(tensors)) {
    checkWritable(name, tensor);
    const elementType = defaultElementType(tensor);
    const storage = storageClasses[elementType];
    if (storage === undefined) {
      throw new FormatError(
        `tensor "${name}": PyTorch has no ${elementType}; choose int64 or a float type.`,
      );
    }
    pickle.tensor(name, tensor, storage, String(key));
    files.set(`archive/data/${key}`, encodeElements(tensor.data, elementType, `tensor "${name}"`));
    key++;
  }
  files.set("archive/data.pkl", pickle.finish());
  files.set("archive/version", new TextEncoder().encode("3\n"));
  return writeZip(files);
}

/** Writes the one pickle needed here, in protocol 2. */
class PickleWriter {
  readonly #chunks: Uint8Array[] = [Uint8Array.of(0x80, 2)];

  beginStateDict(): void {
    this.#global("collections", "OrderedDict");
    this.#code(")R(");
  }

  /** A key, and `_rebuild_tensor_v2(storage, 0, size, stride, False, OrderedDict())`. */
  tensor(name: string, tensor: WritableTensor, storage: string, key: string): void {
    this.#text(name);
    this.#global("torch._utils", "_rebuild_tensor_v2");
    this.#code("((");
    this.#text("storage");
    this.#global("torch", storage);
    this.#text(key);
    this.#text("cpu");
    this.#integer(elementCount(tensor.shape));
    this.#code("tQ");
    this.#integer(0);
    this.#tuple(tensor.shape);
    this.#tuple(rowMajorStrides(tensor.shape));
    this.#code("\x89");
    this.#global("collections", "OrderedDict");
    this.#code(")RtR");
  }

  finish(): Uint8Array {
    this.#code("u.");
    return concatenate(this.#chunks);
  }

  #code(codes: string): void {
    this.#chunks.push(Uint8Array.from(codes, (code) => code.charCodeAt(0)));
  }

  #global(module: string, name: string): void {
    this.#code(`c${module}\n${name}\n`);
  }

  #text(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.#code("X");
    this.#uint32(bytes.length);
    this.#chunks.push(bytes);
  }

  #tuple(values: readonly number[]): void {
    this.#code("(");
    for (const value of values) this.#integer(value);
    this.#code("t");
  }

  /** Sizes and strides are below 2³¹, because a tensor has fewer elements than that. */
  #integer(value: number): void {
    this.#code("J");
    this.#uint32(value);
  }

  #uint32(value: number): void {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value, true);
    this.#chunks.push(bytes);
  }
}
