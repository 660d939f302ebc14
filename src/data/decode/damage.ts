import { FormatError } from "../../core/errors.ts";

/** Collects what is wrong with a file that can still be shown, and refuses what is too wrong. */
export interface Damage {
  /** Name of the file in messages. */
  readonly where: string;
  readonly warnings: string[];
  /**
   * Pixels are missing at the end.
   *
   * @throws FormatError unless truncated images are allowed.
   */
  truncated(detail: string): void;
}

export function createDamage(where: string, allowTruncated: boolean): Damage {
  const warnings: string[] = [];
  return {
    where,
    warnings,
    truncated(detail) {
      if (!allowTruncated) {
        throw new FormatError(
          `${where}: the image is cut off: ${detail}. Get a complete copy of the file.`,
        );
      }
      warnings.push(`cut off: ${detail}`);
    },
  };
}
