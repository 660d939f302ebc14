import { DataError } from "../core/errors.ts";
import { findCifarBatches, openCifar } from "./cifar.ts";
import { extensionOf, type FileTree } from "./fileTree.ts";
import { findIdxImages, openIdx } from "./idx.ts";
import { isImageFile, openFolder } from "./imageFolder.ts";
import { createDataSet, type DataSet, type SplitName } from "./manifest.ts";
import { openNpz } from "./npz.ts";
import { isTable, openTable } from "./table.ts";

const listNames = [
  "manifest.jsonl",
  "manifest.csv",
  "labels.jsonl",
  "labels.csv",
  "data.jsonl",
  "data.csv",
];

/**
 * Opens the data in a tree of files, whatever of the known kinds it is. `file` names one file to open
 * (a list or an `.npz`); without it the first of these that is there is taken: IDX files, CIFAR
 * batches, a list by a usual name (`manifest.csv`, `labels.jsonl`, …), the lists `train.csv` and
 * `val.csv` or `test.csv`, class folders, the only list or the only `.npz`.
 *
 * @throws DataError when nothing usable is there, saying what was expected.
 */
export async function openFiles(tree: FileTree, file?: string): Promise<DataSet> {
  if (file !== undefined) return openOne(tree, file);
  if (findIdxImages(tree).length > 0) return openIdx(tree);
  if (findCifarBatches(tree).length > 0) return openCifar(tree);
  for (const name of listNames) if (await isTable(tree, name)) return openTable(tree, name);
  const parts = await openPartLists(tree);
  if (parts !== undefined) return parts;
  if (tree.files.some((entry) => isImageFile(entry.path) && entry.path.includes("/"))) {
    const lists = await topLevelTables(tree);
    // Images in folders beside one list: the list knows better what they show.
    return lists.length === 1 ? openTable(tree, lists[0]!) : openFolder(tree);
  }
  const lists = await topLevelTables(tree);
  if (lists.length === 1) return openTable(tree, lists[0]!);
  if (lists.length > 1) {
    throw new DataError(
      `data "${tree.name}": ${lists.length} lists (${lists.join(", ")}); name the one to open.`,
    );
  }
  const packs = tree.files.filter((entry) => extensionOf(entry.path) === "npz");
  if (packs.length === 1) return openNpz(tree, packs[0]!.path);
  return openFolder(tree);
}

async function openOne(tree: FileTree, file: string): Promise<DataSet> {
  const extension = extensionOf(file);
  if (extension === "csv" || extension === "jsonl") return openTable(tree, file);
  if (extension === "npz") return openNpz(tree, file);
  throw new DataError(
    `data "${file}": a file ending in ".${extension}"; expected a .csv or .jsonl list, an .npz file, or a folder.`,
  );
}

async function topLevelTables(tree: FileTree): Promise<string[]> {
  const lists: string[] = [];
  for (const { path } of tree.files) {
    if (!path.includes("/") && (await isTable(tree, path))) lists.push(path);
  }
  return lists;
}

// One list per part: the file's name is the part.
async function openPartLists(tree: FileTree): Promise<DataSet | undefined> {
  for (const extension of ["csv", "jsonl"]) {
    const parts: [SplitName, DataSet][] = [];
    for (const split of ["train", "val", "test"] as const) {
      const path = `${split}.${extension}`;
      if (await isTable(tree, path)) parts.push([split, await openTable(tree, path)]);
    }
    if (parts.length >= 2 && parts[0]![0] === "train") {
      return createDataSet({
        name: tree.name,
        format: extension as "csv" | "jsonl",
        items: parts.flatMap(([split, set]) =>
          set.items.map((item) => ({ ...item, label: set.classes[item.label]!, split })),
        ),
        ...(tree.root === undefined ? {} : { root: tree.root }),
      });
    }
  }
  return undefined;
}
