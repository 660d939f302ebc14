import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { DataSet } from "../data/manifest.ts";
import type { Split } from "../data/split/splitData.ts";
import { parseSplit } from "../data/split/splitFile.ts";
import { fingerprint } from "./runData.node.ts";
import { readRunConfig, runFiles } from "./runFolder.node.ts";

/**
 * Which images of `set` the model at `path` was trained and validated on: the split of its run, if `path` is a run or
 * its model folder and the set is the one that the run was trained on (the same names and labels).
 */
export async function splitOfRun(path: string, set: DataSet): Promise<Split | undefined> {
  for (const folder of [resolve(path), dirname(resolve(path))]) {
    const config = await readRunConfig(folder).catch(() => undefined);
    if (config === undefined || config.data.fingerprint !== fingerprint(set)) continue;
    const file = join(folder, runFiles.split);
    return parseSplit(await readFile(file, "utf8"), set, file);
  }
  return undefined;
}
