import { countClasses, type DataSet } from "../manifest.ts";
import type { ImageFacts } from "../prepare/facts.ts";
import { createDisjointSets } from "./disjointSets.ts";
import { findNearDuplicates, type NearDuplicateOptions, trustedLinks } from "./nearDuplicates.ts";

/** Why two images belong together. */
export const groupReasons = ["manifest", "copy", "burst", "near-duplicate"] as const;
export type GroupReason = (typeof groupReasons)[number];

export interface GroupOptions extends NearDuplicateOptions {
  /** Photos of one camera taken at most this many seconds apart are one burst. Default 5; 0 is off. */
  readonly burstSeconds?: number;
  /** Whether near-duplicates are looked for. Default true. */
  readonly nearDuplicates?: boolean;
}

/** Which images belong together. */
export interface Groups {
  /** Group of each item, numbered from 0 in the order of their first items. */
  readonly of: Int32Array;
  readonly count: number;
  /** Links that made the groups, by reason: how many joined what was apart before. */
  readonly links: Readonly<Record<GroupReason, number>>;
  /** Labels of classes whose guessed links would have made them one group each, and were cut. */
  readonly cut: readonly number[];
}

/** Fewest images of a class that is cut, and the share of them that one of its groups may then have. */
const fewestToCut = 4;
const largestShareOfCut = 0.2;

/**
 * Finds what must not be torn apart by a split: groups named in the manifest, byte-identical copies,
 * bursts (EXIF time, same camera), near-duplicates. What is linked is in one group, also by way of
 * others.
 *
 * Bursts and near-duplicates are guesses, and a chain of guesses could link everything: they join
 * groups only up to a tenth of the set, or 30 images if that is more. Where they would make all
 * images of a class one group, so that none could be validated on, that class is cut into groups of up to a fifth of
 * it, neighbours in time together, and named in `cut`.
 */
export function findGroups(
  set: DataSet,
  facts: readonly (ImageFacts | undefined)[],
  options: GroupOptions = {},
): Groups {
  const count = set.items.length;
  const bursts = burstLinks(facts, options.burstSeconds ?? 5);
  const alike =
    (options.nearDuplicates ?? true)
      ? trustedLinks(findNearDuplicates(facts, { minSimilarity: 0.9, ...options }))
      : [];
  const known = set.items.map(({ group }) => group);
  const contents = facts.map((fact) => fact?.sha256);
  const largest = new Array<number>(set.classes.length).fill(Math.max(30, Math.floor(count / 10)));

  const link = () => {
    const sets = createDisjointSets(count);
    const links: Record<GroupReason, number> = {
      manifest: 0,
      copy: 0,
      burst: 0,
      "near-duplicate": 0,
    };
    const join = (a: number, b: number, reason: GroupReason, mostTogether: number): void => {
      if (sets.join(a, b, mostTogether)) links[reason]++;
    };
    const guess = (a: number, b: number, reason: GroupReason): void => {
      const [first, second] = [largest[set.items[a]!.label]!, largest[set.items[b]!.label]!];
      join(a, b, reason, Math.min(first, second));
    };
    joinEqual(known, (a, b) => join(a, b, "manifest", count));
    joinEqual(contents, (a, b) => join(a, b, "copy", count));
    const byKnowledge = sets.number();
    for (const [a, b] of bursts) guess(a, b, "burst");
    for (const { first, second } of alike) guess(first, second, "near-duplicate");
    return { byKnowledge, groups: { ...sets.number(), links } };
  };

  const { byKnowledge, groups } = link();
  const counts = countClasses(set);
  const divided = severalGroups(set, byKnowledge.of);
  const whole = severalGroups(set, groups.of);
  const cut = counts.flatMap((images, label) =>
    images >= fewestToCut && divided.has(label) && !whole.has(label) ? [label] : [],
  );
  if (cut.length === 0) return { ...groups, cut };
  for (const label of cut) {
    largest[label] = Math.max(1, Math.floor(largestShareOfCut * counts[label]!));
  }
  return { ...link().groups, cut };
}

/** Classes whose images are in more than one group. */
function severalGroups(set: DataSet, groupOf: Int32Array): Set<number> {
  const first = new Map<number, number>();
  const several = new Set<number>();
  set.items.forEach(({ label }, index) => {
    const group = groupOf[index]!;
    if (!first.has(label)) first.set(label, group);
    else if (first.get(label) !== group) several.add(label);
  });
  return several;
}

/** Every image a group of its own, except those that the manifest joins. */
export function manifestGroups(set: DataSet): Groups {
  return findGroups(set, [], { nearDuplicates: false });
}

function joinEqual(
  keys: readonly (string | undefined)[],
  join: (a: number, b: number) => void,
): void {
  const first = new Map<string, number>();
  keys.forEach((key, index) => {
    if (key === undefined) return;
    const seen = first.get(key);
    if (seen === undefined) first.set(key, index);
    else join(seen, index);
  });
}

/** Neighbours in time, per camera, that are at most `seconds` apart. */
function burstLinks(
  facts: readonly (ImageFacts | undefined)[],
  seconds: number,
): [number, number][] {
  if (seconds <= 0) return [];
  const cameras = new Map<string, { index: number; timeMs: number }[]>();
  facts.forEach((fact, index) => {
    if (fact?.timeMs === undefined) return;
    const camera = fact.camera ?? "";
    const shots = cameras.get(camera) ?? [];
    shots.push({ index, timeMs: fact.timeMs });
    cameras.set(camera, shots);
  });
  const links: [number, number][] = [];
  for (const shots of cameras.values()) {
    shots.sort((a, b) => a.timeMs - b.timeMs || a.index - b.index);
    for (let i = 1; i < shots.length; i++) {
      const [before, after] = [shots[i - 1]!, shots[i]!];
      if (after.timeMs - before.timeMs <= seconds * 1000) links.push([before.index, after.index]);
    }
  }
  return links;
}
