import { OptionError, TrainingError } from "../core/errors.ts";
import type { Batch, Batches } from "../data/batches/batches.ts";
import type { Schedule } from "../optim/schedules/schedule.ts";
import type { MemoryReport } from "../plan/backend.ts";
import type { Checkpoint, EpochSums, Position } from "./checkpoint.ts";
import { fitMemory, type MemoryFit } from "./fitMemory.ts";
import { bestEpoch, type CountedLevel, type EpochRecord, isStalled } from "./history.ts";
import { likelihood } from "./likelihood.ts";
import type { Rates, Tensors, Trainer } from "./trainer.ts";

export interface TrainingOptions {
  readonly trainer: Trainer;
  /**
   * The trainer of an epoch, from 0, where not all of them train the same: over the states of the same session, and the
   * same for the same question. Default: `trainer` for all.
   */
  readonly trainerAt?: (epoch: number) => Trainer;
  readonly train: Batches;
  /** Without it nothing is validated, and the last epoch counts as the best. */
  readonly val?: Batches;
  readonly epochs: number;
  readonly schedule: Schedule;
  /** Ends training when neither loss nor accuracy on validation improved for this many epochs. Default: never. */
  readonly patience?: number;
  /** Seconds between checkpoints within an epoch; there is one at the end of each anyway. Default 30. */
  readonly checkpointSeconds?: number;
  /** Goes on from there. */
  readonly resume?: Checkpoint;
  /** Weights to begin with, by name; what is not among them starts fresh. */
  readonly weights?: Tensors;
  /** Stops at the next step boundary, after a checkpoint. */
  readonly signal?: AbortSignal;
  /**
   * A batch that needs more is cut into parts whose gradients are added up, exactly (fitMemory.ts). Default: what the
   * backend can address.
   */
  readonly memoryLimitBytes?: number;
}

/** What a training will take, known before its first epoch. */
export interface Estimate {
  readonly memory: MemoryReport;
  /** Where a batch did not fit into memory. */
  readonly fit?: MemoryFit;
  readonly secondsPerStep: number;
  readonly secondsPerEpoch: number;
  /** For the epochs that are left. */
  readonly seconds: number;
}

export type TrainingEvent =
  | { readonly type: "estimate"; readonly estimate: Estimate }
  | {
      readonly type: "step";
      readonly position: Position;
      readonly batchesPerEpoch: number;
      readonly loss: number;
      readonly lr: number;
      readonly imagesPerSecond: number;
    }
  | { readonly type: "epoch"; readonly record: EpochRecord; readonly isBest: boolean }
  /** Weights of the best epoch so far. */
  | { readonly type: "best"; readonly record: EpochRecord; readonly weights: Tensors }
  | { readonly type: "checkpoint"; readonly checkpoint: Checkpoint };

export interface TrainingOutcome {
  readonly history: readonly EpochRecord[];
  /** Why training ended. */
  readonly reason: "done" | "early" | "interrupted";
}

/**
 * Trains, and tells as it goes. Whoever takes the events sets the pace: the next step starts when the next event
 * is asked for, so a checkpoint is on disk before training goes on.
 *
 * Every random draw is a function of seed, epoch and step, so a training that continues from a checkpoint
 * ends with the same bits.
 *
 * @throws TrainingError when the loss is not a number any more; the last event before it is a checkpoint
 *   of the last good weights.
 */
export async function* runTraining(
  options: TrainingOptions,
): AsyncGenerator<TrainingEvent, TrainingOutcome, undefined> {
  const { train, val, epochs, schedule, patience, resume, signal } = options;
  const { checkpointSeconds = 30 } = options;
  if (!Number.isInteger(epochs) || epochs < 1) {
    throw new OptionError(`training: ${epochs} epochs; expected an integer of at least 1.`);
  }
  const group = options.trainer.recipe.accumulate ?? 1;
  const stepsPerEpoch = Math.ceil(train.stepsPerEpoch / group);
  const history: EpochRecord[] = [...(resume?.history ?? [])];
  let position: Position = resume?.position ?? { epoch: 0, batch: 0, step: 0 };
  let sums: EpochSums = resume?.sums ?? emptySums;

  if (position.epoch >= epochs) return { history, reason: "done" };
  if (patience !== undefined && position.batch === 0 && isStalled(history, patience)) {
    return { history, reason: "early" };
  }

  const trainerOf = (epoch: number) => options.trainerAt?.(epoch) ?? options.trainer;
  let trainer = trainerOf(position.epoch);
  const sizes = [Math.min(train.batchSize, train.imageCount), train.imageCount % train.batchSize];
  const batchSizes = sizes.filter((size) => size > 0);
  const fit = await fitBatches({ ...options, trainer }, batchSizes);
  await trainer.prepare(batchSizes);
  const expected = await estimate({ ...options, trainer }, stepsPerEpoch, position);
  yield { type: "estimate", estimate: { ...expected, ...(fit === undefined ? {} : { fit }) } };
  if (resume === undefined) await trainer.initialize(options.weights);
  else await trainer.restore(resume.tensors);

  const checkpoint = async (): Promise<Checkpoint> => ({
    position,
    sums,
    history: [...history],
    tensors: await trainer.snapshot(),
    ...(Number.isFinite(trainer.part) ? { part: trainer.part } : {}),
  });
  const ratesAt = (step: number): Rates => {
    const isPerBatch = usesBatches(schedule);
    const context = {
      step: isPerBatch ? step : step / stepsPerEpoch,
      total: isPerBatch ? epochs * stepsPerEpoch : epochs,
      lr: trainer.recipe.optimizer.options.lr,
      history: history.map(({ val, train }) => (val ?? train).loss),
    };
    const lr = schedule.rate(context);
    return schedule.momentum === undefined ? { lr } : { lr, momentum: schedule.momentum(context) };
  };

  let saved = await checkpoint();
  let savedAt = performance.now();
  let trainedSince = performance.now();
  let interrupted = signal?.aborted === true;

  while (position.epoch < epochs && !interrupted) {
    const startOfEpoch = performance.now();
    let lr = 0;
    let pending: Batch[] = [];
    for await (const batch of train.epoch(position.epoch, position.batch)) {
      pending.push(batch);
      const isLast = position.batch + pending.length === train.stepsPerEpoch;
      if (pending.length < group && !isLast) continue;
      const rates = ratesAt(position.step);
      ({ lr } = rates);
      const started = performance.now();
      const result = await trainer.step(pending, rates, position.step);
      if (!Number.isFinite(result.loss)) {
        const good = await explainBreakdown({ ...options, trainer }, saved, position, ratesAt);
        yield { type: "checkpoint", checkpoint: good.checkpoint };
        throw new TrainingError(good.message);
      }
      const seconds = (performance.now() - trainedSince) / 1000;
      sums = {
        loss: sums.loss + result.loss * result.count,
        correct: sums.correct + result.correct,
        images: sums.images + result.count,
        seconds: sums.seconds + seconds,
      };
      position = {
        epoch: position.epoch,
        batch: position.batch + pending.length,
        step: position.step + 1,
      };
      pending = [];
      yield {
        type: "step",
        position,
        batchesPerEpoch: train.stepsPerEpoch,
        loss: result.loss,
        lr,
        imagesPerSecond: result.count / Math.max(1e-9, (performance.now() - started) / 1000),
      };
      trainedSince = performance.now();
      interrupted = signal?.aborted === true;
      const isDue = performance.now() - savedAt > checkpointSeconds * 1000;
      if ((isDue || interrupted) && !isLast) {
        saved = await checkpoint();
        savedAt = performance.now();
        yield { type: "checkpoint", checkpoint: saved };
        trainedSince = performance.now();
      }
      if (interrupted) break;
    }
    if (position.batch < train.stepsPerEpoch) break;

    const validated = val === undefined ? {} : { val: await validate(trainer, val) };
    const record: EpochRecord = {
      epoch: position.epoch + 1,
      step: position.step,
      lr,
      train: { loss: sums.loss / sums.images, accuracy: sums.correct / sums.images },
      ...validated,
      seconds: (performance.now() - startOfEpoch) / 1000,
      imagesPerSecond: sums.images / Math.max(1e-9, sums.seconds),
    };
    history.push(record);
    sums = emptySums;
    position = { epoch: position.epoch + 1, batch: 0, step: position.step };
    const isBest = (bestEpoch(history) ?? record) === record;
    yield { type: "epoch", record, isBest };
    if (isBest) yield { type: "best", record, weights: await trainer.weights() };
    if (position.epoch < epochs && trainerOf(position.epoch) !== trainer) {
      // Before the checkpoint, so that it has all states of what comes.
      trainer = trainerOf(position.epoch);
      await fitMemory(trainer, batchSizes, options.memoryLimitBytes ?? Number.POSITIVE_INFINITY);
      await trainer.prepare(batchSizes);
    }
    saved = await checkpoint();
    savedAt = performance.now();
    yield { type: "checkpoint", checkpoint: saved };
    trainedSince = performance.now();
    if (patience !== undefined && isStalled(history, patience)) return { history, reason: "early" };
    interrupted = signal?.aborted === true;
  }
  return { history, reason: position.epoch < epochs ? "interrupted" : "done" };
}

const emptySums: EpochSums = { loss: 0, correct: 0, images: 0, seconds: 0 };

/** Loss and accuracy of the weights as they are. */
export async function validate(trainer: Trainer, val: Batches): Promise<CountedLevel> {
  const { classes } = trainer.recipe;
  let loss = 0;
  let correct = 0;
  for await (const { batch, scores } of trainer.evaluate(val.epoch(0))) {
    for (let row = 0; row < batch.count; row++) {
      const label = batch.labels[row]!;
      const result = likelihood(scores, row, classes, label);
      loss += result.loss;
      if (result.predicted === label) correct++;
    }
  }
  const total = val.imageCount;
  return { loss: loss / total, accuracy: correct / total, correct, total };
}

/** Whether a schedule counts batches; the others count epochs, with fractions between their ends. */
function usesBatches(schedule: Schedule): boolean {
  const inner = schedule.options.schedule as { readonly name?: string } | undefined;
  return schedule.name === "oneCycle" || inner?.name === "oneCycle";
}

// A training that goes on keeps the parts it began with, so that it ends with the same bits.
async function fitBatches(
  { trainer, resume, memoryLimitBytes = Number.POSITIVE_INFINITY }: TrainingOptions,
  batchSizes: readonly number[],
): Promise<MemoryFit | undefined> {
  if (resume === undefined) return fitMemory(trainer, batchSizes, memoryLimitBytes);
  if (resume.part !== undefined) trainer.cutBatches(resume.part);
  return undefined;
}

const timedSteps = 2;

// Runs a few steps on weights that are thrown away: the first makes everything warm, the others are timed.
async function estimate(
  { trainer, train, val, epochs }: TrainingOptions,
  stepsPerEpoch: number,
  position: Position,
): Promise<Estimate> {
  const batch = await train.at(0, 0);
  const batches = Array.from(
    { length: Math.min(trainer.recipe.accumulate ?? 1, train.stepsPerEpoch) },
    () => batch,
  );
  const rates: Rates = { lr: 0, momentum: 0.9 };
  await trainer.step(batches, rates, 0);
  const started = performance.now();
  for (let i = 0; i < timedSteps; i++) await trainer.step(batches, rates, 0);
  const secondsPerStep = (performance.now() - started) / 1000 / timedSteps;
  // An image costs about a third in validation: it has no backward half.
  const validation = val === undefined ? 0 : val.imageCount / train.imageCount / 3;
  const secondsPerEpoch = secondsPerStep * stepsPerEpoch * (1 + validation);
  return {
    memory: await trainer.memory(),
    secondsPerStep,
    secondsPerEpoch,
    seconds: secondsPerEpoch * (epochs - position.epoch),
  };
}

/**
 * Trains again from the last checkpoint up to the step that broke, which is the same to the bit, and looks where the
 * first number that is none comes from.
 */
async function explainBreakdown(
  { trainer, train }: TrainingOptions,
  saved: Checkpoint,
  broken: Position,
  ratesAt: (step: number) => Rates,
): Promise<{ message: string; checkpoint: Checkpoint }> {
  const group = trainer.recipe.accumulate ?? 1;
  const groupAt = async (batch: number): Promise<Batch[]> => {
    const count = Math.min(group, train.stepsPerEpoch - batch);
    return Promise.all(Array.from({ length: count }, (_, i) => train.at(broken.epoch, batch + i)));
  };
  await trainer.restore(saved.tensors);
  let good = saved;
  for (let at = saved.position; at.step < broken.step; ) {
    // Sums are not kept here: the epoch's mean loss will lack what lies before.
    good = { ...good, position: at, tensors: await trainer.snapshot() };
    const batches = await groupAt(at.batch);
    await trainer.step(batches, ratesAt(at.step), at.step);
    const spoiled = await firstSpoiled(trainer);
    if (spoiled !== undefined) {
      return {
        checkpoint: good,
        message: `training: step ${at.step + 1} (epoch ${at.epoch + 1}, batch ${at.batch + 1}) made "${spoiled}" infinite or not a number, at learning rate ${ratesAt(at.step).lr}. The weights before it are kept. Use a lower learning rate, a warm-up or gradient clipping.`,
      };
    }
    at = { epoch: at.epoch, batch: at.batch + batches.length, step: at.step + 1 };
    good = { ...good, position: at };
  }
  good = { ...good, tensors: await trainer.snapshot() };
  const layer = await trainer.findBrokenLayer(await groupAt(broken.batch), broken.step);
  const where =
    layer === undefined
      ? "every layer's output is finite, so it comes from the loss itself (a label outside the classes?)"
      : `the first layer whose output is not finite is ${layer.kind} "${layer.name}"`;
  return {
    checkpoint: good,
    message: `training: the loss of step ${broken.step + 1} (epoch ${broken.epoch + 1}, batch ${broken.batch + 1}) is not a number; ${where}, at learning rate ${ratesAt(broken.step).lr}. The weights before this step are kept. Use a lower learning rate, a warm-up or gradient clipping.`,
  };
}

/** The first parameter or running statistic that holds a number that is none. */
async function firstSpoiled(trainer: Trainer): Promise<string | undefined> {
  const tensors = await trainer.snapshot();
  const spoiled = trainer.parameters.find(({ name }) =>
    tensors.get(name)!.data.some((value) => !Number.isFinite(value)),
  );
  return spoiled?.name;
}
