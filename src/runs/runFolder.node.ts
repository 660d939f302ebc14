import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { DataError, FormatError } from "../core/errors.ts";
import { writeFileAtomic } from "../formats/atomicWrite.node.ts";
import type { Backend } from "../plan/backend.ts";
import type { Choice } from "./choosePlan.ts";
import { type Plan, parsePlan } from "./plan.ts";

/** Names in a run folder. */
export const runFiles = {
  config: "config.json",
  metrics: "metrics.jsonl",
  last: "checkpoints/last",
  best: "checkpoints/best",
  model: "model",
  split: "split.jsonl",
  predictions: "predictions.jsonl",
  report: "report.json",
  page: "report.html",
} as const;

/** `config.json`: what was asked for, what was decided, and on which data. */
export interface RunConfig {
  /** Version of Striate that began the run. */
  readonly version: string;
  readonly created: string;
  /** The command as it was typed, to be typed again. */
  readonly command: readonly string[];
  readonly data: {
    readonly path: string;
    readonly name: string;
    readonly format: string;
    /** Of the usable images' names and labels: tells whether the data is still the same. */
    readonly fingerprint: string;
    readonly onBad: "skip" | "stop";
  };
  /** What computes: the parts of {@link Backend} that the bits of the result depend on. */
  readonly engine: Pick<Backend, "name" | "winograd">;
  /** Flags as given; `--config` reads them from here. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly choices: readonly Choice[];
  readonly plan: Plan;
}

const configSchema = z.object({
  format: z.literal("striate-run-1"),
  version: z.string(),
  created: z.string(),
  command: z.array(z.string()),
  data: z.object({
    path: z.string(),
    name: z.string(),
    format: z.string(),
    fingerprint: z.string(),
    onBad: z.enum(["skip", "stop"]),
  }),
  engine: z.object({ name: z.enum(["reference", "wasm", "webgpu"]), winograd: z.boolean() }),
  options: z.record(z.string(), z.unknown()),
  choices: z.array(z.object({ what: z.string(), value: z.string(), why: z.string() })),
  plan: z.unknown(),
});

/**
 * Makes sure that a run can be written to `folder`: it is not there, is empty, or is an earlier run and may be
 * replaced. Makes it, but removes nothing yet: a command that fails before it begins must not cost a run.
 *
 * @throws DataError where something is there that must not be lost.
 */
export async function checkRunFolder(folder: string, overwrite: boolean): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTDIR" && error.code !== "EEXIST") throw error;
    throw new DataError(`out "${folder}": there is a file of this name; name a folder.`);
  });
  const entries = await readdir(folder);
  // A run that was killed before it had begun leaves these; nothing is lost with them.
  const kept = entries.filter((name) => name !== runFiles.split && !isTemporary(name));
  if (kept.length === 0) return;
  const isRun = entries.includes(runFiles.config) && (await isRunConfig(folder));
  if (!overwrite) {
    const hint = isRun
      ? `It is a run: continue it with "striate resume ${folder}", replace it with --overwrite, or choose another --out.`
      : "Choose another --out.";
    throw new DataError(`out "${folder}" is there already and not empty. ${hint}`);
  }
  if (!isRun) {
    throw new DataError(
      `out "${folder}" holds something that is not a run, so --overwrite does not remove it; choose another --out.`,
    );
  }
}

/** Empties the folder of a new run, if {@link checkRunFolder} allows it. */
export async function claimRunFolder(folder: string, overwrite: boolean): Promise<void> {
  await checkRunFolder(folder, overwrite);
  if (overwrite) await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
}

/** Removes what a killed process was writing: files that were never renamed to their place. */
export async function removeTemporaryFiles(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (entry.isFile() && isTemporary(entry.name)) await rm(join(entry.parentPath, entry.name));
  }
}

/** Whether a name is one that files have while they are written. */
function isTemporary(name: string): boolean {
  return /\.\d+\.[0-9a-f]{8}\.tmp$/.test(name);
}

/** Whether a run was begun there. */
export async function hasRun(folder: string): Promise<boolean> {
  return (await stat(join(folder, runFiles.config)).catch(() => undefined)) !== undefined;
}

/** The first of `runs/<name>`, `runs/<name>-2`, … that is not there yet. */
export async function freeRunFolder(name: string): Promise<string> {
  const clean = name.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[.-]+/, "") || "run";
  for (let number = 1; ; number++) {
    const folder = join("runs", number === 1 ? clean : `${clean}-${number}`);
    if ((await stat(folder).catch(() => undefined)) === undefined) return folder;
  }
}

export async function writeRunConfig(folder: string, config: RunConfig): Promise<void> {
  const text = JSON.stringify({ format: "striate-run-1", ...config }, null, 2);
  await writeFileAtomic(join(folder, runFiles.config), `${text}\n`);
}

/** @throws DataError where there is no run; FormatError where its configuration cannot be read. */
export async function readRunConfig(folder: string): Promise<RunConfig> {
  const path = join(folder, runFiles.config);
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT" && error.code !== "ENOTDIR") throw error;
    throw new DataError(
      `run "${resolve(folder)}": there is no ${runFiles.config}; expected a folder that "striate train" wrote.`,
    );
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new FormatError(`${path}: not valid JSON: ${(error as Error).message}`);
  }
  const parsed = configSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new FormatError(`${path}: ${issue?.path.join(".")}: ${issue?.message}`);
  }
  const { format: _, plan, ...rest } = parsed.data;
  return { ...rest, plan: parsePlan(plan, path) };
}

async function isRunConfig(folder: string): Promise<boolean> {
  return readRunConfig(folder).then(
    () => true,
    () => false,
  );
}
