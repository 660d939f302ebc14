import { FormatError } from "../core/errors.ts";
import type { ByteSource } from "./byteSource.ts";

/** Files that belong together, by path relative to their folder: shards, external data, configs. */
export interface FileFolder {
  readonly name: string;
  /** Whether there is such a file. */
  has(path: string): Promise<boolean>;
  /** Opens a file, or rejects with a {@link FormatError} where there is none or it lies outside. */
  open(path: string): Promise<ByteSource>;
}

/** Files in memory (or dropped on a page) as a folder. */
export function memoryFolder(files: ReadonlyMap<string, ByteSource>, name = "folder"): FileFolder {
  return {
    name,
    has: async (path) => files.has(checkRelativePath(path, name)),
    async open(path) {
      const file = files.get(checkRelativePath(path, name));
      if (file === undefined) {
        throw new FormatError(
          `${name}: no file "${path}"; there are ${[...files.keys()].slice(0, 20).join(", ") || "none"}.`,
        );
      }
      return file;
    },
  };
}

/**
 * Returns a path that a file names, in a plain form (`a/b`), or throws a {@link FormatError} when it
 * could lead out of the folder: absolute, with a drive, a backslash, `..`, or a control character.
 */
export function checkRelativePath(path: string, where: string): string {
  const parts = path.split("/").filter((part) => part !== ".");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused.
  const unsafe = /[\\:\u0000-\u001f]/.test(path);
  if (path.length > 1024 || unsafe || parts.some((part) => part === "" || part === "..")) {
    throw new FormatError(
      `${where}: ${JSON.stringify(path.slice(0, 200))} is not a path inside the folder; expected one like "weights.bin", relative and without "..".`,
    );
  }
  return parts.join("/");
}
