import { RandomStream } from "../core/random.ts";
import { leakedItems, naiveSplit } from "../data/split/splitData.ts";
import type { Prediction } from "../train/predictions.ts";
import type { LeakReport, LearningPoint, Repetition, RunRecord } from "../train/record.ts";
import { foldPredictions, summarizeRepetition } from "./folds.ts";
import type { Plan } from "./plan.ts";
import type { RunData } from "./runData.node.ts";
import { trainOnce } from "./trainOnce.ts";
import type { RunContext } from "./trainRun.node.ts";

/** Trainings beside the run's own, to say more about its accuracy. Each costs as much as the run, or a part of it. */
export interface StudyOptions {
  /** Cross-validation with so many folds. */
  readonly folds?: number | undefined;
  /** Seeds to train again with, on the same split. */
  readonly repeat?: readonly number[] | undefined;
  /** Trains on parts of the training images. */
  readonly learningCurve: boolean;
  /** Trains on a split that is blind to duplicates, to show how much it would have flattered. */
  readonly naiveSplit: boolean;
}

export type Studies = Pick<RunRecord, "folds" | "repeats" | "learningCurve" | "leak">;

/** Does what is asked for; what is not stays as it is in `record`. */
export async function study(
  data: RunData,
  plan: Plan,
  record: RunRecord,
  options: StudyOptions,
  context: RunContext,
): Promise<Studies> {
  const { folds, repeat, learningCurve: curve, naiveSplit: naive } = options;
  return {
    folds: folds === undefined ? record.folds : await crossValidate(data, plan, folds, context),
    repeats: repeat === undefined ? record.repeats : await repeatSeeds(data, plan, repeat, context),
    learningCurve: curve ? await learningCurve(data, plan, record, context) : record.learningCurve,
    leak: naive ? await trainNaively(data, plan, record, context) : record.leak,
  };
}

async function crossValidate(
  data: RunData,
  plan: Plan,
  count: number,
  context: RunContext,
): Promise<Repetition> {
  const folds = await foldPredictions(data, plan, count, context);
  return summarizeRepetition(
    folds.map(({ predictions }, i) => ({ name: `fold ${i + 1}`, predictions })),
    true,
  );
}

async function repeatSeeds(
  { prepared, split }: RunData,
  plan: Plan,
  seeds: readonly number[],
  context: RunContext,
): Promise<Repetition> {
  const runs: { name: string; predictions: readonly Prediction[] }[] = [];
  for (const [i, seed] of seeds.entries()) {
    const { predictions } = await trainOnce({
      prepared,
      plan: { ...plan, seed },
      train: split.train,
      val: split.val,
      backend: context.backend,
      signal: context.signal,
      onProgress: progressOf(context, i, seeds.length),
    });
    runs.push({ name: `seed ${seed}`, predictions });
  }
  return summarizeRepetition(runs, false);
}

const shares = [1 / 8, 1 / 4, 1 / 2];

/** The run's own accuracy is the last point: all images. */
async function learningCurve(
  { prepared, split }: RunData,
  plan: Plan,
  record: RunRecord,
  context: RunContext,
): Promise<LearningPoint[]> {
  const points: LearningPoint[] = [];
  for (const [i, share] of shares.entries()) {
    const train = sampleClasses(
      split.train,
      (index) => prepared.set.items[index]!.label,
      share,
      plan.seed,
    );
    const { predictions } = await trainOnce({
      prepared,
      // As many steps as the whole set gets, within reason: few images need more passes.
      plan: { ...plan, epochs: Math.round(plan.epochs * Math.min(4, 1 / share)) },
      train,
      val: split.val,
      backend: context.backend,
      signal: context.signal,
      onProgress: progressOf(context, i, shares.length),
    });
    points.push({ share, images: train.length, val: levelOf(predictions) });
  }
  const { loss, accuracy, correct, total } = record.val;
  points.push({ share: 1, images: split.train.length, val: { loss, accuracy, correct, total } });
  return points;
}

/** A share of the images of each class, at least one, drawn by seed; smaller shares are parts of larger ones. */
function sampleClasses(
  indices: readonly number[],
  labelOf: (index: number) => number,
  share: number,
  seed: number,
): number[] {
  const byLabel = new Map<number, number[]>();
  for (const index of indices) {
    const own = byLabel.get(labelOf(index));
    if (own === undefined) byLabel.set(labelOf(index), [index]);
    else own.push(index);
  }
  return [...byLabel].flatMap(([label, own]) => {
    const order = new RandomStream(seed, `learning curve/${label}`).permutation(own.length);
    return [...order.slice(0, Math.max(1, Math.round(own.length * share)))].map((i) => own[i]!);
  });
}

async function trainNaively(
  { prepared, split, groups }: RunData,
  plan: Plan,
  record: RunRecord,
  context: RunContext,
): Promise<LeakReport | null> {
  const { set } = prepared;
  const free = { ...set, items: set.items.map(({ split: _, ...item }) => item) };
  const total = split.train.length + split.val.length;
  const naive = naiveSplit(free, { val: split.val.length / total, seed: plan.seed });
  const leaked = new Set(
    leakedItems(naive.train, naive.val, groups).map((index) => set.items[index]!.id),
  );
  if (leaked.size === 0) return record.leak;
  const { predictions } = await trainOnce({
    prepared,
    plan,
    train: naive.train,
    val: naive.val,
    backend: context.backend,
    signal: context.signal,
    onProgress: progressOf(context, 0, 1),
  });
  const share = (rows: readonly Prediction[]): number | null =>
    rows.length === 0 ? null : levelOf(rows).accuracy;
  return {
    leaked: leaked.size,
    total: naive.val.length,
    judge: `${plan.net.name}, trained anew`,
    grouped: record.val.accuracy,
    naive: levelOf(predictions).accuracy,
    naiveLeaked: share(predictions.filter(({ file }) => leaked.has(file))),
    naiveClean: share(predictions.filter(({ file }) => !leaked.has(file))),
  };
}

function levelOf(predictions: readonly Prediction[]) {
  const total = predictions.length;
  const correct = predictions.filter(({ label, predicted }) => label === predicted).length;
  const loss = predictions.reduce((sum, row) => sum + row.loss, 0) / total;
  return { loss, accuracy: correct / total, correct, total };
}

function progressOf({ listener }: RunContext, done: number, count: number) {
  return (steps: number, total: number) =>
    listener({
      type: "progress",
      phase: "folds",
      done: done * total + steps,
      total: count * total,
    });
}
