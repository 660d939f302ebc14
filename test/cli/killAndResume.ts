import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { RandomStream } from "../../src/core/random.ts";
import { openFile } from "../../src/formats/fileSource.node.ts";
import { readSafetensors } from "../../src/formats/safetensors/read.ts";
import { striate } from "./commandLine.ts";

export interface KillReport {
  readonly kills: number;
  /** Kills that hit a run before its training had begun, while it trained, and after. */
  readonly uninterrupted: string;
  readonly resumed: string;
  /** Files that could not be read after a kill. */
  readonly broken: readonly string[];
}

/**
 * Trains once without interruption, then again and again with `kill -9` at random moments, each time going on
 * with the same command, and compares the final weights. After each kill every file of the run is read.
 */
export async function killAndResume(
  data: string,
  folder: string,
  kills: number,
  seed: number,
): Promise<KillReport> {
  const train = (out: string) => [
    "train",
    data,
    ...["--net", "lenet5", "--input", "32x32x3", "--epochs", "4", "--batch", "8"],
    ...[
      "--ema",
      "0.9",
      "--checkpoint-seconds",
      "0",
      "--threads",
      "1",
      "--resume",
      "--json",
      "--out",
      out,
    ],
  ];
  const started = performance.now();
  const whole = await striate(train(join(folder, "whole")));
  const wholeMs = performance.now() - started;
  const random = new RandomStream(seed, "kills");
  const broken: string[] = [];
  let done = 0;
  for (let run = 0; done < kills; run++) {
    const out = join(folder, `killed${run}`);
    for (let attempt = 0; attempt < 6 && done < kills; attempt++) {
      const ended = await striate(train(out), {
        killAfterMs: 200 + random.uniform() * wholeMs * 0.9,
      });
      if (ended.code !== null) break;
      done++;
      broken.push(...(await unreadable(out)));
    }
    const ended = await striate(train(out));
    const resumed = weightsOf(ended.stdout, ended.stderr);
    if (resumed !== weightsOf(whole.stdout, whole.stderr)) {
      return { kills: done, uninterrupted: weightsOf(whole.stdout, whole.stderr), resumed, broken };
    }
  }
  const sha256 = weightsOf(whole.stdout, whole.stderr);
  return { kills: done, uninterrupted: sha256, resumed: sha256, broken };
}

function weightsOf(stdout: string, stderr: string): string {
  if (stdout === "") throw new Error(`no result: ${stderr}`);
  return (JSON.parse(stdout) as { weightsSha256: string }).weightsSha256;
}

/** Files of a run that are half written; those still under their temporary names do not count. */
async function unreadable(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const found: string[] = [];
  for (const entry of entries) {
    if (!entry.isFile() || entry.name.endsWith(".tmp")) continue;
    const path = join(entry.parentPath, entry.name);
    try {
      if (path.endsWith(".safetensors")) {
        for (const tensor of (await readSafetensors(await openFile(path))).tensors.values()) {
          await tensor.read();
        }
      } else if (path.endsWith(".json")) JSON.parse(await readFile(path, "utf8"));
      else if (path.endsWith(".jsonl")) {
        const lines = (await readFile(path, "utf8")).split("\n");
        if (lines.pop() !== "") throw new Error("the last line has no end");
        for (const line of lines) JSON.parse(line);
      }
    } catch (error) {
      found.push(`${path}: ${(error as Error).message}`);
    }
  }
  return found;
}
