import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { readFolder } from "./fileTree.node.ts";
import { openFolder } from "./imageFolder.ts";
import type { DataSet } from "./manifest.ts";
import { openFiles } from "./openFiles.ts";

/**
 * Opens the data set at a path: a folder of any known kind (see {@link openFiles}), or a list
 * (`.csv`, `.jsonl`) or `.npz` file.
 *
 * @throws DataError when it is not there, cannot be read, or holds no usable data.
 */
export async function openData(path: string): Promise<DataSet> {
  const info = await stat(path).catch(() => undefined);
  if (info?.isFile()) return openFiles(await readFolder(dirname(path)), basename(path));
  return openFiles(await readFolder(path));
}

/**
 * Opens a folder of class folders, whatever else lies in it.
 *
 * @throws DataError when there is no image in any class folder.
 */
export async function imageFolder(path: string): Promise<DataSet> {
  return openFolder(await readFolder(path));
}
