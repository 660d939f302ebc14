import { DataError, FormatError } from "../core/errors.ts";
import type { FileEntry, FileTree } from "./fileTree.ts";
import { gunzipIfNeeded } from "./gzip.ts";
import { readLines } from "./idx.ts";
import { createDataSet, type DataSet, type NamedItem } from "./manifest.ts";
import { interleave, itemsOf, splitFromName } from "./records.ts";

const side = 32;
const imageBytes = 3 * side * side;

/** The binary batches in a folder: CIFAR-10's `data_batch_N.bin`, CIFAR-100's `train.bin`. */
export function findCifarBatches(tree: FileTree): FileEntry[] {
  return tree.files.filter((file) =>
    /(^|\/)((data|test)_batch(_\d+)?|train|test)\.bin(\.gz)?$/.test(file.path),
  );
}

/**
 * Opens a folder of CIFAR binary batches, gzipped or not. CIFAR-10 records are a label and 3,072
 * bytes of red, green and blue planes; CIFAR-100 records have a coarse label before the fine one, of
 * which the fine one is used. Class names come from `batches.meta.txt` or `fine_label_names.txt`, in
 * that file's order.
 *
 * Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009, and its web page.
 */
export async function openCifar(tree: FileTree): Promise<DataSet> {
  const findNames = (name: string): FileEntry | undefined =>
    tree.files.find((file) => file.path.endsWith(name));
  const fineNames = findNames("fine_label_names.txt");
  const namesFile = fineNames ?? findNames("batches.meta.txt");
  const names = namesFile === undefined ? undefined : readLines(await namesFile.read());
  const items: NamedItem[] = [];
  let largest = 0;
  for (const file of findCifarBatches(tree)) {
    const bytes = gunzipIfNeeded(await file.read(), file.path);
    const labelBytes = fineNames !== undefined || /(^|\/)(train|test)\.bin/.test(file.path) ? 2 : 1;
    const recordBytes = labelBytes + imageBytes;
    const count = bytes.length / recordBytes;
    if (!Number.isInteger(count) || count === 0) {
      throw new FormatError(
        `${file.path}: ${bytes.length} bytes; expected whole records of ${recordBytes} (${labelBytes} label, ${imageBytes} pixels). Get a complete copy.`,
      );
    }
    const planes = new Uint8Array(count * imageBytes);
    const labels = new Uint8Array(count);
    for (let i = 0; i < count; i++) {
      const record = i * recordBytes;
      labels[i] = bytes[record + labelBytes - 1]!;
      largest = Math.max(largest, labels[i]!);
      planes.set(bytes.subarray(record + labelBytes, record + recordBytes), i * imageBytes);
    }
    if (names !== undefined && largest >= names.length) {
      throw new DataError(
        `${file.path}: label ${largest}; ${namesFile!.path} names ${names.length} classes, 0 to ${names.length - 1}.`,
      );
    }
    items.push(
      ...itemsOf({
        pack: file.path,
        count,
        width: side,
        height: side,
        channels: 3,
        data: interleave(planes, count, side, side, 3),
        label: (index) => names?.[labels[index]!] ?? String(labels[index]),
        split: splitFromName(file.path),
      }),
    );
  }
  return createDataSet({
    name: tree.name,
    format: "cifar",
    items,
    classes: names ?? Array.from({ length: largest + 1 }, (_, label) => String(label)),
    ...(tree.root === undefined ? {} : { root: tree.root }),
  });
}
