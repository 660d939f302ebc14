import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { Worker } from "node:worker_threads";
import { DataError, DeviceError, FormatError, UnsupportedError } from "../../core/errors.ts";
import { nodeCodecs } from "../decode/codecs.node.ts";
import type { DataItem } from "../manifest.ts";
import { checkGeometry } from "./geometry.ts";
import { type PreparedImage, type PrepareSettings, prepareFile, sha256Hex } from "./prepareOne.ts";
import { type Preparer, prepareRecord } from "./preparer.ts";
import type { FileStamp, WorkerReply, WorkerSetup, WorkerTask } from "./prepareWorker.node.ts";

export interface ThreadOptions {
  readonly settings: PrepareSettings;
  /** Default: as many as the machine runs at once. */
  readonly threads?: number;
  /** Where decoded images are kept for later runs; nowhere if absent. */
  readonly cacheFolder?: string;
  /** An image that takes longer is a bad file. Default 60,000. */
  readonly timeoutMs?: number;
}

interface Waiting {
  readonly task: WorkerTask;
  resolve(image: PreparedImage): void;
  reject(error: Error): void;
}

interface Lane {
  worker: Worker;
  current: Waiting | undefined;
  timer: NodeJS.Timeout | undefined;
}

const errorClasses = { DataError, FormatError, UnsupportedError } as const;

/**
 * Prepares images on worker threads, with a cache on disk. Threads start with the first file. One
 * that crashes or hangs on an image is replaced, and the image is a bad file; nothing else is lost.
 */
export async function threadedPreparer(options: ThreadOptions): Promise<Preparer> {
  const { settings, cacheFolder, timeoutMs = 60_000 } = options;
  checkGeometry(settings.geometry);
  const threads = Math.max(1, options.threads ?? availableParallelism());
  const stamps = await loadStamps(cacheFolder);
  const codecs = nodeCodecs();
  const queue: Waiting[] = [];
  const lanes: Lane[] = [];
  let nextId = 0;
  let closed = false;

  function start(): Worker {
    // The compiled package has .js files, a checkout has .ts files.
    const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
    const setup: WorkerSetup = { settings, cacheFolder };
    const worker = new Worker(new URL(`./prepareWorker.node.${extension}`, import.meta.url), {
      workerData: setup,
    });
    worker.unref();
    return worker;
  }

  function addLane(): void {
    const lane: Lane = { worker: start(), current: undefined, timer: undefined };
    watch(lane);
    lanes.push(lane);
  }

  function watch(lane: Lane): void {
    lane.worker.on("message", (reply: WorkerReply) => {
      const waiting = finish(lane);
      if (waiting === undefined) return;
      if ("error" in reply) waiting.reject(rebuild(reply.error));
      else {
        stamps.set(waiting.task.path, reply.stamp);
        waiting.resolve(reply.image);
      }
      feed();
    });
    lane.worker.on("error", (error: Error) =>
      replace(lane, `the decoder failed on it: ${error.message}`),
    );
  }

  function finish(lane: Lane): Waiting | undefined {
    const waiting = lane.current;
    clearTimeout(lane.timer);
    lane.current = undefined;
    lane.worker.unref();
    return waiting;
  }

  function replace(lane: Lane, reason: string): void {
    const waiting = finish(lane);
    lane.worker.removeAllListeners();
    // A worker that dies on its own way out has nobody left to tell.
    lane.worker.on("error", () => {});
    void lane.worker.terminate();
    if (!closed) {
      lane.worker = start();
      watch(lane);
    }
    waiting?.reject(new DataError(`${waiting.task.name}: ${reason}.`));
    feed();
  }

  function feed(): void {
    while (queue.length > 0 && !closed) {
      let lane = lanes.find((candidate) => candidate.current === undefined);
      if (lane === undefined && lanes.length < threads) {
        addLane();
        lane = lanes.at(-1);
      }
      if (lane === undefined) return;
      const waiting = queue.shift()!;
      const busy = lane;
      lane.current = waiting;
      lane.worker.ref();
      lane.timer = setTimeout(
        () => replace(busy, `decoding took longer than ${timeoutMs} ms`),
        timeoutMs,
      );
      lane.worker.postMessage(waiting.task);
    }
  }

  return {
    settings,
    concurrency: threads * 2,
    async prepare(item: DataItem) {
      const { source } = item;
      if (closed) throw new DeviceError(`${item.id}: the decoding threads are closed already.`);
      if (source.kind === "pixels") return prepareRecord(source, settings);
      const { path } = source;
      if (path === undefined) {
        const bytes = await source.read();
        return prepareFile(bytes, await sha256Hex(bytes), item.id, codecs, settings);
      }
      return new Promise((resolve, reject) => {
        const task = { id: nextId++, name: item.id, path, known: stamps.get(path) };
        queue.push({ task, resolve, reject });
        feed();
      });
    },
    async close() {
      closed = true;
      await saveStamps(cacheFolder, stamps);
      for (const waiting of queue.splice(0)) {
        waiting.reject(new DeviceError(`${waiting.task.name}: the decoding threads were closed.`));
      }
      await Promise.all(
        lanes.map((lane) => {
          finish(lane)?.reject(new DeviceError("the decoding threads were closed."));
          return lane.worker.terminate();
        }),
      );
    },
  };
}

function rebuild({ name, message }: { name: string; message: string }): Error {
  const ErrorClass = errorClasses[name as keyof typeof errorClasses] ?? DataError;
  return new ErrorClass(message);
}

// Files whose size and time are those of an earlier run are not read again to learn their hash. A
// file changed within the clock's grain of its hashing could be missed, so young stamps are dropped.
const youngMs = 3_000;

async function loadStamps(folder: string | undefined): Promise<Map<string, FileStamp>> {
  if (folder === undefined) return new Map();
  try {
    const text = await readFile(join(folder, "files.json"), "utf8");
    return new Map(Object.entries(JSON.parse(text) as Record<string, FileStamp>));
  } catch {
    return new Map();
  }
}

async function saveStamps(
  folder: string | undefined,
  stamps: ReadonlyMap<string, FileStamp>,
): Promise<void> {
  if (folder === undefined || stamps.size === 0) return;
  const now = Date.now();
  // Another run may have written meanwhile: its stamps are kept, ours win where both have one.
  const merged = new Map([...(await loadStamps(folder)), ...stamps]);
  const old = [...merged].filter(([, stamp]) => now - stamp.mtimeMs > youngMs);
  const path = join(folder, "files.json");
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, JSON.stringify(Object.fromEntries(old)));
    await rename(temporary, path);
  } catch {
    // Without stamps the next run reads every file once; nothing is wrong with this one.
  }
}
