import { zipSync } from "fflate";

/**
 * A zip archive of files in the order given. Without `compress` they are stored as they are, which
 * lets a reader take single tensors by range. The date is fixed, so equal content gives equal bytes.
 */
export function writeZip(
  files: ReadonlyMap<string, Uint8Array>,
  options: { readonly compress?: boolean } = {},
): Uint8Array {
  return zipSync(Object.fromEntries(files), {
    level: options.compress === true ? 6 : 0,
    mtime: new Date(1980, 0, 1),
  });
}
