import { mkdir, open, rename, unlink } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Writes a file so that a reader, or a machine that loses power, sees the old content or the new
 * one and nothing between: temporary file beside it, fsync, rename, fsync of the folder. On failure
 * the temporary file is removed and what stood at `path` is untouched. Missing folders are made.
 *
 * @param chunks the content, in order; a plain `Uint8Array` or string is one chunk
 */
export async function writeFileAtomic(
  path: string,
  chunks: Uint8Array | string | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const temporary = `${path}.${process.pid}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  const handle = await open(temporary, "wx");
  try {
    if (typeof chunks === "string" || chunks instanceof Uint8Array) await handle.writeFile(chunks);
    else for await (const chunk of chunks) await handle.writeFile(chunk);
    await handle.sync();
    await handle.close();
    await rename(temporary, path);
  } catch (error) {
    await handle.close().catch(() => undefined);
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(folder);
}

/** Makes a rename durable; file systems that cannot sync a folder (Windows) need nothing done. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "EISDIR" && code !== "EPERM" && code !== "EINVAL" && code !== "EACCES")
      throw error;
  }
}
