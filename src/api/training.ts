import { wasm } from "../backends/wasm/backend.ts";
import { OptionError } from "../core/errors.ts";
import { checkKnown } from "../core/fields.ts";
import type { Batches } from "../data/batches/batches.ts";
import { momentum } from "../optim/momentum.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import { cosineDecay } from "../optim/schedules/cosineDecay.ts";
import type { Schedule } from "../optim/schedules/schedule.ts";
import type { Backend } from "../plan/backend.ts";
import type { EpochRecord } from "../train/history.ts";
import { likelihood } from "../train/likelihood.ts";
import { type Evaluation, evaluatePredictions, type Prediction } from "../train/predictions.ts";
import { Predictor } from "../train/predictor.ts";
import type { Recipe } from "../train/recipe.ts";
import { type Estimate, runTraining } from "../train/runTraining.ts";
import { type Tensors, Trainer } from "../train/trainer.ts";
import type { Model } from "./model.ts";

/** Options of {@link train}. */
export interface TrainModelOptions {
  readonly train: Batches;
  /** Without it the weights after the last epoch are kept, otherwise those of the best. */
  readonly val?: Batches;
  readonly epochs: number;
  /** Default: momentum 0.9 at a rate of 0.01. */
  readonly optimizer?: Optimizer;
  /** Default: cosine decay over the epochs. */
  readonly schedule?: Schedule;
  /** Loss, label smoothing, clipping, frozen parameters and whatever else a recipe has. */
  readonly recipe?: Partial<
    Omit<Recipe, "net" | "input" | "classes" | "normalization" | "optimizer">
  >;
  /** Of shuffling and dropout. Default 0. */
  readonly seed?: number;
  /** Default: WebAssembly on all processors. */
  readonly backend?: Backend;
  /**
   * Memory that training may take. A batch that needs more is cut into parts whose gradients are added up: exactly
   * the gradient of the batch, though batch norm then normalises each part by its own statistics. Default: no limit but
   * the backend's, 4 GiB for WebAssembly.
   */
  readonly memoryLimitBytes?: number;
  /** Called once, before the first step: memory, time, and how a batch was made to fit. */
  onEstimate?(estimate: Estimate): void;
  /** Called after each epoch. */
  onEpoch?(record: EpochRecord): void;
  readonly signal?: AbortSignal;
}

const trainOptionNames: Record<keyof TrainModelOptions, true> = {
  train: true,
  val: true,
  epochs: true,
  optimizer: true,
  schedule: true,
  recipe: true,
  seed: true,
  backend: true,
  memoryLimitBytes: true,
  onEstimate: true,
  onEpoch: true,
  signal: true,
};

const recipeNames: Record<keyof NonNullable<TrainModelOptions["recipe"]>, true> = {
  loss: true,
  labelSmoothing: true,
  classWeights: true,
  softTargets: true,
  clip: true,
  groups: true,
  decayVectors: true,
  average: true,
  frozen: true,
  accumulate: true,
};

/** What {@link train} gives back. */
export interface TrainedModel {
  readonly model: Model;
  readonly history: readonly EpochRecord[];
}

/**
 * Trains a model and returns a new one; the one given stays as it is. The same data, options and seed give the
 * same weights to the last bit, on any number of threads, in Node and in a browser.
 *
 * @throws TrainingError when the loss is not a number any more: with the step and the first layer that made it so.
 * @example
 * const { model: trained, history } = await train(model, { train: batches, val, epochs: 10 });
 */
export async function train(model: Model, options: TrainModelOptions): Promise<TrainedModel> {
  checkKnown("train", options, trainOptionNames);
  checkKnown("train: recipe", options.recipe ?? {}, recipeNames);
  const {
    train: batches,
    val,
    epochs,
    schedule = cosineDecay(),
    seed = 0,
    signal,
    onEstimate,
    onEpoch,
    memoryLimitBytes,
  } = options;
  if (batches.batchSize > batches.imageCount) {
    throw new OptionError(
      `train: batches of ${batches.batchSize} from ${batches.imageCount} images; expected at most that many.`,
    );
  }
  const session = await (options.backend ?? wasm()).open();
  try {
    const trainer = new Trainer({
      recipe: {
        ...options.recipe,
        net: model.net.layer,
        input: model.net.input,
        classes: model.net.classes,
        normalization: model.normalization,
        optimizer: options.optimizer ?? momentum({ lr: 0.01, momentum: 0.9 }),
      },
      session,
      seed,
      scheduledMomentum: schedule.momentum !== undefined,
    });
    const history: EpochRecord[] = [];
    let best: Tensors | undefined;
    const events = runTraining({
      trainer,
      train: batches,
      ...(val === undefined ? {} : { val }),
      epochs,
      schedule,
      weights: model.weights,
      ...(signal === undefined ? {} : { signal }),
      ...(memoryLimitBytes === undefined ? {} : { memoryLimitBytes }),
    });
    for await (const event of events) {
      if (event.type === "estimate") onEstimate?.(event.estimate);
      if (event.type === "best") best = event.weights;
      if (event.type !== "epoch") continue;
      history.push(event.record);
      onEpoch?.(event.record);
    }
    return { model: { ...model, weights: best ?? (await trainer.weights()) }, history };
  } finally {
    await session.close();
  }
}

/** Figures of a model over batches: accuracy with its interval, per-class figures, confusion, calibration. */
export async function evaluate(
  model: Model,
  batches: Batches,
  backend: Backend = wasm(),
): Promise<Evaluation> {
  const session = await backend.open();
  try {
    const { net, normalization, weights } = model;
    const predictor = new Predictor({
      net: net.layer,
      input: net.input,
      classes: net.classes,
      normalization,
      weights,
      session,
    });
    const rows: Prediction[] = [];
    for await (const { batch, scores } of predictor.evaluate(batches.epoch(0))) {
      for (let row = 0; row < batch.count; row++) {
        const label = batch.labels[row]!;
        const result = likelihood(scores, row, net.classes, label);
        rows.push({ file: `#${batch.indices[row]}`, label, ...result });
      }
    }
    return evaluatePredictions(rows, model.classes);
  } finally {
    await session.close();
  }
}
