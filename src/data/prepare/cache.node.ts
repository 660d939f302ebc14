import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { cacheVersion, decodeRecord, encodeRecord } from "./cacheRecord.ts";
import type { PreparedImage, PrepareSettings } from "./prepareOne.ts";

/** Decoded images on disk, by the content of their file and the settings that made them. */
export interface ImageCache {
  get(sha256: string): Promise<PreparedImage | undefined>;
  put(sha256: string, image: PreparedImage): Promise<void>;
}

/**
 * A cache under `folder`. Records are written beside their place and renamed, so that a killed
 * process leaves whole records or none; several processes may share it. A cache that cannot be
 * written (disk full, no permission) is a slower run, not a failed one.
 */
export function imageCache(folder: string, settings: PrepareSettings): ImageCache {
  const key = createHash("sha256")
    .update(JSON.stringify([cacheVersion, sortKeys(settings)]))
    .digest("hex")
    .slice(0, 16);
  const pathOf = (sha256: string): string => join(folder, key, sha256.slice(0, 2), `${sha256}.img`);
  let writable = true;
  return {
    async get(sha256) {
      const bytes = await readFile(pathOf(sha256)).catch(() => undefined);
      return bytes && decodeRecord(bytes);
    },
    async put(sha256, image) {
      if (!writable) return;
      const path = pathOf(sha256);
      const temporary = `${path}.${process.pid}-${Math.trunc(performance.now() * 1000)}.tmp`;
      try {
        await mkdir(join(path, ".."), { recursive: true });
        const file = await open(temporary, "w");
        try {
          await file.writeFile(encodeRecord(image));
        } finally {
          await file.close();
        }
        await rename(temporary, path);
      } catch {
        writable = false;
        await rm(temporary, { force: true }).catch(() => undefined);
      }
    },
  };
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value) || typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, field]) => [key, sortKeys(field)]));
}

/**
 * Deletes the records used longest ago until at most `maxBytes` are left, and what killed processes
 * left half written more than an hour ago.
 *
 * @returns the bytes that were freed.
 */
export async function pruneCache(folder: string, maxBytes: number): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => [] as string[]);
  const files: { path: string; size: number; usedMs: number }[] = [];
  let freed = 0;
  for (const name of names) {
    const path = join(folder, name);
    const info = await stat(path).catch(() => undefined);
    if (!info?.isFile()) continue;
    const isRecord = name.endsWith(".img");
    const isStale = name.endsWith(".tmp") && Date.now() - info.mtimeMs > 3_600_000;
    if (isStale) {
      await rm(path, { force: true });
      freed += info.size;
    } else if (isRecord) {
      files.push({ path, size: info.size, usedMs: Math.max(info.atimeMs, info.mtimeMs) });
    }
  }
  files.sort((a, b) => a.usedMs - b.usedMs);
  let total = files.reduce((sum, file) => sum + file.size, 0);
  for (const file of files) {
    if (total <= maxBytes) break;
    await rm(file.path, { force: true });
    total -= file.size;
    freed += file.size;
  }
  return freed;
}
