import { type FileHandle, mkdir, open } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { eventFileStart } from "./write.ts";

/** An event file being written. */
export interface EventFile {
  readonly path: string;
  /** Adds a record; records appear in the order of the calls. */
  append(record: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/**
 * Begins an event file in a folder, under the name TensorBoard looks for
 * (`events.out.tfevents.<seconds>.<host>.<process>`). A run that is resumed begins another one; TensorBoard
 * shows both as one.
 */
export async function openEventFile(folder: string, timeMs = Date.now()): Promise<EventFile> {
  await mkdir(folder, { recursive: true });
  const seconds = Math.floor(timeMs / 1000);
  const name = (attempt: number) =>
    `events.out.tfevents.${seconds}.${hostname()}.${process.pid}.${attempt}`;
  for (let attempt = 0; ; attempt++) {
    const path = join(folder, name(attempt));
    const handle = await open(path, "ax").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "EEXIST") return undefined;
      throw error;
    });
    if (handle === undefined) continue;
    const file = eventFile(handle, path);
    await file.append(eventFileStart(timeMs));
    return file;
  }
}

function eventFile(handle: FileHandle, path: string): EventFile {
  let last: Promise<void> = Promise.resolve();
  return {
    path,
    append(record) {
      last = last.then(() => handle.appendFile(record));
      return last;
    },
    async close() {
      await last.catch(() => undefined);
      await handle.close();
    },
  };
}
