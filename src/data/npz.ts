import { unzipSync } from "fflate";
import { DataError, FormatError, UnsupportedError } from "../core/errors.ts";
import type { FileTree } from "./fileTree.ts";
import { readLines } from "./idx.ts";
import { createDataSet, type DataSet, type NamedItem, type SplitName } from "./manifest.ts";
import { interleave, itemsOf } from "./records.ts";

/** A NumPy array as far as image data goes. */
interface NpyArray {
  readonly shape: readonly number[];
  readonly data:
    | Uint8Array
    | Int8Array
    | Uint16Array
    | Int16Array
    | Uint32Array
    | Int32Array
    | BigInt64Array
    | BigUint64Array
    | Float32Array
    | Float64Array;
}

const arrayTypes = {
  "|u1": Uint8Array,
  "|b1": Uint8Array,
  "|i1": Int8Array,
  "<u2": Uint16Array,
  "<i2": Int16Array,
  "<u4": Uint32Array,
  "<i4": Int32Array,
  "<u8": BigUint64Array,
  "<i8": BigInt64Array,
  "<f4": Float32Array,
  "<f8": Float64Array,
} as const;

/** Pairs of array names that data sets are published with: images, labels, part. */
const namings: readonly (readonly [
  images: RegExp,
  labels: string,
  split: SplitName | undefined,
])[] = [
  [/^(x_train|train_images|train_x|X_train)$/, "y_train train_labels train_y", "train"],
  [/^(x_val|val_images|val_x|X_val|x_valid)$/, "y_val val_labels val_y y_valid", "val"],
  [/^(x_test|test_images|test_x|X_test)$/, "y_test test_labels test_y", "test"],
  [/^(x|X|images|data)$/, "y Y labels label targets", undefined],
];

// Unpacked size of one archive; above it the arrays would not fit into memory beside training.
const maxUnpackedBytes = 4 * 2 ** 30;

/**
 * Opens an `.npz` file: arrays named `x_train`/`y_train` (and `x_val`, `x_test`), MedMNIST's
 * `train_images`/`train_labels`, or plain `x`/`y` or `images`/`labels`. Images are
 * N×H×W, N×H×W×C or N×C×H×W with C 1 or 3; bytes, or floating-point numbers in 0 … 1. An array
 * `classes` is not read; a `classes.txt` beside the file names the classes.
 *
 * @throws DataError when no such pair is in it or the two do not go together.
 */
export async function openNpz(tree: FileTree, path: string): Promise<DataSet> {
  const file = tree.files.find((entry) => entry.path === path);
  if (file === undefined) throw new DataError(`data "${tree.name}": there is no file "${path}".`);
  const arrays = unpack(await file.read(), path);
  const namesFile = tree.files.find((entry) => entry.path === "classes.txt");
  const names = namesFile === undefined ? undefined : readLines(await namesFile.read());
  const items: NamedItem[] = [];
  for (const [pattern, labelNames, split] of namings) {
    const imageName = Object.keys(arrays).find((name) => pattern.test(name));
    const labelName = labelNames.split(" ").find((name) => Object.hasOwn(arrays, name));
    if (imageName === undefined || labelName === undefined) continue;
    const images = readNpy(arrays[imageName]!, `${path}/${imageName}`);
    const labels = readLabels(
      readNpy(arrays[labelName]!, `${path}/${labelName}`),
      `${path}/${labelName}`,
    );
    const block = toImages(images, `${path}/${imageName}`);
    if (labels.length !== block.count) {
      throw new DataError(
        `${path}: "${imageName}" has ${block.count} images, "${labelName}" ${labels.length} labels.`,
      );
    }
    items.push(
      ...itemsOf({
        ...block,
        pack: `${path}/${imageName}`,
        label: (i) => names?.[labels[i]!] ?? String(labels[i]),
        split,
      }),
    );
  }
  if (items.length === 0) {
    throw new DataError(
      `${path}: holds the arrays ${Object.keys(arrays).join(", ") || "(none)"}; expected x_train and y_train (and x_test, y_test), or x and y.`,
    );
  }
  return createDataSet({
    name: tree.name,
    format: "npz",
    items,
    ...(names === undefined ? {} : { classes: names }),
    ...(tree.root === undefined ? {} : { root: tree.root }),
  });
}

function unpack(bytes: Uint8Array, path: string): Record<string, Uint8Array> {
  let total = 0;
  try {
    const files = unzipSync(bytes, {
      filter(file) {
        total += file.originalSize;
        if (total > maxUnpackedBytes) {
          throw new DataError(
            `${path}: unpacks to more than ${maxUnpackedBytes} bytes; split it up.`,
          );
        }
        return file.name.endsWith(".npy");
      },
    });
    return Object.fromEntries(
      Object.entries(files).map(([name, content]) => [name.slice(0, -4), content]),
    );
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new FormatError(`${path}: not a readable .npz (zip) file: ${(error as Error).message}.`);
  }
}

/**
 * Reads one array of NumPy's `.npy` format, versions 1 to 3.
 *
 * @throws UnsupportedError for Fortran order and element types other than plain little-endian numbers.
 */
function readNpy(bytes: Uint8Array, where: string): NpyArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
  if (bytes.length < 12 || magic.some((byte, i) => bytes[i] !== byte)) {
    throw new FormatError(`${where}: not a .npy array.`);
  }
  const longHeader = bytes[6]! >= 2;
  const headerBytes = longHeader ? view.getUint32(8, true) : view.getUint16(8, true);
  const start = (longHeader ? 12 : 10) + headerBytes;
  const header = new TextDecoder("latin1").decode(bytes.subarray(longHeader ? 12 : 10, start));
  const type = /'descr':\s*'([^']*)'/.exec(header)?.[1] ?? "";
  const shapeText = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  const Type = Object.hasOwn(arrayTypes, type)
    ? arrayTypes[type as keyof typeof arrayTypes]
    : undefined;
  if (Type === undefined || /'fortran_order':\s*True/.test(header) || shapeText === undefined) {
    throw new UnsupportedError(
      `${where}: header ${header.trim()}; plain numbers in C order are read, as ${Object.keys(arrayTypes).join(" ")}.`,
    );
  }
  const shape = shapeText
    .split(",")
    .filter((part) => part.trim() !== "")
    .map(Number);
  const count = shape.reduce((product, size) => product * size, 1);
  const needed = count * Type.BYTES_PER_ELEMENT;
  if (!Number.isSafeInteger(count) || bytes.length - start < needed) {
    throw new FormatError(
      `${where}: shape ${shape.join("x")} of ${type} needs ${needed} bytes; ${bytes.length - start} are there.`,
    );
  }
  // A copy, because the array may begin at any byte and the typed views want theirs aligned.
  const content = bytes.slice(start, start + needed);
  return { shape, data: new Type(content.buffer, content.byteOffset, count) };
}

function readLabels(array: NpyArray, where: string): number[] {
  const [count = 0, width = 1] = array.shape;
  if (array.shape.length > 2 || width !== 1) {
    throw new DataError(
      `${where}: shape ${array.shape.join("x")}; expected one label per image (N or Nx1).`,
    );
  }
  return Array.from({ length: count }, (_, i) => {
    const label = Number(array.data[i]);
    if (!Number.isInteger(label) || label < 0) {
      throw new DataError(`${where}: label ${label} at ${i}; expected whole numbers from 0.`);
    }
    return label;
  });
}

function toImages(
  array: NpyArray,
  where: string,
): { count: number; width: number; height: number; channels: 1 | 3; data: Uint8Array } {
  const shape = array.shape.length === 3 ? [...array.shape, 1] : array.shape;
  const [count = 0, second = 0, third = 0, fourth = 0] = shape;
  const isChannel = (size: number): size is 1 | 3 => size === 1 || size === 3;
  const data = toBytes(array.data, where);
  if (shape.length === 4 && count > 0 && isChannel(fourth)) {
    return { count, height: second, width: third, channels: fourth, data };
  }
  if (shape.length === 4 && count > 0 && isChannel(second)) {
    const planes = interleave(data, count, fourth, third, second);
    return { count, height: third, width: fourth, channels: second, data: planes };
  }
  throw new DataError(
    `${where}: shape ${array.shape.join("x")}; expected NxHxW, NxHxWxC or NxCxHxW with C 1 or 3.`,
  );
}

// Floating-point images are published in 0 … 1 or in 0 … 255; the largest value tells which.
function toBytes(data: NpyArray["data"], where: string): Uint8Array {
  if (data instanceof Uint8Array) return data;
  const isFloat = data instanceof Float32Array || data instanceof Float64Array;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < data.length; i++) {
    const value = Number(data[i]);
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (!(low >= 0 && high <= 255)) {
    throw new DataError(`${where}: values from ${low} to ${high}; expected 0 to 255, or 0 to 1.`);
  }
  const scale = isFloat && high <= 1 ? 255 : 1;
  return Uint8Array.from({ length: data.length }, (_, i) => Math.round(Number(data[i]) * scale));
}
