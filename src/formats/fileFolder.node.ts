import { realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { FormatError } from "../core/errors.ts";
import { checkRelativePath, type FileFolder } from "./fileFolder.ts";
import { openFile } from "./fileSource.node.ts";

/** A folder on disk. Neither a path nor a symbolic link can lead out of it. */
export function diskFolder(folder: string): FileFolder {
  return {
    name: folder,
    async open(path) {
      const inside = checkRelativePath(path, folder);
      const root = await realpath(folder);
      const file = await realpath(join(root, inside)).catch((error: NodeJS.ErrnoException) => {
        throw new FormatError(`${folder}: cannot open "${path}" (${error.code}).`, {
          cause: error,
        });
      });
      if (!file.startsWith(root.endsWith(sep) ? root : root + sep)) {
        throw new FormatError(`${folder}: "${path}" is a link that leads out of the folder.`);
      }
      return openFile(file, join(folder, inside));
    },
  };
}
