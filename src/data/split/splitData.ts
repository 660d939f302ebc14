import { OptionError } from "../../core/errors.ts";
import { RandomStream } from "../../core/random.ts";
import type { DataSet, SplitName } from "../manifest.ts";
import { assignGroups } from "./assign.ts";
import type { Groups } from "./groups.ts";

export interface SplitOptions {
  /** Part of the images to validate on, in (0, 1). Default 0.2. */
  readonly val?: number;
  /** Part of the images that only `eval` opens, in [0, 1). Default 0. */
  readonly test?: number;
  readonly seed: number;
}

/** Which images are for what: indices into the set's items. */
export interface Split {
  readonly train: readonly number[];
  readonly val: readonly number[];
  readonly test: readonly number[];
  /** What the reader should know about it, in sentences. */
  readonly notes: readonly string[];
}

/**
 * Splits a set: stratified by class, no group cut. Parts that the data's owner made stay as they are;
 * only what is missing is made, out of their training part (a set with `train` and `test` folders gets
 * a validation part from `train`).
 *
 * @throws OptionError when the shares are out of range.
 */
export function splitData(set: DataSet, groups: Groups, options: SplitOptions): Split {
  const { val = 0.2, test = 0, seed } = options;
  if (!(val > 0 && val < 1 && test >= 0 && val + test < 1)) {
    throw new OptionError(
      `split: val ${val} and test ${test}; expected val in (0, 1), test in [0, 1) and both below 1 together.`,
    );
  }
  const given = (name: SplitName): number[] => indicesWhere(set, (split) => split === name);
  const owned = { val: given("val"), test: given("test") };
  const pool = indicesWhere(set, (split) => split === "train" || split === undefined);
  const shares = [
    1 - (owned.val.length > 0 ? 0 : val) - (owned.test.length > 0 ? 0 : test),
    owned.val.length > 0 ? 0 : val,
    owned.test.length > 0 ? 0 : test,
  ];
  const parts = deal(set, pool, groups, shares, new RandomStream(seed, "split"));
  const split = {
    train: parts[0]!,
    val: owned.val.length > 0 ? owned.val : parts[1]!,
    test: owned.test.length > 0 ? owned.test : parts[2]!,
  };
  return { ...split, notes: describe(set, split, groups, owned) };
}

/**
 * The split that a random draw would have made: stratified, but blind to groups. Only for showing how
 * much it would flatter.
 */
export function naiveSplit(set: DataSet, options: SplitOptions): Split {
  const alone: Groups = {
    of: Int32Array.from(set.items, (_, index) => index),
    count: set.items.length,
    links: { manifest: 0, copy: 0, burst: 0, "near-duplicate": 0 },
    cut: [],
  };
  return splitData(set, alone, options);
}

/** Those of `part` that have a member of their group in `train`: they were seen in training. */
export function leakedItems(
  train: readonly number[],
  part: readonly number[],
  groups: Groups,
): number[] {
  const seen = new Set(train.map((index) => groups.of[index]!));
  return part.filter((index) => seen.has(groups.of[index]!));
}

/**
 * Cuts what is not test data into `count` folds of equal class shares, no group cut.
 *
 * @returns the fold of each item, −1 for test items.
 * @throws OptionError when `count` is below 2 or above the number of groups.
 */
export function makeFolds(set: DataSet, groups: Groups, count: number, seed: number): Int32Array {
  const pool = indicesWhere(set, (split) => split !== "test");
  const available = new Set(pool.map((index) => groups.of[index]!)).size;
  if (!Number.isInteger(count) || count < 2 || count > available) {
    throw new OptionError(
      `folds: ${count}; expected an integer from 2 to ${available}, the number of groups.`,
    );
  }
  const shares = new Array<number>(count).fill(1 / count);
  const folds = new Int32Array(set.items.length).fill(-1);
  deal(set, pool, groups, shares, new RandomStream(seed, "folds")).forEach((part, fold) => {
    for (const index of part) folds[index] = fold;
  });
  return folds;
}

function indicesWhere(set: DataSet, accept: (split: SplitName | undefined) => boolean): number[] {
  return set.items.flatMap((item, index) => (accept(item.split) ? [index] : []));
}

function deal(
  set: DataSet,
  pool: readonly number[],
  groups: Groups,
  shares: readonly number[],
  random: RandomStream,
): number[][] {
  const labels = pool.map((index) => set.items[index]!.label);
  const own = pool.map((index) => groups.of[index]!);
  const parts = shares.map((): number[] => []);
  assignGroups(labels, own, shares, random).forEach((part, at) => {
    parts[part]!.push(pool[at]!);
  });
  return parts;
}

function describe(
  set: DataSet,
  split: Pick<Split, "train" | "val" | "test">,
  groups: Groups,
  owned: { readonly val: readonly number[]; readonly test: readonly number[] },
): string[] {
  const notes: string[] = [];
  const labelsIn = (part: readonly number[]): Set<number> =>
    new Set(part.map((index) => set.items[index]!.label));
  const [trained, validated] = [labelsIn(split.train), labelsIn(split.val)];
  const names = (missing: Set<number>): string[] =>
    set.classes.filter((_, label) => !missing.has(label)).map((name) => `"${name}"`);
  const unseen = names(trained);
  if (unseen.length > 0)
    notes.push(`No training images of ${unseen.join(", ")}: these classes cannot be learned.`);
  if (groups.cut.length > 0 && owned.val.length === 0) {
    const cut = groups.cut.map((label) => `"${set.classes[label]}"`).join(", ");
    notes.push(
      `All images of ${cut} look like one burst (seconds apart, or alike), which had to be cut to validate on some of them: the accuracy there flatters. Photos of other days and places would tell more.`,
    );
  }
  const unchecked = names(validated);
  if (unchecked.length > 0) {
    notes.push(
      `No validation images of ${unchecked.join(", ")}: their images are too few, or all of one group.`,
    );
  }
  for (const name of ["val", "test"] as const) {
    const leaked = owned[name].length > 0 ? leakedItems(split.train, owned[name], groups) : [];
    if (leaked.length > 0) {
      notes.push(
        `${leaked.length} of the ${owned[name].length} images in the given ${name} part have a copy, near-duplicate or burst neighbour in training; the split was left as it is.`,
      );
    }
  }
  return notes;
}
