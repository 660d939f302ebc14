import { appendFile, readFile } from "node:fs/promises";
import { totalmem } from "node:os";
import { join } from "node:path";
import { DataError, OptionError, TrainingError } from "../core/errors.ts";
import { countClasses, type DataSet } from "../data/manifest.ts";
import { formatSplit } from "../data/split/splitFile.ts";
import { writeFileAtomic } from "../formats/atomicWrite.node.ts";
import { openFile } from "../formats/fileSource.node.ts";
import { readSafetensors } from "../formats/safetensors/read.ts";
import { safetensorsChunks } from "../formats/safetensors/write.ts";
import { type EventFile, openEventFile } from "../formats/tensorboard/eventFile.node.ts";
import { scalarsRecord } from "../formats/tensorboard/write.ts";
import { readTensors } from "../formats/tensorFile.ts";
import type { Backend } from "../plan/backend.ts";
import type { Checkpoint } from "../train/checkpoint.ts";
import type { EpochRecord } from "../train/history.ts";
import { runTraining, type TrainingOutcome } from "../train/runTraining.ts";
import type { Tensors } from "../train/trainer.ts";
import { readCheckpoint, writeCheckpoint } from "./checkpointFile.node.ts";
import { choosePlan } from "./choosePlan.ts";
import { type Plan, planSchedule } from "./plan.ts";
import { normalizationOf, scanImages } from "./prepareData.node.ts";
import {
  dataPath,
  fingerprint,
  loadRunData,
  openTrainingData,
  type RunData,
} from "./runData.node.ts";
import type { RunListener } from "./runEvent.ts";
import {
  checkRunFolder,
  claimRunFolder,
  type RunConfig,
  readRunConfig,
  removeTemporaryFiles,
  runFiles,
  writeRunConfig,
} from "./runFolder.node.ts";
import { openStart, type StartModel } from "./startModel.node.ts";
import { trainingWork } from "./trainingWork.node.ts";
import type { TrainOptions } from "./trainOptions.ts";

/** What every piece of work on a run is given. */
export interface RunContext {
  readonly backend: Backend;
  readonly listener: RunListener;
  /** Threads that decode; those that compute are the backend's. */
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface NewRun {
  /** Path of the data. */
  readonly data: string;
  /** Folder of the run. */
  readonly folder: string;
  readonly overwrite: boolean;
  readonly options: TrainOptions;
  readonly seed: number;
  readonly version: string;
  readonly command: readonly string[];
}

/** A run with its data at hand, to be trained, continued or evaluated. */
export interface OpenRun {
  readonly folder: string;
  readonly config: RunConfig;
  readonly data: RunData;
  readonly checkpoint: Checkpoint | undefined;
  /** What it begins from. */
  readonly start: StartModel | undefined;
}

/** Opens the data, decides everything, and lays out the run folder. Nothing is trained yet. */
export async function startRun(request: NewRun, context: RunContext): Promise<OpenRun> {
  const { folder, options, seed } = request;
  const { backend, listener, signal, threads } = context;
  const set = await openTrainingData(request.data);
  await checkRunFolder(folder, request.overwrite);
  listener({ type: "progress", phase: "scan", done: 0, total: 1 });
  const scan = await scanImages(set, { threads, ...(signal === undefined ? {} : { signal }) });
  const start =
    options.weights === undefined ? undefined : await openStart(options.weights, options, signal);
  const { plan: draft, choices } = choosePlan(set, scan, options, seed, start);
  const onBad = options.onBad ?? "skip";
  const parts =
    options.split === undefined
      ? { seed, ...pick(options, "val", "test") }
      : { file: options.split };
  const data = await loadRunData(set, draft.geometry, parts, { listener, onBad, threads, signal });
  const { weighClasses, ...rest } = draft;
  const plan: Plan = {
    ...rest,
    normalization: draft.normalization ?? (await normalizationOf(data.prepared, data.split.train)),
    classWeights: weighClasses ? balancedWeights(data) : null,
  };
  const config: RunConfig = {
    version: request.version,
    created: new Date().toISOString(),
    command: request.command,
    data: {
      path: dataPath(request.data),
      name: set.name,
      format: set.format,
      fingerprint: fingerprint(data.prepared.set),
      onBad,
    },
    engine: { name: backend.name, winograd: backend.winograd },
    options: { ...options, seed },
    choices,
    plan,
  };
  listener({ type: "plan", plan, choices });
  const { prepared, split, groups } = data;
  await claimRunFolder(folder, request.overwrite);
  await writeFileAtomic(join(folder, runFiles.split), formatSplit(prepared.set, split, groups));
  await writeRunConfig(folder, config);
  return { folder, config, data, checkpoint: undefined, start };
}

/**
 * Opens a run that was begun, with its last checkpoint if there is one.
 *
 * @throws OptionError for another engine than the run's, which would not go on to the same bits.
 */
export async function reopenRun(folder: string, context: RunContext): Promise<OpenRun> {
  const { backend, listener, threads, signal } = context;
  const config = await readRunConfig(folder);
  const given = engineFlags(backend);
  const expected = engineFlags(config.engine);
  if (given !== expected) {
    throw new OptionError(
      `"${folder}" was begun with ${expected}, and would not go on to the same result with ${given}; give the same, or train anew.`,
    );
  }
  await removeTemporaryFiles(folder);
  const set = await openTrainingData(config.data.path);
  const data = await loadRunData(
    set,
    config.plan.geometry,
    { file: join(folder, runFiles.split) },
    { listener, onBad: config.data.onBad, threads, signal },
  );
  checkSameData(config, data.prepared.set);
  const checkpoint = await readCheckpoint(join(folder, runFiles.last)).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    },
  );
  const start = await reopenStart(config, signal);
  return { folder, config, data, checkpoint, start };
}

/** What computes, as flags of the command line. */
function engineFlags({ name, winograd }: RunConfig["engine"]): string {
  return name === "wasm"
    ? `--backend wasm --winograd ${winograd ? "auto" : "off"}`
    : `--backend ${name}`;
}

/** The weights that a run began from, once more. */
async function reopenStart(
  { plan, options }: RunConfig,
  signal: AbortSignal | undefined,
): Promise<StartModel | undefined> {
  const { weights, net, variant } = options;
  if (typeof weights !== "string") return undefined;
  const text = (value: unknown) => (typeof value === "string" ? value : undefined);
  const start = await openStart(weights, { net: text(net), variant: text(variant) }, signal);
  if (plan.transfer !== null && plan.transfer.sha256 !== start.sha256) {
    throw new TrainingError(
      `weights "${weights}" have changed since the run began, so it cannot go on to the same result; bring them back, or train anew.`,
    );
  }
  return start;
}

/** Trains to the end of the plan, or to an interruption, from the checkpoint if there is one. */
export async function trainRun(run: OpenRun, context: RunContext): Promise<TrainingOutcome> {
  const { folder, config, checkpoint } = run;
  const { listener, backend, signal } = context;
  const { plan, options } = config;
  const session = await backend.open();
  let events: EventFile | undefined;
  try {
    const work = await trainingWork(run, session, context);
    const training = runTraining({
      trainer: work.trainer,
      ...(work.trainerAt === undefined ? {} : { trainerAt: work.trainerAt }),
      train: work.train,
      val: work.val,
      epochs: plan.epochs,
      schedule: planSchedule(plan),
      memoryLimitBytes: memoryLimit(options.memoryLimit),
      ...(plan.patience === null ? {} : { patience: plan.patience }),
      ...(typeof options.checkpointSeconds === "number"
        ? { checkpointSeconds: options.checkpointSeconds }
        : {}),
      ...(checkpoint === undefined ? {} : { resume: checkpoint }),
      ...(work.weights === undefined ? {} : { weights: work.weights }),
      ...(signal === undefined ? {} : { signal }),
    });
    // Lines after the checkpoint belong to epochs that will be trained again.
    await writeMetrics(folder, checkpoint?.history ?? []);
    let last = checkpoint?.tensors;
    for (;;) {
      const next = await training.next();
      if (next.done === true) {
        if (plan.keep === "last" && isExtract(plan) && last !== undefined) {
          await writeWeights(
            join(folder, runFiles.last),
            next.value.history.length,
            work.whole(last),
          );
        }
        listener({ type: "trained", outcome: next.value });
        return next.value;
      }
      const event = next.value;
      if (event.type === "epoch") {
        await appendFile(join(folder, runFiles.metrics), formatEpoch(event.record));
        events ??= await openEventFile(folder);
        await events.append(scalarsRecord(timeOf(event.record), scalarsOf(event.record)));
      } else if (event.type === "best") {
        const { record, weights } = event;
        await writeWeights(join(folder, runFiles.best), record.epoch, work.whole(weights));
      } else if (event.type === "checkpoint") {
        last = event.checkpoint.tensors;
        await writeCheckpoint(join(folder, runFiles.last), event.checkpoint);
      }
      listener({ type: "training", event, epochs: plan.epochs });
    }
  } finally {
    await events?.close();
    await session.close();
  }
}

const weightsFile = "model.safetensors";

/** Whether a classifier was trained on codes: the last checkpoint holds it alone, and the whole net lies beside it. */
export function isExtract({ transfer }: Plan): boolean {
  return transfer?.mode === "extract";
}

/** Weights of the whole net in a checkpoint's folder: of the best epoch on validation, or of the last. */
export async function readWeights(folder: string, which: "best" | "last"): Promise<Tensors> {
  const file = await readSafetensors(await openFile(join(folder, runFiles[which], weightsFile)));
  return readTensors(file);
}

async function writeWeights(folder: string, epoch: number, weights: Tensors): Promise<void> {
  const metadata = { format: "pt", epoch: String(epoch) };
  const chunks = safetensorsChunks(new Map(weights), metadata);
  await writeFileAtomic(join(folder, weightsFile), chunks);
}

function checkSameData({ data }: RunConfig, set: DataSet): void {
  if (fingerprint(set) === data.fingerprint) return;
  throw new DataError(
    `data "${data.path}" has changed since the run began (images came, went or were moved), so it cannot go on to the same result; train anew, or bring the images back.`,
  );
}

/** Rare classes weigh more: `n/(classes · n_class)`, as scikit-learn's "balanced". */
function balancedWeights({ prepared, split }: RunData): number[] {
  const counts = countClasses(prepared.set, split.train);
  const filled = counts.filter((count) => count > 0).length;
  return counts.map((count) => (count === 0 ? 0 : split.train.length / (filled * count)));
}

function memoryLimit(mebibytes: unknown): number {
  return typeof mebibytes === "number" ? mebibytes * 2 ** 20 : totalmem() * 0.75;
}

async function writeMetrics(folder: string, history: readonly EpochRecord[]): Promise<void> {
  await writeFileAtomic(join(folder, runFiles.metrics), history.map(formatEpoch).join(""));
}

/** The epochs in `metrics.jsonl`. */
export async function readMetrics(folder: string): Promise<EpochRecord[]> {
  const text = await readFile(join(folder, runFiles.metrics), "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as EpochRecord);
}

function formatEpoch(record: EpochRecord): string {
  return `${JSON.stringify(record)}\n`;
}

function timeOf(record: EpochRecord): { step: number; timeMs: number } {
  return { step: record.epoch, timeMs: Date.now() };
}

function scalarsOf({ train, val, lr, imagesPerSecond }: EpochRecord): Record<string, number> {
  return {
    "loss/train": train.loss,
    "accuracy/train": train.accuracy,
    ...(val === undefined ? {} : { "loss/val": val.loss, "accuracy/val": val.accuracy }),
    "rate/learning": lr,
    "speed/images_per_second": imagesPerSecond,
  };
}

/** @throws TrainingError unless the run was trained far enough to have a model. */
export function requireEpoch(history: readonly EpochRecord[], folder: string): void {
  if (history.length > 0) return;
  throw new TrainingError(
    `run "${folder}" was stopped before its first epoch was over; continue it with "striate resume ${folder}".`,
  );
}

function pick<T extends object, K extends keyof T>(from: T, ...keys: K[]): Pick<T, K> {
  const entries = keys.filter((key) => from[key] !== undefined).map((key) => [key, from[key]]);
  return Object.fromEntries(entries) as Pick<T, K>;
}
