import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../src/cli/main.node.ts", import.meta.url));

/** A folder of its own for one test file; the cache of decoded images lies in it, too. */
export const workFolder: string = mkdtempSync(join(tmpdir(), "striate-test-"));

export interface Ended {
  /** Null where it was killed. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Sends SIGKILL after so long. */
  readonly killAfterMs?: number;
  /** Sends SIGINT when stderr matches. */
  readonly interruptAt?: RegExp;
  readonly cwd?: string;
  /** Variables beside those of the tests; undefined takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Runs the command line in a process of its own, as a user does. */
export function striate(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = spawn(process.execPath, ["--conditions=source", main, ...args], {
    cwd: options.cwd ?? workFolder,
    env: {
      ...process.env,
      STRIATE_CACHE: join(workFolder, "cache"),
      NO_COLOR: "1",
      ...options.env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  let interrupted = false;
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
    if (options.interruptAt?.test(stderr) && !interrupted) {
      interrupted = true;
      child.kill("SIGINT");
    }
  });
  const timer =
    options.killAfterMs === undefined
      ? undefined
      : setTimeout(() => child.kill("SIGKILL"), options.killAfterMs);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr });
    });
  });
}
