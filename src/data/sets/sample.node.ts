import { mkdir, mkdtemp, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DataError } from "../../core/errors.ts";
import { type SampleOptions, sampleFiles } from "./sample.ts";

/**
 * Writes the sample as a folder of class folders with PNG files. The folder appears when it is whole.
 *
 * @returns how many images were written.
 * @throws DataError when the folder is there already.
 */
export async function writeSample(folder: string, options: SampleOptions = {}): Promise<number> {
  if ((await stat(folder).catch(() => undefined)) !== undefined) {
    throw new DataError(`sample: "${folder}" is there already; name another folder or remove it.`);
  }
  await mkdir(dirname(folder), { recursive: true });
  const temporary = await mkdtemp(join(dirname(folder), ".sample-"));
  try {
    let count = 0;
    for (const { path, bytes } of sampleFiles(options)) {
      await mkdir(dirname(join(temporary, path)), { recursive: true });
      await writeFile(join(temporary, path), bytes);
      count++;
    }
    await rename(temporary, folder);
    return count;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}
