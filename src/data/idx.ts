import { DataError, FormatError } from "../core/errors.ts";
import type { FileEntry, FileTree } from "./fileTree.ts";
import { gunzipIfNeeded } from "./gzip.ts";
import { createDataSet, type DataSet, type NamedItem } from "./manifest.ts";
import { compareNatural } from "./naturalOrder.ts";
import { itemsOf, splitFromName } from "./records.ts";

/** An array of an IDX file: bytes, outermost axis first. */
export interface IdxArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/**
 * Reads the IDX format of MNIST (bytes only, gzipped or not): `00 00 08 rank`, the sizes as
 * big-endian 32-bit numbers, the data.
 *
 * Source: LeCun, Cortes and Burges, "The MNIST database", section "The IDX file format".
 *
 * @throws FormatError when the header or the length is not that.
 */
export function readIdx(bytes: Uint8Array, where: string): IdxArray {
  const content = gunzipIfNeeded(bytes, where);
  const [zero, alsoZero, type, rank = 0] = content;
  if (
    zero !== 0 ||
    alsoZero !== 0 ||
    type !== 8 ||
    rank < 1 ||
    rank > 4 ||
    content.length < 4 + 4 * rank
  ) {
    const start = [...content.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0"));
    throw new FormatError(
      `${where}: begins with ${start.join(" ") || "nothing"}; an IDX file of bytes begins with 00 00 08 and its rank, 01 to 04.`,
    );
  }
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const expected = shape.reduce((product, size) => product * size, 1);
  const data = content.subarray(4 + 4 * rank);
  if (data.length !== expected) {
    throw new FormatError(
      `${where}: the header says ${shape.join("x")} = ${expected} bytes; ${data.length} are there. Get a complete copy.`,
    );
  }
  return { shape, data };
}

const imagesName = /images[-.]idx[34]-ubyte(\.gz)?$/;

/** The IDX files of images in a folder. */
export function findIdxImages(tree: FileTree): FileEntry[] {
  return tree.files.filter((file) => imagesName.test(file.path));
}

/**
 * Opens a folder of IDX files: each `…images-idx3-ubyte` with its `…labels-idx1-ubyte`. Names with
 * `train` are training, with `t10k` or `test` test data. Class names are the label numbers, or the
 * lines of a `classes.txt` beside the files.
 *
 * @throws DataError when labels are missing or of another number than the images.
 */
export async function openIdx(tree: FileTree): Promise<DataSet> {
  const names = await readClassNames(tree);
  const items: NamedItem[] = [];
  for (const file of findIdxImages(tree)) {
    const stem = file.path.replace(imagesName, "labels");
    const labelsFile = tree.files.find(
      (other) => other.path.replace(/[-.]idx1-ubyte(\.gz)?$/, "") === stem,
    );
    if (labelsFile === undefined) {
      throw new DataError(
        `data "${tree.name}": "${file.path}" has no labels beside it; expected ${stem}-idx1-ubyte or ${stem}-idx1-ubyte.gz.`,
      );
    }
    const images = readIdx(await file.read(), file.path);
    const labels = readIdx(await labelsFile.read(), labelsFile.path);
    const [count = 0, height = 0, width = 0, channels = 1] = images.shape;
    if (
      images.shape.length < 3 ||
      (channels !== 1 && channels !== 3) ||
      count * height * width === 0
    ) {
      throw new DataError(
        `${file.path}: shape ${images.shape.join("x")}; expected count x rows x columns, with 1 or 3 channels after them.`,
      );
    }
    if (labels.data.length !== count || labels.shape.length !== 1) {
      throw new DataError(
        `data "${tree.name}": "${file.path}" has ${count} images, "${labelsFile.path}" ${labels.data.length} labels.`,
      );
    }
    items.push(
      ...itemsOf({
        pack: file.path,
        count,
        width,
        height,
        channels,
        data: images.data,
        label: (index) => nameOf(labels.data[index]!, names, labelsFile.path),
        split: splitFromName(file.path),
      }),
    );
  }
  return createDataSet({
    name: tree.name,
    format: "idx",
    items,
    classes: names ?? [...new Set(items.map((item) => item.label))].sort(compareNatural),
    ...(tree.root === undefined ? {} : { root: tree.root }),
  });
}

function nameOf(label: number, names: readonly string[] | undefined, where: string): string {
  if (names === undefined) return String(label);
  const name = names[label];
  if (name === undefined) {
    throw new DataError(
      `${where}: label ${label}; classes.txt names ${names.length} classes, 0 to ${names.length - 1}.`,
    );
  }
  return name;
}

async function readClassNames(tree: FileTree): Promise<string[] | undefined> {
  const file = tree.files.find((entry) => entry.path === "classes.txt");
  return file === undefined ? undefined : readLines(await file.read());
}

/** The lines of a text file that are not empty. */
export function readLines(bytes: Uint8Array): string[] {
  return new TextDecoder()
    .decode(bytes)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
