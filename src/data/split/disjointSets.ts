/** Numbers 0 … count − 1 in sets that grow together. */
export interface DisjointSets {
  /** The number that stands for the whole set. */
  find(member: number): number;
  /** Joins two sets unless they are one or would together have more than `maxSize` members. */
  join(a: number, b: number, maxSize?: number): boolean;
  /** The sets numbered in the order of their first members. */
  number(): { of: Int32Array; count: number };
}

/** Every number a set of its own. Union by size with path halving. */
export function createDisjointSets(count: number): DisjointSets {
  const parent = Int32Array.from({ length: count }, (_, i) => i);
  const size = new Int32Array(count).fill(1);
  const find = (start: number): number => {
    let root = start;
    while (parent[root] !== root) {
      parent[root] = parent[parent[root]!]!;
      root = parent[root]!;
    }
    return root;
  };
  return {
    find,
    join(a, b, maxSize = count) {
      const [rootA, rootB] = [find(a), find(b)];
      if (rootA === rootB || size[rootA]! + size[rootB]! > maxSize) return false;
      const [large, small] = size[rootA]! >= size[rootB]! ? [rootA, rootB] : [rootB, rootA];
      parent[small] = large;
      size[large]! += size[small]!;
      return true;
    },
    number() {
      const numbers = new Map<number, number>();
      const of = Int32Array.from({ length: count }, (_, i) => {
        const root = find(i);
        const number = numbers.get(root) ?? numbers.size;
        numbers.set(root, number);
        return number;
      });
      return { of, count: numbers.size };
    },
  };
}
