import { stat } from "node:fs/promises";
import { DataError } from "../core/errors.ts";

/** @throws DataError where there is a file already and it was not asked to be replaced. */
export async function checkFree(out: string, overwrite: boolean): Promise<void> {
  if (overwrite || (await stat(out).catch(() => undefined)) === undefined) return;
  throw new DataError(
    `out "${out}" is there already; replace it with --overwrite or choose another --out.`,
  );
}
