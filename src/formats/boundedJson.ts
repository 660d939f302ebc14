import { FormatError } from "../core/errors.ts";

/** Limits on a JSON text before it is parsed. */
export interface JsonLimits {
  /** Bytes of the text; default 64 MiB. */
  readonly maxBytes?: number;
  /** Depth of nesting; default 64. */
  readonly maxDepth?: number;
  /** Numbers, strings, literals, arrays, objects and keys in all; default 1,000,000. */
  readonly maxValues?: number;
}

/**
 * Parses UTF-8 JSON from a file that may be hostile: an object costs far more memory than the two
 * bytes that announce it, so size, depth and number of values are bounded by one scan beforehand.
 * A key that occurs twice in the outermost object is refused, because readers differ on which one
 * counts.
 *
 * @param where names the file in messages
 */
export function parseBoundedJson(
  bytes: Uint8Array,
  where: string,
  limits: JsonLimits = {},
): unknown {
  const { maxBytes = 2 ** 26, maxDepth = 64, maxValues = 1_000_000 } = limits;
  if (bytes.length > maxBytes) {
    throw new FormatError(`${where}: ${bytes.length} bytes of JSON; at most ${maxBytes} are read.`);
  }
  const outerKeys = scan(bytes, where, maxDepth, maxValues);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    throw new FormatError(`${where}: not valid JSON: ${(error as Error).message}`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const different = Object.keys(value).length;
    if (different !== outerKeys) {
      throw new FormatError(
        `${where}: the outermost object has ${outerKeys} keys, of which ${different} differ; each key may occur once.`,
      );
    }
  }
  return value;
}

/** Bounds depth and number of values, and returns how many keys the outermost object has. */
function scan(bytes: Uint8Array, where: string, maxDepth: number, maxValues: number): number {
  const quote = 0x22;
  const backslash = 0x5c;
  let depth = 0;
  let values = 1;
  let outerKeys = 0;
  for (let i = 0; i < bytes.length; i++) {
    switch (bytes[i]) {
      case quote:
        i++;
        while (i < bytes.length && bytes[i] !== quote) i += bytes[i] === backslash ? 2 : 1;
        break;
      case 0x5b: // [
      case 0x7b: // {
        depth++;
        values++;
        if (depth > maxDepth) {
          throw new FormatError(
            `${where}: JSON nested deeper than ${maxDepth} levels at byte ${i}; no such file needs that.`,
          );
        }
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth--;
        break;
      case 0x3a: // :
        if (depth === 1) outerKeys++;
        values++;
        break;
      case 0x2c: // ,
        values++;
        break;
    }
    if (values > maxValues) {
      throw new FormatError(
        `${where}: more than ${maxValues} JSON values by byte ${i}; at most that many are read.`,
      );
    }
  }
  return outerKeys;
}
