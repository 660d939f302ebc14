import { cpus } from "node:os";
import { basename, join } from "node:path";
import process from "node:process";
import { countClasses } from "../data/manifest.ts";
import { leakedItems, naiveSplit } from "../data/split/splitData.ts";
import { writeFileAtomic } from "../formats/atomicWrite.node.ts";
import type { ModelCard } from "../formats/huggingface/modelCard.ts";
import { wilsonInterval } from "../metrics/wilsonInterval.ts";
import { summarize } from "../models/summary.ts";
import { averageName } from "../optim/averageWeights.ts";
import type { Backend } from "../plan/backend.ts";
import type { ReportPictures } from "../report/pictures.ts";
import { renderReport } from "../report/reportHtml.ts";
import {
  linearBaseline,
  majorityBaseline,
  nearestNeighbourBaseline,
  nearestNeighbours,
} from "../train/baselines.ts";
import { measureCost } from "../train/cost.ts";
import { bestEpoch, type EpochRecord } from "../train/history.ts";
import {
  type Evaluation,
  evaluatePredictions,
  formatPredictions,
  type Prediction,
} from "../train/predictions.ts";
import { Predictor } from "../train/predictor.ts";
import { predictSet } from "../train/predictSet.ts";
import type { Baseline, LeakReport, MachineRecord, RunRecord } from "../train/record.ts";
import type { TrainingOutcome } from "../train/runTraining.ts";
import type { Tensors } from "../train/trainer.ts";
import { readCheckpoint } from "./checkpointFile.node.ts";
import type { Model } from "./model.ts";
import { evenChoice, pixelTable } from "./pixelTable.ts";
import { planNet } from "./plan.ts";
import { reportPictures } from "./reportPictures.ts";
import { evaluationBatches, type RunData } from "./runData.node.ts";
import { runFiles } from "./runFolder.node.ts";
import { type StudyOptions, study } from "./studies.ts";
import { writeModel } from "./trainedModel.node.ts";
import {
  isExtract,
  type OpenRun,
  type RunContext,
  readWeights,
  requireEpoch,
} from "./trainRun.node.ts";

/** What a finished run leaves in memory for whoever draws the page. */
export interface FinishedRun {
  readonly record: RunRecord;
  readonly predictions: readonly Prediction[];
}

const trainSample = 2000;
const baselineTrain = 5000;
const baselineVal = 1000;

/**
 * Takes the weights that are to be kept, judges them on the validation images, and writes the model, the predictions
 * and `report.json`. Everything it writes is a function of the run's checkpoints and data, so it can be done again.
 *
 * @throws TrainingError when no epoch was finished.
 */
export async function finishRun(
  run: OpenRun,
  outcome: TrainingOutcome,
  context: RunContext,
  studies?: StudyOptions,
): Promise<FinishedRun> {
  const { folder, config, data } = run;
  const { plan } = config;
  const { backend, listener } = context;
  const { history } = outcome;
  requireEpoch(history, folder);
  const best = bestEpoch(history) ?? history.at(-1)!;
  const isBest = plan.keep === "best";
  const stored =
    isBest || isExtract(plan)
      ? await readWeights(folder, plan.keep)
      : await lastWeights(folder, plan.ema !== null);
  const net = planNet(plan);
  const session = await backend.open();
  let predictions: Prediction[];
  let trainPredictions: Prediction[];
  let weights: Tensors;
  try {
    const predictor = new Predictor({
      net: net.layer,
      input: net.input,
      classes: plan.classes.length,
      normalization: plan.normalization,
      loss: plan.loss,
      weights: stored,
      session,
    });
    // A checkpoint holds the optimizer's slots, too.
    weights = new Map(predictor.parameters.map(({ name }) => [name, stored.get(name)!]));
    const { prepared, split } = data;
    const judged = (indices: readonly number[]) =>
      predictSet(
        predictor,
        evaluationBatches(prepared, indices, plan.batch),
        prepared.set,
        (done, total) => listener({ type: "progress", phase: "validate", done, total }),
      );
    predictions = await judged(split.val);
    trainPredictions = await judged(evenChoice(split.train, trainSample));
  } finally {
    await session.close();
  }
  const val = evaluatePredictions(predictions, plan.classes);
  const train = evaluatePredictions(trainPredictions, plan.classes);
  const model: Model = {
    net,
    classes: plan.classes,
    geometry: plan.geometry,
    normalization: plan.normalization,
    loss: plan.loss,
    threshold: val.threshold.confidence,
    weights,
  };
  const { baselines, leak } = await judgeSimply(data, plan, backend, listener);
  const kept = isBest ? best : history.at(-1)!;
  const draft: Omit<RunRecord, "weightsSha256"> = {
    format: "striate-report-1",
    version: config.version,
    name: basename(folder),
    created: config.created,
    command: config.command,
    machine: describeMachine(backend),
    data: describeData(run),
    net: {
      name: net.name,
      variant: net.variant,
      input: net.input,
      ...measureCost(net.layer, net.input),
      layers: summarize(net).layers.map(({ name, kind, output, params, macs }) => ({
        name,
        kind,
        output,
        parameters: params,
        macs,
      })),
    },
    choices: config.choices,
    plan,
    history,
    ended: outcome.reason,
    best: { epoch: best.epoch, val: best.val ?? { ...val, loss: val.loss } },
    kept: { epoch: kept.epoch, rule: plan.keep },
    val,
    groupedCi95: groupedInterval(data, val),
    train: { loss: train.loss, accuracy: train.accuracy, images: train.total },
    baselines,
    leak,
    folds: null,
    repeats: null,
    learningCurve: null,
    seconds: sum(history, ({ seconds }) => seconds),
    imagesPerSecond: speedOf(history, data.split.train.length),
  };
  const sha256 = await writeModel(join(folder, runFiles.model), model, describeModel(draft));
  let record: RunRecord = { ...draft, weightsSha256: sha256 };
  await writeFileAtomic(
    join(folder, runFiles.predictions),
    formatPredictions(predictions, plan.classes),
  );
  const pictures = await reportPictures(data, plan, predictions);
  await writeReport(folder, record, pictures);
  if (studies !== undefined) {
    // The report is there already; what the studies add comes when they are done.
    record = { ...record, ...(await study(data, plan, record, studies, context)) };
    await writeReport(folder, record, pictures);
  }
  return { record, predictions };
}

/** Writes `report.json` and the page that is drawn from it. */
async function writeReport(
  folder: string,
  record: RunRecord,
  pictures: ReportPictures,
): Promise<void> {
  await writeFileAtomic(join(folder, runFiles.report), `${JSON.stringify(record, null, 1)}\n`);
  await writeFileAtomic(join(folder, runFiles.page), renderReport(record, pictures));
}

/** The weights of the last checkpoint, or their averages. */
async function lastWeights(folder: string, averaged: boolean): Promise<Tensors> {
  const { tensors } = await readCheckpoint(join(folder, runFiles.last));
  if (!averaged) return tensors;
  return new Map(
    [...tensors].map(([name, tensor]) => [name, tensors.get(averageName(name)) ?? tensor]),
  );
}

async function judgeSimply(
  data: RunData,
  plan: OpenRun["config"]["plan"],
  backend: Backend,
  listener: RunContext["listener"],
): Promise<{ baselines: Baseline[]; leak: LeakReport | null }> {
  const { prepared, split } = data;
  const tell = (done: number) => listener({ type: "progress", phase: "baselines", done, total: 3 });
  const labelsOf = (indices: readonly number[]) =>
    indices.map((index) => prepared.set.items[index]!.label);
  tell(0);
  const majority = majorityBaseline(labelsOf(split.train), labelsOf(split.val), plan.classes);
  const train = await pixelTable(prepared, split.train, baselineTrain);
  const val = await pixelTable(prepared, split.val, baselineVal);
  tell(1);
  const nearest = nearestNeighbourBaseline(train, val);
  tell(2);
  const session = await backend.open();
  const linear = await linearBaseline(session, train, val, plan.classes.length, plan.seed).finally(
    () => session.close(),
  );
  const leak = await measureLeak(data, nearest.accuracy, plan.seed);
  tell(3);
  return { baselines: [majority, nearest, linear], leak };
}

/**
 * What a split that is blind to duplicates would have shown, judged by the nearest neighbour: it costs
 * seconds, and nothing profits more from copies. Null where there are no groups to tear.
 */
async function measureLeak(
  { prepared, groups, split }: RunData,
  grouped: number,
  seed: number,
): Promise<LeakReport | null> {
  const { set } = prepared;
  if (groups.count === set.items.length) return null;
  // Parts that the owner of the data made are compared with a free split of the same sizes.
  const free = { ...set, items: set.items.map(({ split: _, ...item }) => item) };
  const total = split.train.length + split.val.length;
  const naive = naiveSplit(free, { val: split.val.length / total, seed });
  const leaked = new Set(leakedItems(naive.train, naive.val, groups));
  if (leaked.size === 0) return null;
  const val = evenChoice(naive.val, baselineVal);
  const [trainTable, valTable] = [
    await pixelTable(prepared, naive.train, baselineTrain),
    await pixelTable(prepared, val, baselineVal),
  ];
  const nearest = nearestNeighbours(trainTable, valTable);
  const share = (accept: (index: number) => boolean): number | null => {
    const rows = val.flatMap((index, row) => (accept(index) ? [row] : []));
    const hits = rows.filter((row) => trainTable.labels[nearest[row]!] === valTable.labels[row]);
    return rows.length === 0 ? null : hits.length / rows.length;
  };
  return {
    leaked: leaked.size,
    total: naive.val.length,
    judge: "nearest neighbour on pixels",
    grouped,
    naive: share(() => true) ?? 0,
    naiveLeaked: share((index) => leaked.has(index)),
    naiveClean: share((index) => !leaked.has(index)),
  };
}

function describeMachine(backend: Backend): MachineRecord {
  const processors = cpus();
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    processor: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    backend: `${backend.name}: ${backend.description}`,
  };
}

function describeData({ config, data }: OpenRun): RunRecord["data"] {
  const { prepared, split, groups } = data;
  const { set, bad } = prepared;
  const [train, val, test] = [split.train, split.val, split.test].map((part) =>
    countClasses(set, part),
  );
  return {
    path: config.data.path,
    name: config.data.name,
    format: config.data.format,
    fingerprint: config.data.fingerprint,
    classes: set.classes.map((label, i) => ({
      label,
      train: train![i]!,
      val: val![i]!,
      test: test![i]!,
    })),
    images: { train: split.train.length, val: split.val.length, test: split.test.length },
    groups: { count: groups.count, val: countGroups(data, split.val), links: groups.links },
    bad: bad.map(({ file, message }) => ({ file, message })),
    ignored: set.ignored.length,
    notes: split.notes,
  };
}

function countGroups({ groups }: RunData, indices: readonly number[]): number {
  return new Set(indices.map((index) => groups.of[index]!)).size;
}

/** The interval with one vote for each group; its share of right answers stays that of the images. */
function groupedInterval(data: RunData, val: Evaluation): RunRecord["groupedCi95"] {
  const count = countGroups(data, data.split.val);
  return count === val.total ? null : wilsonInterval(val.accuracy * count, count);
}

function describeModel(record: Omit<RunRecord, "weightsSha256">): ModelCard {
  const { val, net, data } = record;
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const [low, high] = val.ci95;
  return {
    facts: {
      library_name: "striate",
      pipeline_tag: "image-classification",
      tags: ["image-classification", "striate", net.name],
    },
    text: `# ${net.name} (${net.variant}) for ${data.classes.length} classes

Classes: ${data.classes.map(({ label }) => label).join(", ")}.

Accuracy on ${val.total} validation images: **${percent(val.accuracy)}** (${val.correct} right; 95 % interval ${percent(low)} to ${percent(high)}), after training on ${data.images.train} images of "${data.name}".
${record.kept.rule === "best" ? `The weights are those of epoch ${record.kept.epoch}, the best of ${record.history.length} on these same images, so expect slightly less on new ones.` : "The weights are those of the last epoch; nothing was selected on these images."}

Input: ${net.input[1]}x${net.input[2]}x${net.input[0]}, as \`preprocessor_config.json\` says. Made with Striate ${record.version}: \`striate predict <this folder> image.jpg\`.`,
  };
}

function speedOf(history: readonly EpochRecord[], images: number): number {
  const seconds = sum(history, ({ imagesPerSecond }) => images / imagesPerSecond);
  return (images * history.length) / Math.max(1e-9, seconds);
}

function sum<T>(rows: readonly T[], value: (row: T) => number): number {
  return rows.reduce((total, row) => total + value(row), 0);
}
