import { DataError } from "../../core/errors.ts";

/** What one image may cost. Checked against the header, before anything is allocated. */
export interface DecodeLimits {
  /** Largest width × height. Default 64 million: the phone's 50-megapixel photo passes. */
  readonly maxPixels?: number;
  /** Largest file in bytes. Default 256 MiB. */
  readonly maxBytes?: number;
}

export const defaultMaxPixels = 64_000_000;
export const defaultMaxBytes = 256 * 2 ** 20;

/** @throws DataError when a header announces an empty image or one above the limit. */
export function checkImageSize(
  where: string,
  width: number,
  height: number,
  limits: DecodeLimits,
): void {
  if (width < 1 || height < 1) {
    throw new DataError(
      `${where}: the header says ${width}x${height} pixels; both must be at least 1.`,
    );
  }
  const maxPixels = limits.maxPixels ?? defaultMaxPixels;
  if (width * height > maxPixels) {
    throw new DataError(
      `${where}: ${width}x${height} = ${width * height} pixels; at most ${maxPixels} are decoded. Shrink the image, or raise maxPixels if it is meant.`,
    );
  }
}
