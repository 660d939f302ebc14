import type { RandomStream } from "../../core/random.ts";

/** A group of images that go one way: its items and how many of each class are among them. */
interface Group {
  readonly items: readonly number[];
  readonly perClass: ReadonlyMap<number, number>;
}

/**
 * Deals items to parts so that each part gets its share of every class and no group is cut.
 *
 * Groups go, largest first and equals in random order, to the part that most lacks their classes:
 * the largest `Σ_c n_c (need_c − n_c/2) / target_c`. Single images thereby land exactly on the
 * targets; groups as near as their sizes let them. Afterwards every class that has enough groups gets
 * at least one into each part with a share above 0.
 *
 * Source: the idea of Sechidis, Tsoumakas and Vlahavas, "On the Stratification of Multi-Label Data",
 * 2011, section 3, with whole groups in place of items.
 *
 * @param shares What each part should get; they add up to 1.
 * @returns the part of each item.
 */
export function assignGroups(
  labels: readonly number[],
  groups: ArrayLike<number>,
  shares: readonly number[],
  random: RandomStream,
): Int32Array {
  const all = collectGroups(labels, groups);
  const order = [...random.permutation(all.length)].sort(
    (a, b) => all[b]!.items.length - all[a]!.items.length,
  );
  const targets = classTargets(labels, shares, random);
  const needs = targets.map((target) => new Map(target));
  const partOf = new Int32Array(all.length);
  for (const index of order) {
    const part = neediest(all[index]!, needs, targets);
    partOf[index] = part;
    for (const [label, count] of all[index]!.perClass) add(needs[part]!, label, -count);
  }
  fillGaps(all, partOf, shares, order);
  const result = new Int32Array(labels.length);
  all.forEach((group, index) => {
    for (const item of group.items) result[item] = partOf[index]!;
  });
  return result;
}

function collectGroups(labels: readonly number[], groups: ArrayLike<number>): Group[] {
  const members = new Map<number, { items: number[]; perClass: Map<number, number> }>();
  labels.forEach((label, item) => {
    const key = groups[item]!;
    const group = members.get(key) ?? { items: [] as number[], perClass: new Map() };
    group.items.push(item);
    add(group.perClass, label, 1);
    members.set(key, group);
  });
  return [...members.values()];
}

/**
 * Whole numbers of images per part and class that add up, rounded by largest remainder. Each part's
 * rounding is carried over from class to class, so that many small classes do not add up to a part
 * that is too small.
 */
function classTargets(
  labels: readonly number[],
  shares: readonly number[],
  random: RandomStream,
): Map<number, number>[] {
  const counts = new Map<number, number>();
  for (const label of labels) add(counts, label, 1);
  const targets = shares.map(() => new Map<number, number>());
  const owed = shares.map(() => 0);
  const classes = [...counts.keys()].sort((a, b) => a - b);
  for (const at of random.permutation(classes.length)) {
    const label = classes[at]!;
    const count = counts.get(label)!;
    const exact = shares.map((share, part) => share * count + owed[part]!);
    const whole = exact.map((value) => Math.max(0, Math.floor(value + 1e-9)));
    let left = count - whole.reduce((sum, value) => sum + value, 0);
    const byRemainder = exact
      .map((value, part) => ({ part, rest: value - whole[part]! }))
      .sort((a, b) => b.rest - a.rest || a.part - b.part);
    for (let i = 0; left > 0; i++, left--) whole[byRemainder[i % shares.length]!.part]!++;
    for (let i = shares.length - 1; left < 0; i = (i + shares.length - 1) % shares.length) {
      const { part } = byRemainder[i]!;
      if (whole[part]! > 0) {
        whole[part]!--;
        left++;
      }
    }
    whole.forEach((value, part) => {
      targets[part]!.set(label, value);
      owed[part] = exact[part]! - value;
    });
  }
  return targets;
}

function neediest(
  group: Group,
  needs: readonly ReadonlyMap<number, number>[],
  targets: readonly ReadonlyMap<number, number>[],
): number {
  let best = 0;
  let bestScore = Number.NEGATIVE_INFINITY;
  needs.forEach((need, part) => {
    let score = 0;
    for (const [label, count] of group.perClass) {
      const target = Math.max(0.5, targets[part]!.get(label)!);
      score += (count * (need.get(label)! - count / 2)) / target;
    }
    if (score > bestScore) {
      best = part;
      bestScore = score;
    }
  });
  return best;
}

// A class with groups to spare in one part and none in another gives that one its smallest.
function fillGaps(
  groups: readonly Group[],
  partOf: Int32Array,
  shares: readonly number[],
  order: readonly number[],
): void {
  const classes = new Set(groups.flatMap((group) => [...group.perClass.keys()]));
  for (const label of classes) {
    for (let part = 0; part < shares.length; part++) {
      if (shares[part] === 0) continue;
      const members = order.filter((index) => groups[index]!.perClass.has(label));
      if (members.some((index) => partOf[index] === part)) continue;
      const inPart = shares.map((_, p) => members.filter((index) => partOf[index] === p).length);
      // Largest first in `order`, so the last one that can be spared is the smallest.
      const spare = members.filter((index) => inPart[partOf[index]!]! >= 2).at(-1);
      if (spare !== undefined) partOf[spare] = part;
    }
  }
}

function add(map: Map<number, number>, key: number, count: number): void {
  map.set(key, (map.get(key) ?? 0) + count);
}
