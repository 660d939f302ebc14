import { join } from "node:path";
import { writeFileAtomic } from "./atomicWrite.node.ts";
import { checkRelativePath } from "./fileFolder.ts";

/** Writes files below a folder, each whole or not at all, in the order given; see {@link writeFileAtomic}. */
export async function writeFiles(
  folder: string,
  files: ReadonlyMap<string, Uint8Array | string>,
): Promise<string[]> {
  const paths: string[] = [];
  for (const [name, content] of files) {
    const path = join(folder, checkRelativePath(name, folder));
    await writeFileAtomic(path, content);
    paths.push(path);
  }
  return paths;
}
