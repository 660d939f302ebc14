import { FormatError } from "../../core/errors.ts";
import { normalizePath } from "../fileTree.ts";

/** Takes the files of an archive as they come; a file's content arrives in pieces. */
export interface TarSink {
  begin(path: string, sizeBytes: number): Promise<void>;
  write(piece: Uint8Array): Promise<void>;
  end(): Promise<void>;
}

const blockBytes = 512;

/**
 * Takes a tar archive apart, given in pieces of any length: plain files only (folders follow from the
 * paths; links and devices are left out), with the long names of POSIX (pax) and GNU.
 *
 * @throws FormatError for a wrong checksum or an archive that is cut off.
 * @throws DataError for a path that leaves the folder.
 */
export async function readTar(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  sink: TarSink,
  where: string,
): Promise<void> {
  const header = new Uint8Array(blockBytes);
  let filled = 0;
  let offset = 0;
  let entry: Entry | undefined;
  let left = 0;
  let padding = 0;
  let longName: string | undefined;
  let text: number[] = [];
  let finished = false;

  async function finishEntry(): Promise<void> {
    if (entry!.kind === "file") await sink.end();
    else if (entry!.kind !== "skipped") {
      const content = new TextDecoder().decode(Uint8Array.from(text));
      longName = entry!.kind === "gnuName" ? content.replace(/\0.*$/s, "") : paxPath(content);
    }
    entry = undefined;
  }

  async function startEntry(): Promise<void> {
    const parsed = parseHeader(header, `${where}: byte ${offset - blockBytes}`);
    if (parsed === undefined) {
      finished = true;
      return;
    }
    entry = parsed;
    left = parsed.sizeBytes;
    padding = (blockBytes - (left % blockBytes)) % blockBytes;
    text = [];
    if (parsed.kind === "file") {
      await sink.begin(normalizePath(longName ?? parsed.path, where), left);
      longName = undefined;
    } else if (parsed.kind !== "skipped" && left > 1 << 20) {
      throw new FormatError(`${where}: byte ${offset}: a file name of ${left} bytes.`);
    }
    if (left === 0) await finishEntry();
  }

  for await (const piece of pieces) {
    let at = 0;
    while (at < piece.length && !finished) {
      if (entry === undefined && padding > 0) {
        const count = Math.min(padding, piece.length - at);
        padding -= count;
        at += count;
        offset += count;
      } else if (entry === undefined) {
        const count = Math.min(blockBytes - filled, piece.length - at);
        header.set(piece.subarray(at, at + count), filled);
        filled += count;
        at += count;
        offset += count;
        if (filled === blockBytes) {
          filled = 0;
          await startEntry();
        }
      } else {
        const part = piece.subarray(at, at + left);
        if (entry.kind === "file") await sink.write(part);
        else if (entry.kind !== "skipped") text.push(...part);
        left -= part.length;
        at += part.length;
        offset += part.length;
        if (left === 0) await finishEntry();
      }
    }
  }
  if (!finished && (entry !== undefined || filled > 0)) {
    throw new FormatError(
      `${where}: the archive is cut off after ${offset} bytes; get a complete copy.`,
    );
  }
}

interface Entry {
  readonly kind: "file" | "gnuName" | "pax" | "skipped";
  readonly path: string;
  readonly sizeBytes: number;
}

// A block of zeros ends the archive.
function parseHeader(block: Uint8Array, where: string): Entry | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  const stated = readOctal(block, 148, 8);
  // The checksum is taken with its own field as spaces.
  const sum = block.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
  if (sum !== stated) {
    throw new FormatError(
      `${where}: tar checksum ${stated}, computed ${sum}: this is no tar archive, or a damaged one.`,
    );
  }
  const name = readText(block, 0, 100);
  const prefix = readText(block, 257, 6).startsWith("ustar") ? readText(block, 345, 155) : "";
  const type = String.fromCharCode(block[156]!);
  const path = prefix === "" ? name : `${prefix}/${name}`;
  const kinds: Readonly<Record<string, Entry["kind"]>> = {
    "0": "file",
    "\0": "file",
    L: "gnuName",
    x: "pax",
  };
  const kind = path.endsWith("/") ? "skipped" : (kinds[type] ?? "skipped");
  return { kind, path, sizeBytes: readOctal(block, 124, 12) };
}

function readText(block: Uint8Array, at: number, length: number): string {
  const bytes = block.subarray(at, at + length);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

// GNU writes sizes above 8 GiB in binary, marked by the top bit.
function readOctal(block: Uint8Array, at: number, length: number): number {
  if (block[at]! & 0x80) {
    return block.subarray(at + 1, at + length).reduce((value, byte) => value * 256 + byte, 0);
  }
  return Number.parseInt(readText(block, at, length).trim() || "0", 8);
}

// Records "LENGTH KEY=VALUE\n".
function paxPath(content: string): string | undefined {
  return /(?:^|\n)\d+ path=([^\n]*)\n/.exec(content)?.[1];
}
