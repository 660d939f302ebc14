import { type Shape, sameShape } from "../core/shape.ts";

/** How the tensors of a file fit those that a net has. */
export interface TensorMatch {
  /** Names of the net with the name of the file's tensor for it, in the net's order. */
  readonly matched: ReadonlyMap<string, string>;
  /** Names of the net that the file has nothing for. */
  readonly missing: readonly string[];
  /** Names of the file that the net has no use for. */
  readonly unexpected: readonly string[];
  /** Names that both have, with different shapes; they count neither as matched nor as missing. */
  readonly misshapen: readonly { name: string; expected: Shape; given: Shape }[];
  /** What was taken away before every name of the file (`module.`), or nothing. */
  readonly prefix: string;
}

interface Shaped {
  readonly shape: Shape;
}

/**
 * Compares names and shapes, and finds the prefix that a wrapper put before all names if taking it
 * away makes more of them match. Nothing is read and nothing is guessed beyond that: what does not
 * match is listed.
 */
export function matchTensors(
  expected: ReadonlyMap<string, Shaped>,
  given: ReadonlyMap<string, Shaped>,
): TensorMatch {
  const prefix = likelyPrefix(expected, given);
  const matched = new Map<string, string>();
  const missing: string[] = [];
  const misshapen: { name: string; expected: Shape; given: Shape }[] = [];
  const used = new Set<string>();
  for (const [name, { shape }] of expected) {
    const source = given.has(prefix + name) ? prefix + name : name;
    const tensor = given.get(source);
    if (tensor === undefined) {
      missing.push(name);
      continue;
    }
    used.add(source);
    if (sameShape(tensor.shape, shape)) matched.set(name, source);
    else misshapen.push({ name, expected: shape, given: tensor.shape });
  }
  const unexpected = [...given.keys()].filter((name) => !used.has(name));
  return { matched, missing, unexpected, misshapen, prefix };
}

/** The prefix, ending in a point, under which most of the expected names are found. */
function likelyPrefix(
  expected: ReadonlyMap<string, Shaped>,
  given: ReadonlyMap<string, Shaped>,
): string {
  const prefixes = new Set([""]);
  for (const name of given.keys()) {
    // Wrappers are few: DataParallel in a Lightning module in a checkpoint makes three.
    const parts = name.split(".").slice(0, -1);
    for (let depth = 1; depth <= Math.min(3, parts.length); depth++) {
      prefixes.add(`${parts.slice(0, depth).join(".")}.`);
    }
  }
  let best = "";
  let bestCount = -1;
  for (const prefix of [...prefixes].slice(0, 200)) {
    let count = 0;
    for (const name of expected.keys()) if (given.has(prefix + name)) count++;
    if (count > bestCount) {
      best = prefix;
      bestCount = count;
    }
  }
  return best;
}
