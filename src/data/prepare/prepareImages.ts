import { DataError } from "../../core/errors.ts";
import type { Pixels } from "../decode/pixels.ts";
import { type DataItem, type DataSet, selectItems } from "../manifest.ts";
import type { ImageFacts } from "./facts.ts";
import { type Geometry, toStored } from "./geometry.ts";
import type { Preparer } from "./preparer.ts";

/** A file that could not be used, and why. */
export interface BadFile {
  readonly file: string;
  readonly label: string;
  /** `FormatError`, `UnsupportedError` or `DataError`. */
  readonly kind: string;
  readonly message: string;
}

export interface PrepareOptions {
  readonly preparer: Preparer;
  /** What happens at the first file that cannot be used. Default `skip`: it is listed in `bad`. */
  readonly onBad?: "skip" | "stop";
  /** Images above this much memory are read back from the cache when needed. Default 1 GiB. */
  readonly memoryLimitBytes?: number;
  /** Facts about records of packs, too (files always have theirs). Default false: they cost time. */
  readonly measureRecords?: boolean;
  onProgress?(done: number, total: number, bad: number): void;
  readonly signal?: AbortSignal;
}

/** A data set whose every image has been looked at once: what is in it can be had, upright and small. */
export interface PreparedSet {
  /** The usable items, in the order of the set they came from. */
  readonly set: DataSet;
  readonly geometry: Geometry;
  /** Facts about each item; undefined for unmeasured records. */
  readonly facts: readonly (ImageFacts | undefined)[];
  readonly bad: readonly BadFile[];
  /** The stored form of item `index`; a promise only where it is not in memory. */
  pixels(index: number): Pixels | Promise<Pixels>;
}

const defaultMemoryLimit = 2 ** 30;

/**
 * Prepares every image of a set, as many at once as the preparer likes. This is the one pass in which
 * bad files are found, so that afterwards every batch is a pure function of seed, epoch and step.
 *
 * @throws DataError when no image is usable, or at the first bad one with `onBad: "stop"`.
 */
export async function prepareImages(set: DataSet, options: PrepareOptions): Promise<PreparedSet> {
  const { preparer, onBad = "skip", measureRecords = false, signal } = options;
  const { geometry } = preparer.settings;
  const { items } = set;
  const total = items.length;
  const kept = new Array<Pixels | undefined>(total);
  const facts = new Array<ImageFacts | undefined>(total);
  const errors = new Array<Error | undefined>(total);
  let memoryLeft = options.memoryLimitBytes ?? defaultMemoryLimit;
  let done = 0;
  let badCount = 0;
  let next = 0;

  async function look(index: number): Promise<void> {
    const item = items[index]!;
    if (item.source.kind === "pixels" && !measureRecords) {
      keep(index, toStored(item.source.pixels(), geometry));
      return;
    }
    try {
      const image = await preparer.prepare(item);
      facts[index] = image.facts;
      keep(index, image.pixels);
    } catch (error) {
      if (onBad === "stop" || !isAboutFile(error)) {
        next = total;
        throw error;
      }
      errors[index] = error;
      badCount++;
    }
  }

  function keep(index: number, pixels: Pixels): void {
    if (pixels.data.length > memoryLeft) return;
    memoryLeft -= pixels.data.length;
    kept[index] = pixels;
  }

  async function lane(): Promise<void> {
    while (next < total) {
      signal?.throwIfAborted();
      await look(next++);
      options.onProgress?.(++done, total, badCount);
    }
  }

  await Promise.all(Array.from({ length: Math.max(1, preparer.concurrency) }, lane));

  const good = items.flatMap((_, index) => (errors[index] === undefined ? [index] : []));
  const bad = items.flatMap((item, index) => describeBad(set, item, errors[index]));
  if (good.length === 0) {
    throw new DataError(
      `data "${set.name}": none of its ${total} images can be used; the first: ${bad[0]!.message}`,
    );
  }
  return {
    set: selectItems(set, good),
    geometry,
    facts: good.map((index) => facts[index]),
    bad,
    pixels(index) {
      const original = good[index]!;
      return kept[original] ?? reload(items[original]!, preparer);
    },
  };
}

function isAboutFile(error: unknown): error is Error {
  return (
    error instanceof Error && ["DataError", "FormatError", "UnsupportedError"].includes(error.name)
  );
}

function describeBad(set: DataSet, item: DataItem, error: Error | undefined): BadFile[] {
  if (error === undefined) return [];
  const { name, message } = error;
  return [{ file: item.id, label: set.classes[item.label]!, kind: name, message }];
}

async function reload(item: DataItem, preparer: Preparer): Promise<Pixels> {
  if (item.source.kind === "pixels")
    return toStored(item.source.pixels(), preparer.settings.geometry);
  return (await preparer.prepare(item)).pixels;
}
