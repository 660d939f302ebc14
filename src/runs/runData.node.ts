import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { DataError } from "../core/errors.ts";
import { type Batches, createBatches } from "../data/batches/batches.ts";
import { checkTrainable, countClasses, type DataSet } from "../data/manifest.ts";
import { openData } from "../data/openData.node.ts";
import type { PreparedSet } from "../data/prepare/prepareImages.ts";
import { findGroups, type Groups } from "../data/split/groups.ts";
import { type Split, splitData } from "../data/split/splitData.ts";
import { parseSplit } from "../data/split/splitFile.ts";
import type { Plan } from "./plan.ts";
import { prepareData } from "./prepareData.node.ts";
import type { RunListener } from "./runEvent.ts";
import type { TrainOptions } from "./trainOptions.ts";

/** The images of a run, ready, with who is for what. */
export interface RunData {
  readonly prepared: PreparedSet;
  readonly groups: Groups;
  readonly split: Split;
}

export interface RunDataOptions {
  readonly onBad: "skip" | "stop";
  readonly threads?: number | undefined;
  readonly listener: RunListener;
  readonly signal?: AbortSignal | undefined;
}

/** Opens a data set that something is to be trained on. */
export async function openTrainingData(path: string): Promise<DataSet> {
  const set = await openData(path);
  checkTrainable(set);
  return set;
}

/** Decodes the images and splits them, or takes the split of an earlier run. */
export async function loadRunData(
  set: DataSet,
  geometry: Plan["geometry"],
  split:
    | { readonly file: string }
    | (Pick<TrainOptions, "val" | "test"> & { readonly seed: number }),
  options: RunDataOptions,
): Promise<RunData> {
  const { listener, onBad, threads, signal } = options;
  const prepared = await prepareData(set, geometry, {
    onBad,
    threads,
    onProgress: (done, total) => listener({ type: "progress", phase: "decode", done, total }),
    ...(signal === undefined ? {} : { signal }),
  });
  checkTrainable(prepared.set);
  const groups = findGroups(prepared.set, prepared.facts);
  const parts =
    "file" in split
      ? parseSplit(await readFile(split.file, "utf8"), prepared.set, split.file)
      : splitData(prepared.set, groups, {
          seed: split.seed,
          ...(split.val === undefined ? {} : { val: split.val }),
          ...(split.test === undefined ? {} : { test: split.test }),
        });
  checkParts(prepared.set, parts);
  listener({
    type: "data",
    name: set.name,
    classes: set.classes,
    train: parts.train.length,
    val: parts.val.length,
    test: parts.test.length,
    bad: prepared.bad,
    notes: parts.notes,
  });
  return { prepared, groups, split: parts };
}

/** SHA-256 of the names and labels of all images: changes when an image comes, goes or is moved. */
export function fingerprint(set: DataSet): string {
  const hash = createHash("sha256").update(JSON.stringify(set.classes));
  for (const { id, label } of set.items) hash.update(`${id}\0${label}\n`);
  return hash.digest("hex");
}

/** Batches of a part of the data for validation: as they are, in order. */
export function evaluationBatches(
  prepared: PreparedSet,
  indices: readonly number[],
  batchSize: number,
): Batches {
  return createBatches(prepared, { indices, batchSize, phase: "eval", seed: 0 });
}

/** Where the data of a run lies now, relative to where it was read from. */
export function dataPath(path: string): string {
  return resolve(path);
}

function checkParts(set: DataSet, { train, val }: Split): void {
  const where = `data "${set.name}"`;
  if (train.length === 0) throw new DataError(`${where}: no image is left to train on.`);
  if (val.length === 0) {
    throw new DataError(
      `${where}: no image is left to validate on; every class is one group, or --val is too small for ${set.items.length} images.`,
    );
  }
  const trained = countClasses(set, train).filter((count) => count > 0).length;
  if (trained < 2) {
    throw new DataError(
      `${where}: the training part has images of ${trained} class; at least 2 are needed.`,
    );
  }
}
