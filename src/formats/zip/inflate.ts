import { Inflate } from "fflate";
import { FormatError } from "../../core/errors.ts";

/** Compressed bytes per step: their output, at most 1032 times as much, is all a bomb can gain. */
const stepBytes = 2 ** 13;

/**
 * Inflates a deflate stream that must give exactly `sizeBytes` bytes. It goes in small steps and
 * stops at the first byte too many, so neither memory nor time can run away.
 *
 * @param where names the data in messages
 */
export function inflateExactly(
  compressed: Uint8Array,
  sizeBytes: number,
  where: string,
): Uint8Array {
  const result = new Uint8Array(sizeBytes);
  let filled = 0;
  const inflate = new Inflate((chunk) => {
    if (filled + chunk.length > sizeBytes) {
      throw new FormatError(`${where}: unpacks to more than the ${sizeBytes} bytes it claims.`);
    }
    result.set(chunk, filled);
    filled += chunk.length;
  });
  try {
    for (let start = 0; start < compressed.length; start += stepBytes) {
      const end = Math.min(start + stepBytes, compressed.length);
      inflate.push(compressed.subarray(start, end), end === compressed.length);
    }
  } catch (error) {
    if (error instanceof FormatError) throw error;
    throw new FormatError(`${where}: not valid deflate data: ${(error as Error).message}.`, {
      cause: error,
    });
  }
  if (filled !== sizeBytes) {
    throw new FormatError(`${where}: unpacks to ${filled} bytes; ${sizeBytes} were claimed.`);
  }
  return result;
}
