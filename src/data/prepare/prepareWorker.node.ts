import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { parentPort, workerData } from "node:worker_threads";
import { DataError } from "../../core/errors.ts";
import { nodeCodecs } from "../decode/codecs.node.ts";
import { defaultMaxBytes } from "../decode/limits.ts";
import { imageCache } from "./cache.node.ts";
import { type PreparedImage, type PrepareSettings, prepareFile } from "./prepareOne.ts";

/** What a worker is started with. */
export interface WorkerSetup {
  readonly settings: PrepareSettings;
  readonly cacheFolder: string | undefined;
}

/** One file to prepare; `sha256` where its content is known from an earlier look at size and time. */
export interface WorkerTask {
  readonly id: number;
  readonly name: string;
  readonly path: string;
  readonly known: FileStamp | undefined;
}

/** Tells whether a file is the one that was hashed before. */
export interface FileStamp {
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly sha256: string;
}

export type WorkerReply =
  | { readonly id: number; readonly image: PreparedImage; readonly stamp: FileStamp }
  | { readonly id: number; readonly error: { readonly name: string; readonly message: string } };

const { settings, cacheFolder } = workerData as WorkerSetup;
const codecs = nodeCodecs();
const cache = cacheFolder === undefined ? undefined : imageCache(cacheFolder, settings);

parentPort!.on("message", async (task: WorkerTask) => {
  try {
    const { image, stamp } = await run(task);
    const { pixels, facts } = image;
    // Small views into shared buffers are copied, so that whole buffers can be handed over.
    const data = ownBuffer(pixels.data);
    const signature = ownBuffer(facts.signature);
    const reply: WorkerReply = {
      id: task.id,
      stamp,
      image: { pixels: { ...pixels, data }, facts: { ...facts, signature } },
    };
    parentPort!.postMessage(reply, [data.buffer, signature.buffer]);
  } catch (error) {
    const { name, message } = error as Error;
    parentPort!.postMessage({ id: task.id, error: { name, message } } satisfies WorkerReply);
  }
});

async function run(task: WorkerTask): Promise<{ image: PreparedImage; stamp: FileStamp }> {
  const info = await stat(task.path).catch((error: NodeJS.ErrnoException) => {
    throw new DataError(`${task.name}: ${describeReadError(error)}.`);
  });
  const { known } = task;
  if (known !== undefined && known.sizeBytes === info.size && known.mtimeMs === info.mtimeMs) {
    const image = await cache?.get(known.sha256);
    if (image !== undefined) return { image, stamp: known };
  }
  const maxBytes = settings.maxBytes ?? defaultMaxBytes;
  if (info.size > maxBytes) {
    throw new DataError(`${task.name}: ${info.size} bytes; files of at most ${maxBytes} are read.`);
  }
  const buffer = await readFile(task.path).catch((error: NodeJS.ErrnoException) => {
    throw new DataError(`${task.name}: ${describeReadError(error)}.`);
  });
  // Plain bytes: a Buffer's slice() is a view, an array's is a copy.
  const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const stamp = { sizeBytes: info.size, mtimeMs: info.mtimeMs, sha256 };
  const cached = await cache?.get(sha256);
  if (cached !== undefined) return { image: cached, stamp };
  const image = await prepareFile(bytes, sha256, task.name, codecs, settings);
  await cache?.put(sha256, image);
  return { image, stamp };
}

function describeReadError(error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT") return "there is no such file";
  if (error.code === "EACCES" || error.code === "EPERM") return "it may not be read by this user";
  return `it cannot be read (${error.code ?? error.message})`;
}

function ownBuffer(view: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = view.byteOffset === 0 && view.byteLength === view.buffer.byteLength;
  return whole ? (view as Uint8Array<ArrayBuffer>) : new Uint8Array(view);
}
