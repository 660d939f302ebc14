import { DataError } from "../core/errors.ts";
import { imageExtensions } from "./decode/format.ts";
import { extensionOf, type FileEntry, type FileTree } from "./fileTree.ts";
import { createDataSet, type DataSet, type NamedItem, type SplitName } from "./manifest.ts";

const splitFolders: Readonly<Record<string, SplitName>> = {
  train: "train",
  training: "train",
  val: "val",
  valid: "val",
  validation: "val",
  test: "test",
  testing: "test",
};

/** Whether the file's name says that it is an image. */
export function isImageFile(path: string): boolean {
  return imageExtensions.includes(extensionOf(path));
}

/**
 * Opens a folder of class folders (`root/<class>/**`), or of `train`, `val` and `test` folders that
 * each hold class folders. The name of the class folder is the label; folders inside it belong to it.
 * A single folder that wraps everything, as archives make it, is stepped into.
 *
 * Files whose names are no image names are left out and listed in `ignored`.
 *
 * @throws DataError when there is no image in any class folder.
 */
export function openFolder(tree: FileTree): DataSet {
  const prefix = wrapperOf(tree.files);
  const relative = (file: FileEntry): string => file.path.slice(prefix.length);
  const topFolders = new Set(
    tree.files
      .filter((file) => relative(file).includes("/"))
      .map((file) => relative(file).split("/")[0]!),
  );
  const hasSplits =
    topFolders.size > 0 &&
    [...topFolders].every((name) => splitOf(name) !== undefined) &&
    [...topFolders].some((name) => splitOf(name) === "train");
  const depth = hasSplits ? 2 : 1;
  const items: NamedItem[] = [];
  const ignored: { file: string; reason: string }[] = [];
  for (const file of tree.files) {
    const parts = relative(file).split("/");
    if (!isImageFile(file.path)) {
      ignored.push({ file: file.path, reason: "its name is not an image's" });
    } else if (parts.length <= depth) {
      ignored.push({ file: file.path, reason: "it is in no class folder" });
    } else {
      const split = hasSplits ? splitOf(parts[0]!) : undefined;
      items.push({
        id: file.path,
        label: parts[depth - 1]!,
        source: sourceOf(file),
        ...(split === undefined ? {} : { split }),
      });
    }
  }
  if (items.length === 0) throw new DataError(noImages(tree, ignored));
  return createDataSet({
    name: tree.name,
    format: "folder",
    items,
    ignored,
    ...(tree.root === undefined ? {} : { root: tree.root }),
  });
}

/** The item source of a file. */
export function sourceOf(file: FileEntry): NamedItem["source"] {
  return {
    kind: "file",
    sizeBytes: file.sizeBytes,
    read: () => file.read(),
    ...(file.location === undefined ? {} : { path: file.location }),
  };
}

function splitOf(folder: string): SplitName | undefined {
  const key = folder.toLowerCase();
  return Object.hasOwn(splitFolders, key) ? splitFolders[key] : undefined;
}

// `photos/photos/<class>/…`: step in while one folder holds everything and its folders hold images.
function wrapperOf(files: readonly FileEntry[]): string {
  const images = files.filter((file) => isImageFile(file.path));
  let prefix = "";
  for (;;) {
    const rests = images.map((file) => file.path.slice(prefix.length).split("/"));
    const first = rests[0]?.[0];
    if (first === undefined || rests.some((parts) => parts[0] !== first || parts.length < 3)) {
      return prefix;
    }
    prefix += `${first}/`;
  }
}

function noImages(tree: FileTree, ignored: readonly { reason: string }[]): string {
  const where = `data "${tree.root ?? tree.name}"`;
  if (tree.files.length === 0) {
    return `${where}: the folder is empty; expected one folder per class with its images in it, as ${tree.name}/cats/1.jpg.`;
  }
  const loose = ignored.filter((entry) => entry.reason.includes("class folder")).length;
  return loose > 0
    ? `${where}: ${loose} images, none of them in a class folder; move the images of each class into a folder of its name, or add a manifest.csv with the columns file,label.`
    : `${where}: ${tree.files.length} files, none of them an image (${imageExtensions.slice(0, 9).join(", ")}).`;
}
