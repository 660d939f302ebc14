import type { Dirent } from "node:fs";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { DataError } from "../core/errors.ts";
import { createFileTree, type FileEntry, type FileTree } from "./fileTree.ts";

/**
 * Lists a folder with everything in it. Links are followed, each folder once.
 *
 * @throws DataError when the folder is not there or cannot be read.
 */
export async function readFolder(path: string): Promise<FileTree> {
  const root = resolve(path);
  const files: FileEntry[] = [];
  const visited = new Set<string>();

  async function visit(folder: string, prefix: string): Promise<void> {
    const real = await realpath(folder);
    if (visited.has(real)) return;
    visited.add(real);
    const entries = await readdir(folder, { withFileTypes: true });
    for (const entry of entries) await visitEntry(entry, folder, prefix);
  }

  async function visitEntry(entry: Dirent, folder: string, prefix: string): Promise<void> {
    const location = join(folder, entry.name);
    const relative = prefix + entry.name;
    // A link whose target is gone, or a file that went in between, is not part of the folder.
    const info = await stat(location).catch(() => undefined);
    if (info?.isDirectory()) await visit(location, `${relative}/`);
    else if (info?.isFile()) {
      files.push({
        path: relative,
        sizeBytes: info.size,
        location,
        read: () => readEntry(location),
      });
    }
  }

  try {
    await visit(root, "");
  } catch (error) {
    throw new DataError(`data "${path}": ${describe(error as NodeJS.ErrnoException)}.`);
  }
  return createFileTree(basename(root), files, root);
}

/** A single file as an entry of its own folder. */
export async function readEntry(location: string): Promise<Uint8Array> {
  try {
    const { buffer, byteOffset, byteLength } = await readFile(location);
    return new Uint8Array(buffer, byteOffset, byteLength);
  } catch (error) {
    throw new DataError(`${location}: ${describe(error as NodeJS.ErrnoException)}.`);
  }
}

function describe(error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT") return "there is no such file or folder";
  if (error.code === "ENOTDIR") return "this is a file, a folder was expected";
  if (error.code === "EACCES" || error.code === "EPERM") {
    return "it may not be read by this user; change its permissions";
  }
  return `it cannot be read (${error.code ?? error.message})`;
}
