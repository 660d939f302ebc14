import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { FormatError } from "../../core/errors.ts";
import {
  bodyChunks,
  type HubFile,
  type HubModel,
  listHubFiles,
  neededFiles,
  request,
} from "./hub.ts";

/** How a download goes on. */
export interface DownloadProgress {
  readonly path: string;
  readonly receivedBytes: number;
  readonly sizeBytes: number;
}

export interface DownloadOptions extends HubModel {
  /** Folder that the model's files are put into. */
  readonly folder: string;
  /** Which of the model's files to fetch; default those that are needed to use it. */
  readonly select?: (files: readonly HubFile[]) => readonly HubFile[];
  readonly onProgress?: (progress: DownloadProgress) => void;
  readonly signal?: AbortSignal;
  /** Tries per file before giving up; default 4, with pauses of 1, 2 and 4 times `pauseMs`. */
  readonly attempts?: number;
  /** Default 500. */
  readonly pauseMs?: number;
}

/**
 * Fetches a model from the Hugging Face hub, or from a server of the same layout, into a folder.
 *
 * A file that is there already and has the right checksum is not fetched again. What has arrived of an
 * interrupted file stays in `<file>.<checksum>.incomplete` and is continued, in a later call too. A file
 * takes its name only when its checksum is right.
 *
 * @returns the paths of the files.
 * @example
 * await downloadModel({ id: "timm/resnet18.a1_in1k", folder: "models/resnet18" });
 */
export async function downloadModel(options: DownloadOptions): Promise<string[]> {
  const { folder, select = neededFiles, signal } = options;
  const files = select(await listHubFiles(options, signal));
  if (files.length === 0) {
    throw new FormatError(
      `hub: "${options.id}" has no file that is needed; expected model.safetensors or pytorch_model.bin.`,
    );
  }
  const paths: string[] = [];
  for (const file of files) {
    const path = join(folder, file.path);
    await mkdir(dirname(path), { recursive: true });
    if (!(await isComplete(path, file))) await fetchFile(path, file, options);
    paths.push(path);
  }
  return paths;
}

async function isComplete(path: string, file: HubFile): Promise<boolean> {
  const status = await stat(path).catch(() => undefined);
  if (status?.size !== file.sizeBytes) return false;
  return (await hashFile(path, file, status.size)).digest("hex") === file.checksum.hex;
}

async function fetchFile(path: string, file: HubFile, options: DownloadOptions): Promise<void> {
  const { attempts = 4, pauseMs = 500, signal } = options;
  const partial = `${path}.${file.checksum.hex.slice(0, 16)}.incomplete`;
  for (let attempt = 1; ; attempt++) {
    try {
      await fetchRest(partial, file, options);
      break;
    } catch (error) {
      // A refusal by the server will not change; a broken connection may.
      const isFinal = error instanceof FormatError || signal?.aborted === true;
      if (isFinal || attempt >= attempts) throw connectionError(error, file, attempt);
      await new Promise((resolve) => setTimeout(resolve, pauseMs * 2 ** (attempt - 1)));
    }
  }
  const digest = (await hashFile(partial, file, file.sizeBytes)).digest("hex");
  if (digest !== file.checksum.hex) {
    await rm(partial, { force: true });
    throw new FormatError(
      `${file.url}: checksum ${digest}, expected ${file.checksum.hex}; what arrived was thrown away, try again.`,
    );
  }
  await rename(partial, path);
}

/** Fetches what is missing of a file and appends it to what is there. */
async function fetchRest(partial: string, file: HubFile, options: DownloadOptions): Promise<void> {
  const { signal, onProgress } = options;
  const there = (await stat(partial).catch(() => undefined))?.size ?? 0;
  let received = there > file.sizeBytes ? 0 : there;
  if (received === file.sizeBytes && received > 0) return;
  const headers: Record<string, string> = received > 0 ? { range: `bytes=${received}-` } : {};
  const response = await request(file.url, options, signal, headers);
  // A server that does not know ranges sends everything, from the beginning.
  if (response.status !== 206) received = 0;
  else checkContentRange(response, received, file);
  const handle = await open(partial, received > 0 ? "a" : "w");
  try {
    for await (const chunk of bodyChunks(response)) {
      received += chunk.length;
      if (received > file.sizeBytes) {
        throw new FormatError(
          `${file.url}: more than the ${file.sizeBytes} bytes that the list of files says.`,
        );
      }
      await handle.write(chunk);
      onProgress?.({ path: file.path, receivedBytes: received, sizeBytes: file.sizeBytes });
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (received < file.sizeBytes) {
    throw new Error(`the connection ended after ${received} of ${file.sizeBytes} bytes`);
  }
}

function checkContentRange(response: Response, start: number, file: HubFile): void {
  const range = response.headers.get("content-range");
  if (range !== `bytes ${start}-${file.sizeBytes - 1}/${file.sizeBytes}`) {
    throw new FormatError(
      `${file.url}: range "${range}" for the rest from byte ${start} of ${file.sizeBytes}; the file on the hub is another one now.`,
    );
  }
}

function connectionError(error: unknown, file: HubFile, attempts: number): Error {
  if (error instanceof FormatError) return error;
  const reason = error instanceof Error ? error : new Error(String(error));
  if (reason.name === "AbortError") return reason;
  const cause = reason.cause instanceof Error ? `: ${reason.cause.message}` : "";
  return new FormatError(
    `${file.url}: not fetched in ${attempts} tries (${reason.message}${cause}); what arrived is kept, run it again to go on.`,
    { cause: error },
  );
}

/** Git's SHA-1 covers a header with the length before the content. */
async function hashFile(path: string, file: HubFile, sizeBytes: number): Promise<Hash> {
  const isGit = file.checksum.kind === "gitSha1";
  const hash = createHash(isGit ? "sha1" : "sha256");
  if (isGit) hash.update(`blob ${sizeBytes}\0`);
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash;
}
