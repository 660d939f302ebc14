import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { copyFile, mkdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as wait } from "node:timers/promises";
import { createGunzip } from "node:zlib";
import { DataError } from "../../core/errors.ts";
import type { SetFile } from "./catalog.ts";

export interface DownloadOptions {
  /** A mirror's address or a local folder that holds the files by their names. */
  readonly from?: string;
  onProgress?(file: string, receivedBytes: number, totalBytes: number): void;
  readonly signal?: AbortSignal;
  /** Tries per file; each goes on where the last one broke off. Default 4. */
  readonly attempts?: number;
  /** Pause before the second try, four times as long before each further one. Default 1,000. */
  readonly retryMs?: number;
  /** A connection silent for this long counts as broken. Default 60,000. */
  readonly stallMs?: number;
}

/** Name of a set's file: the last part of its address. */
export function fileName(file: SetFile): string {
  return basename(new URL(file.url).pathname);
}

/**
 * Fetches one file to `target`: resumes a part that an earlier try left (`target.part`), checks length
 * and SHA-256, and only then gives the file its name.
 *
 * @throws DataError when it cannot be had or its content is not the published one.
 */
export async function downloadFile(
  file: SetFile,
  target: string,
  options: DownloadOptions = {},
): Promise<void> {
  if (await isIntact(file, target)) return;
  const { from } = options;
  await mkdir(dirname(target), { recursive: true });
  const part = `${target}.part`;
  if (from !== undefined && !/^https?:\/\//.test(from)) {
    await copyLocal(join(from, fileName(file)), part);
    options.onProgress?.(fileName(file), file.sizeBytes, file.sizeBytes);
  } else {
    const url = from === undefined ? file.url : `${from.replace(/\/$/, "")}/${fileName(file)}`;
    await fetchWithRetries(file, url, part, options);
  }
  const found = await describeMismatch(file, part);
  if (found !== undefined) {
    await rm(part, { force: true });
    throw new DataError(
      `${from ?? file.url}: ${fileName(file)} ${found}. The copy was removed; try again, or another mirror with --from.`,
    );
  }
  await rename(part, target);
}

async function copyLocal(source: string, part: string): Promise<void> {
  try {
    await copyFile(source, part);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new DataError(
      `${source}: ${code === "ENOENT" ? "there is no such file" : `it cannot be copied (${code})`}.`,
    );
  }
}

async function fetchWithRetries(
  file: SetFile,
  url: string,
  part: string,
  options: DownloadOptions,
): Promise<void> {
  const { attempts = 4, retryMs = 1000, signal } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      await fetchRest(file, url, part, options);
      return;
    } catch (error) {
      signal?.throwIfAborted();
      const isFinal = error instanceof DataError || attempt >= attempts;
      if (isFinal) {
        if (error instanceof DataError) throw error;
        const { cause, message } = error as Error;
        const detail = cause instanceof Error ? `${message}: ${cause.message}` : message;
        throw new DataError(
          `${url}: the download broke off ${attempts} times (${detail}). What has arrived is kept: run the command again to go on, or use --from with a mirror or folder.`,
        );
      }
      await wait(
        Math.min(30_000, retryMs * 4 ** (attempt - 1)),
        undefined,
        signal === undefined ? {} : { signal },
      );
    }
  }
}

async function fetchRest(
  file: SetFile,
  url: string,
  part: string,
  options: DownloadOptions,
): Promise<void> {
  const { stallMs = 60_000, signal } = options;
  const have = (await stat(part).catch(() => undefined))?.size ?? 0;
  if (have >= file.sizeBytes) return;
  const abort = new AbortController();
  const onAbort = (): void => abort.abort(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  const timer = setTimeout(
    () => abort.abort(new Error(`nothing arrived for ${stallMs} ms`)),
    stallMs,
  );
  try {
    const headers: Record<string, string> = have > 0 ? { Range: `bytes=${have}-` } : {};
    const response = await fetch(url, { headers, signal: abort.signal });
    if (!response.ok || response.body === null) {
      const text = `${url}: the server answered ${response.status} ${response.statusText}`;
      // Overload passes; everything else will be the same next time.
      if (response.status === 429 || response.status >= 500) throw new Error(text);
      throw new DataError(
        `${text}. Use --from with a mirror or a folder that holds ${fileName(file)}.`,
      );
    }
    // A server that ignores ranges sends everything again.
    const resumed = response.status === 206;
    let received = resumed ? have : 0;
    const counted = async function* (body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const piece of body) {
        received += piece.length;
        if (received > file.sizeBytes) {
          throw new DataError(
            `${url}: more than the ${file.sizeBytes} bytes of ${fileName(file)} arrive; this is another file.`,
          );
        }
        timer.refresh();
        options.onProgress?.(fileName(file), received, file.sizeBytes);
        yield piece;
      }
    };
    await pipeline(
      counted(response.body as unknown as AsyncIterable<Uint8Array>),
      createWriteStream(part, { flags: resumed ? "a" : "w" }),
    );
    if (received < file.sizeBytes) {
      throw new Error(`${received} of ${file.sizeBytes} bytes arrived`);
    }
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

async function isIntact(file: SetFile, path: string): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  return info !== undefined && (await describeMismatch(file, path)) === undefined;
}

// What is wrong with a file, in words; undefined when it is the published one.
async function describeMismatch(file: SetFile, path: string): Promise<string | undefined> {
  const sha256 = await hashFile(path, false);
  if (sha256 === file.sha256) return undefined;
  if (file.contentSha256 !== undefined) {
    const content = await hashFile(path, true).catch(() => undefined);
    if (content === file.contentSha256) return undefined;
  }
  const { size } = await stat(path);
  return `has ${size} bytes and SHA-256 ${sha256}; expected ${file.sizeBytes} and ${file.sha256}`;
}

async function hashFile(path: string, unzip: boolean): Promise<string> {
  const hash = createHash("sha256");
  if (unzip) await pipeline(createReadStream(path), createGunzip(), hash);
  else await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
