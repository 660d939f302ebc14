import { inflateExactly } from "../zip/inflate.ts";
import type { Cursor } from "./cursor.ts";
import type { FileReader } from "./fileReader.ts";

/** A step that was applied to every chunk when it was written. */
export interface Filter {
  readonly id: number;
  /** Width of an element, for shuffle. */
  readonly parameter: number;
}

const filterNames: Readonly<Record<number, string>> = {
  4: "szip",
  5: "n-bit",
  6: "scale-offset",
  32000: "lzf",
};

/** Reads a filter pipeline message; deflate (1), shuffle (2) and Fletcher-32 (3) are supported. */
export function readFilters(reader: FileReader, cursor: Cursor): Filter[] {
  const version = cursor.uint8();
  if (version !== 1 && version !== 2) throw cursor.fault(`filter version ${version}`);
  const count = cursor.uint8();
  if (version === 1) cursor.skip(6);
  return Array.from({ length: count }, () => {
    const id = cursor.uint16();
    const nameBytes = version === 1 || id >= 256 ? cursor.uint16() : 0;
    cursor.skip(2);
    const parameters = cursor.uint16();
    cursor.skip(version === 1 ? Math.ceil(nameBytes / 8) * 8 : nameBytes);
    const values = Array.from({ length: parameters }, () => cursor.uint32());
    if (version === 1 && parameters % 2 === 1) cursor.skip(4);
    if (id < 1 || id > 3) {
      const name = filterNames[id] ?? `filter ${id}`;
      throw reader.unsupported(`compressed with ${name}; deflate, shuffle and fletcher32 are read`);
    }
    return { id, parameter: values[0] ?? 1 };
  });
}

/**
 * Undoes the filters of one chunk, the last first. `mask` has a bit for each filter that was left
 * out; the result has exactly `sizeBytes` bytes.
 */
export function unfilter(
  bytes: Uint8Array,
  filters: readonly Filter[],
  mask: number,
  sizeBytes: number,
  where: string,
): Uint8Array {
  const applied = filters.filter((_, i) => (mask & (1 << i)) === 0);
  // Sizes between the steps: a checksum adds four bytes, and only deflate's output is unknown.
  const sizes = [sizeBytes];
  for (const { id } of applied) sizes.push(sizes.at(-1)! + (id === 3 ? 4 : 0));
  let result = bytes;
  for (let i = applied.length - 1; i >= 0; i--) {
    const { id, parameter } = applied[i]!;
    if (id === 3) result = result.subarray(0, Math.max(0, result.length - 4));
    else if (id === 2) result = unshuffle(result, parameter);
    else result = inflateExactly(result.subarray(2, -4), sizes[i]!, where);
  }
  return result;
}

/** Puts back together elements whose first bytes, second bytes, … were stored apart. */
function unshuffle(bytes: Uint8Array, width: number): Uint8Array {
  const count = Math.floor(bytes.length / width);
  if (width <= 1 || count === 0) return bytes;
  const result = bytes.slice();
  for (let k = 0; k < width; k++) {
    for (let i = 0; i < count; i++) result[i * width + k] = bytes[k * count + i]!;
  }
  return result;
}
