import { realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { FormatError } from "../core/errors.ts";
import { checkRelativePath, type FileFolder } from "./fileFolder.ts";
import { openFile } from "./fileSource.node.ts";

/**
 * A folder on disk. No path can lead out of it, and no symbolic link either, unless the caller says
 * that its links are its own: the cache of the Hugging Face hub consists of such links.
 */
export function diskFolder(
  folder: string,
  options: { readonly followLinks?: boolean } = {},
): FileFolder {
  return {
    name: folder,
    async has(path) {
      const status = await stat(join(folder, checkRelativePath(path, folder))).catch(
        () => undefined,
      );
      return status?.isFile() === true;
    },
    async open(path) {
      const inside = checkRelativePath(path, folder);
      const root = await realpath(folder);
      const file = await realpath(join(root, inside)).catch((error: NodeJS.ErrnoException) => {
        throw new FormatError(`${folder}: cannot open "${path}" (${error.code}).`, {
          cause: error,
        });
      });
      if (
        options.followLinks !== true &&
        !file.startsWith(root.endsWith(sep) ? root : root + sep)
      ) {
        throw new FormatError(`${folder}: "${path}" is a link that leads out of the folder.`);
      }
      return openFile(file, join(folder, inside));
    },
  };
}
