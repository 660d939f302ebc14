import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { TestContext } from "vitest";

const root = new URL("../../../shared/", import.meta.url);

/**
 * Path of a file in the optional folder `../shared` of real weights and foreign vectors. Where it is
 * not there, the running test is skipped with that reason, and counted as skipped.
 */
export function sharedPath(context: TestContext, path: string): string {
  const file = fileURLToPath(new URL(path, root));
  if (!existsSync(file)) context.skip(`../shared/${path} is not on this machine`);
  return file;
}

/** Content of a file in `../shared`; see {@link sharedPath}. */
export function sharedBytes(context: TestContext, path: string): Uint8Array {
  return new Uint8Array(readFileSync(sharedPath(context, path)));
}
