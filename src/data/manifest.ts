import { DataError } from "../core/errors.ts";
import type { Pixels } from "./decode/pixels.ts";
import { compareNatural } from "./naturalOrder.ts";

/** The part of the work an image may be used for. The test part is opened once, by `eval`. */
export const splitNames = ["train", "val", "test"] as const;
export type SplitName = (typeof splitNames)[number];

/** An image as it lies in a file: bytes that are read when they are needed. */
export interface EncodedSource {
  readonly kind: "file";
  /** Where a worker thread finds the file; absent where there is no file system. */
  readonly path?: string;
  readonly sizeBytes: number;
  read(): Promise<Uint8Array>;
}

/** An image that is pixels already: a record of an IDX, CIFAR or NumPy pack, or a drawn sample. */
export interface PixelSource {
  readonly kind: "pixels";
  pixels(): Pixels;
}

export type ImageSource = EncodedSource | PixelSource;

/** One labelled image. */
export interface DataItem {
  /** Unique in its set: the path relative to the set's root with `/`, or `pack#number`. */
  readonly id: string;
  /** Index into {@link DataSet.classes}. */
  readonly label: number;
  /** The part its owner put it in; absent where the split is still to be made. */
  readonly split?: SplitName;
  /** Images of one group (one person, one plant, one burst) never end up in two parts. */
  readonly group?: string;
  readonly source: ImageSource;
}

/** The description of a data set that every other part of the program works from. */
export interface DataSet {
  /** Name for people: the folder's or the file's. */
  readonly name: string;
  /** Where it was read from, if that is a place. */
  readonly root?: string;
  /** What it was recognised as. */
  readonly format: "folder" | "csv" | "jsonl" | "idx" | "cifar" | "npz" | "memory";
  /** Natural sort, fixed here once and never derived again. */
  readonly classes: readonly string[];
  readonly items: readonly DataItem[];
  /** Files that were seen and are no images, with the reason each was left out. */
  readonly ignored: readonly { readonly file: string; readonly reason: string }[];
}

/** An item before class names have become indices. */
export interface NamedItem {
  readonly id: string;
  readonly label: string;
  readonly split?: SplitName;
  readonly group?: string;
  readonly source: ImageSource;
}

export interface DataSetDescription {
  readonly name: string;
  readonly root?: string;
  readonly format: DataSet["format"];
  readonly items: readonly NamedItem[];
  /** Class order of a format that has one of its own; otherwise the labels found, in natural order. */
  readonly classes?: readonly string[];
  readonly ignored?: DataSet["ignored"];
}

/**
 * Builds a data set: class names become indices, identities are checked to be unique.
 *
 * @throws DataError without any image, or when two items share one id.
 */
export function createDataSet(description: DataSetDescription): DataSet {
  const { name, format, items, ignored = [] } = description;
  if (items.length === 0) {
    const seen = ignored.length === 0 ? "no files" : `${ignored.length} files, none of them usable`;
    throw new DataError(
      `data "${name}": ${seen}; expected images, as <class>/<image>.jpg or with a manifest.csv of file,label.`,
    );
  }
  const classes =
    description.classes ?? [...new Set(items.map((item) => item.label))].sort(compareNatural);
  const indexOf = new Map(classes.map((label, index) => [label, index]));
  const ids = new Set<string>();
  const indexed = items.map(({ id, label, split, group, source }): DataItem => {
    if (ids.has(id)) throw new DataError(`data "${name}": "${id}" is listed twice; list it once.`);
    ids.add(id);
    const index = indexOf.get(label);
    if (index === undefined) {
      throw new DataError(
        `data "${name}": "${id}" has label "${label}"; the ${classes.length} classes are ${classes.join(", ")}.`,
      );
    }
    return {
      id,
      label: index,
      source,
      ...(split === undefined ? {} : { split }),
      ...(group === undefined ? {} : { group }),
    };
  });
  return {
    name,
    format,
    classes,
    items: indexed,
    ignored,
    ...(description.root === undefined ? {} : { root: description.root }),
  };
}

/** Images of each class, in class order, among all items or those at `indices`. */
export function countClasses(set: DataSet, indices?: readonly number[]): number[] {
  const counts = new Array<number>(set.classes.length).fill(0);
  const count = (item: DataItem): void => {
    counts[item.label]!++;
  };
  if (indices === undefined) set.items.forEach(count);
  else for (const index of indices) count(set.items[index]!);
  return counts;
}

/** The same set with only the items at `indices`; classes and their order stay. */
export function selectItems(set: DataSet, indices: readonly number[]): DataSet {
  return { ...set, items: indices.map((index) => set.items[index]!) };
}

/**
 * Refuses a set that no classifier can be trained and validated on.
 *
 * @throws DataError for fewer than two images, fewer than two classes with images, or (where the
 *   split is still to be made) a class with a single image, which could not be in both parts.
 */
export function checkTrainable(set: DataSet): void {
  const where = `data "${set.name}"`;
  if (set.items.length < 2) {
    throw new DataError(
      `${where}: ${set.items.length} image; training and validation need at least 2 images of each of at least 2 classes.`,
    );
  }
  const counts = countClasses(set);
  const filled = set.classes.filter((_, label) => counts[label]! > 0);
  if (filled.length < 2) {
    throw new DataError(
      `${where}: 1 class ("${filled[0]}") with ${set.items.length} images; a classifier needs at least 2 classes: add a folder of images of something else.`,
    );
  }
  const splitGiven = set.items.some((item) => item.split !== undefined);
  const single = set.classes.filter((_, label) => counts[label] === 1);
  if (!splitGiven && single.length > 0) {
    throw new DataError(
      `${where}: class ${single.map((label) => `"${label}"`).join(", ")} has 1 image; at least 2 are needed, one to train and one to validate on: add images or remove the class.`,
    );
  }
}
