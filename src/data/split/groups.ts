import type { DataSet } from "../manifest.ts";
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
}

/**
 * Finds what must not be torn apart by a split: groups named in the manifest, byte-identical copies,
 * bursts (EXIF time, same camera), near-duplicates. What is linked is in one group, also by way of
 * others.
 *
 * Bursts and near-duplicates are guesses, and a chain of guesses could link everything: they join
 * groups only up to a tenth of the set, or 30 images if that is more.
 */
export function findGroups(
  set: DataSet,
  facts: readonly (ImageFacts | undefined)[],
  options: GroupOptions = {},
): Groups {
  const count = set.items.length;
  const sets = createDisjointSets(count);
  const maxGuessed = Math.max(30, Math.floor(count / 10));
  const links: Record<GroupReason, number> = {
    manifest: 0,
    copy: 0,
    burst: 0,
    "near-duplicate": 0,
  };
  const join = (a: number, b: number, reason: GroupReason, isGuess: boolean): void => {
    if (sets.join(a, b, isGuess ? maxGuessed : count)) links[reason]++;
  };
  joinEqual(
    set.items.map((item) => item.group),
    (a, b) => join(a, b, "manifest", false),
  );
  joinEqual(
    facts.map((fact) => fact?.sha256),
    (a, b) => join(a, b, "copy", false),
  );
  for (const [a, b] of burstLinks(facts, options.burstSeconds ?? 5)) join(a, b, "burst", true);
  if (options.nearDuplicates ?? true) {
    const pairs = findNearDuplicates(facts, { minSimilarity: 0.9, ...options });
    for (const { first, second } of trustedLinks(pairs)) {
      join(first, second, "near-duplicate", true);
    }
  }
  return { ...sets.number(), links };
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
