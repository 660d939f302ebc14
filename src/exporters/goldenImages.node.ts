import { readFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { StriateError } from "../core/errors.ts";
import { selectItems } from "../data/manifest.ts";
import { openData } from "../data/openData.node.ts";
import { toInput } from "../data/prepare/geometry.ts";
import { parseSplit } from "../data/split/splitFile.ts";
import type { Model } from "../runs/model.ts";
import { evenChoice } from "../runs/pixelTable.ts";
import { prepareData } from "../runs/prepareData.node.ts";
import { hasRun, readRunConfig, runFiles } from "../runs/runFolder.node.ts";
import { type GoldenImages, syntheticImages } from "./golden.ts";

/**
 * Images to check an export with: validation images of the run that the model belongs to, evenly chosen, or synthetic ones
 * where there is no run, or its data cannot be read any more. `origin` says which, `note` why.
 *
 * @param path folder of the model or of its run
 */
export async function goldenImages(
  model: Model,
  path: string,
  count: number,
  signal?: AbortSignal,
): Promise<GoldenImages> {
  const run = await runOf(path);
  if (run === undefined) return syntheticImages(model, count);
  try {
    return await validationImages(model, run, count, signal);
  } catch (error) {
    const isGone = (error as NodeJS.ErrnoException).code === "ENOENT";
    if (!isGone && !(error instanceof StriateError)) throw error;
    const why = (error as Error).message.split("\n")[0];
    return {
      ...syntheticImages(model, count),
      note: `The run's own validation images cannot be used: ${why}`,
    };
  }
}

/** The run folder that a model belongs to: the folder itself, or the one above `model/`. */
async function runOf(path: string): Promise<string | undefined> {
  const folder = resolve(path);
  const candidates = [folder, ...(basename(folder) === runFiles.model ? [dirname(folder)] : [])];
  for (const candidate of candidates) {
    const isRun = await hasRun(candidate);
    // A model folder has a config.json, too, but no split.
    const split = await readFile(join(candidate, runFiles.split)).catch(() => undefined);
    if (isRun && split !== undefined) return candidate;
  }
  return undefined;
}

async function validationImages(
  model: Model,
  run: string,
  count: number,
  signal: AbortSignal | undefined,
): Promise<GoldenImages> {
  const config = await readRunConfig(run);
  const splitFile = join(run, runFiles.split);
  const set = await openData(config.data.path);
  const { val } = parseSplit(await readFile(splitFile, "utf8"), set, splitFile);
  const chosen = selectItems(set, evenChoice(val, count));
  const prepared = await prepareData(
    chosen,
    model.geometry,
    signal === undefined ? {} : { signal },
  );
  const found = prepared.set.items.length;
  const parts: Uint8Array[] = [];
  for (let i = 0; i < found; i++) {
    parts.push(toInput(await prepared.pixels(i), model.geometry).data);
  }
  const images = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let position = 0;
  for (const part of parts) {
    images.set(part, position);
    position += part.length;
  }
  return { images, count: found, origin: `validation images of "${config.data.name}"` };
}
