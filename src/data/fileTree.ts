import { DataError } from "../core/errors.ts";

/** One file of a {@link FileTree}. */
export interface FileEntry {
  /** Relative to the tree's root, with `/`. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Where it lies on this machine, so that worker threads can read it themselves. */
  readonly location?: string;
  read(): Promise<Uint8Array>;
}

/** A folder of files, on disk or dropped into a browser; everything that opens data works from it. */
export interface FileTree {
  readonly name: string;
  /** Where the folder is, if that is a place. */
  readonly root?: string;
  /** Sorted by path; hidden files and the operating systems' litter are left out. */
  readonly files: readonly FileEntry[];
}

/** A tree of files held in memory, by path. */
export function memoryFiles(name: string, files: Readonly<Record<string, Uint8Array>>): FileTree {
  return createFileTree(
    name,
    Object.entries(files).map(([path, bytes]) => ({
      path,
      sizeBytes: bytes.length,
      read: async () => bytes,
    })),
  );
}

/** What a browser's file input or a drop gives: `File`, whose folder path has a name of its own. */
export interface BrowserFile {
  readonly name: string;
  readonly webkitRelativePath?: string;
  readonly size: number;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** The folder a user chose or dropped; the common first folder becomes the tree's name. */
export function browserFiles(files: Iterable<BrowserFile>): FileTree {
  const list = [...files];
  const pathOf = (file: BrowserFile): string => file.webkitRelativePath || file.name;
  const first = list[0] === undefined ? "" : pathOf(list[0]).split("/")[0]!;
  const shared = list.every((file) => pathOf(file).startsWith(`${first}/`));
  return createFileTree(
    shared && first !== "" ? first : "files",
    list.map((file) => ({
      path: shared ? pathOf(file).slice(first.length + 1) : pathOf(file),
      sizeBytes: file.size,
      read: async () => new Uint8Array(await file.arrayBuffer()),
    })),
  );
}

/** Sorts the entries and leaves out what no owner of photos means to be one of them. */
export function createFileTree(name: string, files: readonly FileEntry[], root?: string): FileTree {
  return {
    name,
    files: files
      .filter((file) => !isLitter(file.path))
      .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)),
    ...(root === undefined ? {} : { root }),
  };
}

function isLitter(path: string): boolean {
  return path
    .split("/")
    .some(
      (part) =>
        part.startsWith(".") ||
        part === "__MACOSX" ||
        part === "Thumbs.db" ||
        part === "desktop.ini",
    );
}

/** The name's ending in lower case, without the dot. */
export function extensionOf(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const dot = name.lastIndexOf(".");
  return dot <= 0 ? "" : name.slice(dot + 1).toLowerCase();
}

/**
 * Makes a path that a manifest wrote comparable: `\` becomes `/`, `./` goes.
 *
 * @throws DataError when it is absolute or leaves the folder by `..`.
 */
export function normalizePath(path: string, where: string): string {
  const parts = path.replaceAll("\\", "/").split("/");
  const absolute = parts[0] === "" || /^[A-Za-z]:/.test(path) || path.includes("\0");
  const kept = parts.filter((part) => part !== "." && part !== "");
  if (absolute || kept.includes("..") || kept.length === 0) {
    throw new DataError(
      `${where}: path "${path}" leads out of its folder; give relative paths that stay inside it.`,
    );
  }
  return kept.join("/");
}
