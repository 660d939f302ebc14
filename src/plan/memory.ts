/**
 * Places for buffers in one arena: two buffers may share bytes unless they are alive at the same step.
 */

/** A buffer's size and the steps, both inclusive, between which it must keep its contents. */
export interface Lifetime {
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

export interface ArenaPlan {
  /** Byte offset of each buffer, in the order given. */
  readonly offsets: readonly number[];
  /** Bytes of the whole arena. */
  readonly bytes: number;
}

/** Buffers begin at multiples of a cache line. */
export const arenaAlignment = 64;

export function align(bytes: number, to = arenaAlignment): number {
  return Math.ceil(bytes / to) * to;
}

/**
 * Assigns offsets greedily: the largest buffer first, each at the lowest offset that no placed buffer with
 * an overlapping lifetime occupies. Within a few percent of the lower bound on the nets of the
 * catalogue; optimal placement is NP-hard.
 * Source: Pisarchyk & Lee 2020, "greedy by size for offset calculation".
 */
export function planArena(lifetimes: readonly Lifetime[]): ArenaPlan {
  const order = lifetimes
    .map((_, i) => i)
    .sort(
      (a, b) =>
        lifetimes[b]!.bytes - lifetimes[a]!.bytes || lifetimes[a]!.first - lifetimes[b]!.first,
    );
  const offsets = new Array<number>(lifetimes.length).fill(0);
  const placed: number[] = [];
  let total = 0;
  for (const i of order) {
    const own = lifetimes[i]!;
    const size = align(own.bytes);
    let offset = 0;
    for (const j of placed) {
      const other = lifetimes[j]!;
      if (other.last < own.first || own.last < other.first) continue;
      const start = offsets[j]!;
      if (start >= offset + size) break;
      offset = Math.max(offset, start + align(other.bytes));
    }
    offsets[i] = offset;
    total = Math.max(total, offset + size);
    insertByOffset(placed, offsets, i);
  }
  return { offsets, bytes: total };
}

/** Largest sum of sizes alive at one step: no plan can need less. */
export function lowerBound(lifetimes: readonly Lifetime[]): number {
  const changes = new Map<number, number>();
  for (const { bytes, first, last } of lifetimes) {
    changes.set(first, (changes.get(first) ?? 0) + align(bytes));
    changes.set(last + 1, (changes.get(last + 1) ?? 0) - align(bytes));
  }
  let alive = 0;
  let most = 0;
  for (const step of [...changes.keys()].sort((a, b) => a - b)) {
    alive += changes.get(step)!;
    most = Math.max(most, alive);
  }
  return most;
}

function insertByOffset(placed: number[], offsets: readonly number[], i: number): void {
  let low = 0;
  let high = placed.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (offsets[placed[middle]!]! <= offsets[i]!) low = middle + 1;
    else high = middle;
  }
  placed.splice(low, 0, i);
}
