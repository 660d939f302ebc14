/**
 * Base of every error Striate throws on purpose. A message says where, what was given and what was
 * expected, with numbers, and what to do about it.
 */
export class StriateError extends Error {
  override name = "StriateError";
}

/** Shapes that do not go together. */
export class ShapeError extends StriateError {
  override name = "ShapeError";
}

/** A graph that breaks a rule of its own (unknown op, dangling input, wrong dtype). */
export class GraphError extends StriateError {
  override name = "GraphError";
}

/** An option outside its legal range, or a name that no table knows. */
export class OptionError extends StriateError {
  override name = "OptionError";
}

/** Something valid that this build, backend or format does not support. */
export class UnsupportedError extends StriateError {
  override name = "UnsupportedError";
}

/** A file or stream that is not what it claims to be. */
export class FormatError extends StriateError {
  override name = "FormatError";
}

/** A backend or device that failed or is not there. */
export class DeviceError extends StriateError {
  override name = "DeviceError";
}

/** Data that cannot be used for the work at hand (no images, one class, missing labels). */
export class DataError extends StriateError {
  override name = "DataError";
}

/** Training that cannot go on (a loss that is not a number, a checkpoint of another net). */
export class TrainingError extends StriateError {
  override name = "TrainingError";
}

/**
 * Looks `name` up in a table, or throws an {@link OptionError} that lists the names there are and
 * the nearest one.
 */
export function lookUp<T>(table: Readonly<Record<string, T>>, name: string, what: string): T {
  if (Object.hasOwn(table, name)) return table[name] as T;
  const names = Object.keys(table);
  const near = nearest(name, names);
  const hint = near === undefined ? "" : ` Did you mean "${near}"?`;
  throw new OptionError(`unknown ${what} "${name}".${hint} Known: ${names.join(", ")}.`);
}

/** The candidate with the smallest edit distance to `name`, if it is at most a third of its length. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.ceil(name.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitute = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(previous[j]! + 1, row[j - 1]! + 1, substitute));
    }
    previous = row;
  }
  return previous[b.length]!;
}
