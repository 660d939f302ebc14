import { gunzipSync } from "fflate";
import { FormatError } from "../core/errors.ts";

/** The content of a file that may be gzipped, told by its first bytes. */
export function gunzipIfNeeded(bytes: Uint8Array, where: string): Uint8Array {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes);
  } catch (error) {
    throw new FormatError(
      `${where}: the gzip data is cut off or damaged (${(error as Error).message}); get a complete copy.`,
    );
  }
}
