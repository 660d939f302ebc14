import process from "node:process";
import { RandomStream } from "../../src/core/random.ts";
import type { Codecs } from "../../src/data/decode/codecs.ts";
import { decodeImage } from "../../src/data/decode/decodeImage.ts";
import { checksum } from "../../src/data/decode/png.ts";

/** What became of one altered file. */
export interface FuzzFinding {
  readonly seedFile: string;
  readonly number: number;
  readonly problem: string;
  readonly bytes: Uint8Array;
}

export interface FuzzTally {
  readonly inputs: number;
  readonly decoded: number;
  readonly refused: number;
  readonly slowestMs: number;
  readonly findings: readonly FuzzFinding[];
}

export interface FuzzOptions {
  readonly seed: number;
  readonly inputs: number;
  /** An input that takes longer is a finding. Default 5,000. Processor time: others use the machine, too. */
  readonly maxMs?: number;
  readonly maxPixels?: number;
  onProgress?(done: number): void;
}

const expectedErrors = ["DataError", "FormatError", "UnsupportedError"];

/**
 * Decodes altered copies of sound files. Each must give an image of the size its header says or one of
 * the three errors that describe a file, and soon; anything else is a finding. Input `number` depends
 * on the seed and the number alone.
 */
export async function fuzzDecoders(
  files: readonly { readonly name: string; readonly bytes: Uint8Array }[],
  codecs: Codecs,
  options: FuzzOptions,
): Promise<FuzzTally> {
  const { seed, inputs, maxMs = 5000, maxPixels = 4_000_000 } = options;
  const findings: FuzzFinding[] = [];
  let decoded = 0;
  let refused = 0;
  let slowestMs = 0;
  for (let number = 0; number < inputs; number++) {
    const random = new RandomStream(seed, `fuzz/${number}`);
    const file = files[random.integer(files.length)]!;
    const bytes = alter(file.bytes, random);
    const report = (problem: string): void => {
      findings.push({ seedFile: file.name, number, problem, bytes });
    };
    const allowTruncated = random.uniform() < 0.5;
    const start = process.cpuUsage();
    try {
      const image = await decodeImage(bytes, codecs, { maxPixels, allowTruncated });
      decoded++;
      if (image.data.length !== image.width * image.height * 3) report("size and pixels differ");
    } catch (error) {
      refused++;
      if (!(error instanceof Error && expectedErrors.includes(error.name))) report(String(error));
    }
    const { user, system } = process.cpuUsage(start);
    const elapsed = (user + system) / 1000;
    slowestMs = Math.max(slowestMs, elapsed);
    if (elapsed > maxMs) report(`took ${elapsed.toFixed(0)} ms`);
    options.onProgress?.(number + 1);
  }
  return { inputs, decoded, refused, slowestMs, findings };
}

/** Flips bits, writes telling values, cuts, repeats or removes pieces: one to eight changes, half of the time one. */
function alter(original: Uint8Array, random: RandomStream): Uint8Array {
  let bytes = original.slice();
  const changes = 1 + random.integer(random.uniform() < 0.5 ? 1 : 8);
  for (let i = 0; i < changes && bytes.length > 1; i++) {
    const at = random.integer(bytes.length);
    switch (random.integer(6)) {
      case 0:
        bytes[at]! ^= 1 << random.integer(8);
        break;
      case 1:
        bytes[at] = random.integer(256);
        break;
      case 2:
        bytes[at] = [0, 1, 0x7f, 0x80, 0xfe, 0xff][random.integer(6)]!;
        break;
      case 3:
        bytes = bytes.slice(0, at);
        break;
      case 4:
        bytes = join(bytes.subarray(0, at), bytes.subarray(at + 1 + random.integer(16)));
        break;
      default:
        bytes = join(bytes.subarray(0, at), bytes.subarray(Math.max(0, at - random.integer(64))));
    }
    // Headers decide most: some of the changes go there as well.
    if (random.uniform() < 0.2 && bytes.length > 1) {
      bytes[random.integer(Math.min(64, bytes.length))] = random.integer(256);
    }
  }
  if (random.uniform() < 0.5) repairChecksums(bytes);
  return bytes;
}

// With right checksums the damage of a PNG reaches what lies behind their check.
function repairChecksums(bytes: Uint8Array): void {
  if (bytes[0] !== 0x89 || bytes[1] !== 0x50) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 12 <= bytes.length; ) {
    const end = at + 8 + view.getUint32(at);
    if (end + 4 > bytes.length) return;
    view.setUint32(end, checksum(bytes.subarray(at + 4, end)));
    at = end + 4;
  }
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
