import { appendFile, readFile } from "node:fs/promises";
import { totalmem } from "node:os";
import { join } from "node:path";
import { DataError, FormatError, TrainingError } from "../core/errors.ts";
import { createBatches } from "../data/batches/batches.ts";
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
import { type Tensors, Trainer } from "../train/trainer.ts";
import { readCheckpoint, writeCheckpoint } from "./checkpointFile.node.ts";
import { choosePlan } from "./choosePlan.ts";
import { type Plan, planAugmentation, planRecipe, planSchedule } from "./plan.ts";
import { normalizationOf, scanImages } from "./prepareData.node.ts";
import {
  dataPath,
  evaluationBatches,
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
import { readModel } from "./trainedModel.node.ts";
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
}

/** Opens the data, decides everything, and lays out the run folder. Nothing is trained yet. */
export async function startRun(request: NewRun, context: RunContext): Promise<OpenRun> {
  const { folder, options, seed } = request;
  const { listener, signal, threads } = context;
  const set = await openTrainingData(request.data);
  await checkRunFolder(folder, request.overwrite);
  listener({ type: "progress", phase: "scan", done: 0, total: 1 });
  const scan = await scanImages(set, { threads, ...(signal === undefined ? {} : { signal }) });
  const { plan: draft, choices } = choosePlan(set, scan, options, seed);
  const onBad = options.onBad ?? "skip";
  const parts =
    options.split === undefined
      ? { seed, ...pick(options, "val", "test") }
      : { file: options.split };
  const data = await loadRunData(set, draft.geometry, parts, { listener, onBad, threads, signal });
  const { weighClasses, ...rest } = draft;
  const plan: Plan = {
    ...rest,
    normalization: await normalizationOf(data.prepared, data.split.train),
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
    options: { ...options, seed },
    choices,
    plan,
  };
  listener({ type: "plan", plan, choices });
  const { prepared, split, groups } = data;
  await claimRunFolder(folder, request.overwrite);
  await writeFileAtomic(join(folder, runFiles.split), formatSplit(prepared.set, split, groups));
  await writeRunConfig(folder, config);
  return { folder, config, data, checkpoint: undefined };
}

/** Opens a run that was begun, with its last checkpoint if there is one. */
export async function reopenRun(folder: string, context: RunContext): Promise<OpenRun> {
  const { listener, threads, signal } = context;
  const config = await readRunConfig(folder);
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
  return { folder, config, data, checkpoint };
}

/** Trains to the end of the plan, or to an interruption, from the checkpoint if there is one. */
export async function trainRun(run: OpenRun, context: RunContext): Promise<TrainingOutcome> {
  const { folder, config, data, checkpoint } = run;
  const { listener, backend, signal } = context;
  const { plan, options } = config;
  const schedule = planSchedule(plan);
  const session = await backend.open();
  let events: EventFile | undefined;
  try {
    const trainer = new Trainer({
      recipe: planRecipe(plan),
      session,
      seed: plan.seed,
      scheduledMomentum: schedule.momentum !== undefined,
    });

    const train = createBatches(data.prepared, {
      indices: data.split.train,
      batchSize: plan.batch,
      phase: "train",
      seed: plan.seed,
      sampling: plan.sampling,
      ...planAugmentation(plan),
    });
    const val = evaluationBatches(data.prepared, data.split.val, plan.batch);
    const training = runTraining({
      trainer,
      train,
      val,
      epochs: plan.epochs,
      schedule,
      memoryLimitBytes: memoryLimit(options.memoryLimit),
      ...(plan.patience === null ? {} : { patience: plan.patience }),
      ...(typeof options.checkpointSeconds === "number"
        ? { checkpointSeconds: options.checkpointSeconds }
        : {}),
      ...(checkpoint === undefined ? {} : { resume: checkpoint }),
      ...(await initialWeights(options.weights, trainer)),
      ...(signal === undefined ? {} : { signal }),
    });
    // Lines after the checkpoint belong to epochs that will be trained again.
    await writeMetrics(folder, checkpoint?.history ?? []);
    for (;;) {
      const next = await training.next();
      if (next.done === true) {
        listener({ type: "trained", outcome: next.value });
        return next.value;
      }
      const event = next.value;
      if (event.type === "epoch") {
        await appendFile(join(folder, runFiles.metrics), formatEpoch(event.record));
        events ??= await openEventFile(folder);
        await events.append(scalarsRecord(timeOf(event.record), scalarsOf(event.record)));
      } else if (event.type === "best") {
        await writeBest(folder, event.record, event.weights);
      } else if (event.type === "checkpoint") {
        await writeCheckpoint(join(folder, runFiles.last), event.checkpoint);
      }
      listener({ type: "training", event, epochs: plan.epochs });
    }
  } finally {
    await events?.close();
    await session.close();
  }
}

const bestFile = "model.safetensors";

/** Weights of the best epoch on validation. */
export async function readBest(folder: string): Promise<Tensors> {
  const file = await readSafetensors(await openFile(join(folder, runFiles.best, bestFile)));
  return readTensors(file);
}

async function writeBest(folder: string, record: EpochRecord, weights: Tensors): Promise<void> {
  const metadata = { format: "pt", epoch: String(record.epoch) };
  const path = join(folder, runFiles.best, bestFile);
  await writeFileAtomic(path, safetensorsChunks(new Map(weights), metadata));
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

/** Weights to begin from: a model folder's or a file's, matched by name and shape. */
async function initialWeights(
  path: unknown,
  trainer: Trainer,
): Promise<{ readonly weights?: Tensors }> {
  if (typeof path !== "string") return {};
  const given = path.endsWith(".safetensors")
    ? await readTensors(await readSafetensors(await openFile(path)))
    : (await readModel(path)).weights;
  const weights = new Map(
    trainer.parameters.flatMap(({ name, shape }) => {
      const tensor = given.get(name);
      return tensor?.shape.join() === shape.join() ? [[name, tensor] as const] : [];
    }),
  );
  if (weights.size === 0) {
    throw new FormatError(
      `weights "${path}": none of its ${given.size} tensors has the name and shape of one of the net's ${trainer.parameters.length}; was it another net?`,
    );
  }
  return { weights };
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
