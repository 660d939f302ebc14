import { prepareSet } from "#images";
import { wasm } from "../backends/wasm/backend.ts";
import { DataError } from "../core/errors.ts";
import type { Augmentation, BatchAugmentation } from "../data/augment/augmentation.ts";
import { createBatches } from "../data/batches/batches.ts";
import type { Sampling } from "../data/batches/order.ts";
import { checkTrainable, type DataSet, type SplitName } from "../data/manifest.ts";
import { toInput } from "../data/prepare/geometry.ts";
import type { PreparedSet } from "../data/prepare/prepareImages.ts";
import { findGroups } from "../data/split/groups.ts";
import { type Split, splitData } from "../data/split/splitData.ts";
import type { Optimizer } from "../optim/index.ts";
import { nesterov } from "../optim/nesterov.ts";
import { cosineDecay } from "../optim/schedules/cosineDecay.ts";
import type { Schedule } from "../optim/schedules/schedule.ts";
import type { Backend } from "../plan/backend.ts";
import { type Model, openPredictor } from "../runs/model.ts";
import type { EpochRecord } from "../train/history.ts";
import { measureNormalization } from "../train/normalization.ts";
import { type Evaluation, evaluatePredictions } from "../train/predictions.ts";
import { predictSet } from "../train/predictSet.ts";
import type { Recipe } from "../train/recipe.ts";
import { runTraining, type TrainingEvent } from "../train/runTraining.ts";
import { type Tensors, Trainer } from "../train/trainer.ts";

/** Options of {@link train}. */
export interface TrainSettings
  extends Pick<
    Recipe,
    | "labelSmoothing"
    | "classWeights"
    | "clip"
    | "groups"
    | "decayVectors"
    | "average"
    | "frozen"
    | "accumulate"
  > {
  /** Default 10. */
  readonly epochs?: number;
  /** Images per step. Default 32. */
  readonly batch?: number;
  /** Default `nesterov({ lr: 0.05, weightDecay: 5e-4 })`. */
  readonly optimizer?: Optimizer;
  /** Default `cosineDecay()`. */
  readonly schedule?: Schedule;
  readonly augmentations?: readonly Augmentation[];
  readonly batchAugmentations?: readonly BatchAugmentation[];
  readonly sampling?: Sampling;
  /** Share of the images to validate on, where the data has no such part. Default 0.2. */
  readonly val?: number;
  /** Stops after so many epochs without improvement. Default: never. */
  readonly patience?: number;
  /** Default 0. */
  readonly seed?: number;
  /** Default `wasm()`. */
  readonly backend?: Backend;
  readonly onEvent?: (event: TrainingEvent) => void;
  readonly signal?: AbortSignal;
}

/** What {@link train} returns. */
export interface TrainResult {
  /** With the weights of the best epoch on the validation images. */
  readonly model: Model;
  readonly history: readonly EpochRecord[];
  /** Who was for what. */
  readonly split: Split;
  /** Why training ended. */
  readonly reason: "done" | "early" | "interrupted";
}

/**
 * Trains a model on a data set, validating after each epoch. Images are decoded, split (stratified, groups kept
 * whole) and normalised by the training part's mean and deviation.
 *
 * @throws DataError for data that nothing can be trained on; TrainingError when the loss is not a number.
 * @example
 * const data = await imageFolder("photos");
 * const { model, history } = await train(createModel("resnet20", { classes: data.classes }), data, { epochs: 5 });
 */
export async function train(
  model: Model,
  data: DataSet | PreparedSet,
  settings: TrainSettings = {},
): Promise<TrainResult> {
  const { epochs = 10, batch = 32, seed = 0, val: share, signal, onEvent, patience } = settings;
  const {
    optimizer = nesterov({ lr: 0.05, weightDecay: 5e-4 }),
    schedule = cosineDecay(),
    backend = wasm(),
    augmentations = [],
    batchAugmentations = [],
    sampling = "shuffle",
    epochs: _,
    batch: __,
    onEvent: ___,
    ...recipe
  } = settings;
  const prepared = await prepare(model, data);
  checkTrainable(prepared.set);
  const groups = findGroups(prepared.set, prepared.facts);
  const split = splitData(prepared.set, groups, {
    seed,
    ...(share === undefined ? {} : { val: share }),
  });
  const images: Uint8Array[] = [];
  for (const index of split.train) {
    images.push(toInput(await prepared.pixels(index), prepared.geometry).data);
  }
  const normalization = measureNormalization(images, prepared.geometry.channels);
  const session = await backend.open();
  try {
    const trainer = new Trainer({
      recipe: {
        ...recipe,
        net: model.net.layer,
        input: model.net.input,
        classes: model.classes.length,
        normalization,
        optimizer,
        loss: model.loss,
        softTargets: batchAugmentations.length > 0,
      },
      session,
      seed,
      scheduledMomentum: schedule.momentum !== undefined,
    });
    const part = { batchSize: batch, seed };
    const training = runTraining({
      trainer,
      train: createBatches(prepared, {
        ...part,
        indices: split.train,
        phase: "train",
        sampling,
        augmentations,
        batchAugmentations,
      }),
      ...(split.val.length === 0
        ? {}
        : { val: createBatches(prepared, { ...part, indices: split.val, phase: "eval" }) }),
      epochs,
      schedule,
      weights: model.weights,
      ...(patience === undefined ? {} : { patience }),
      ...(signal === undefined ? {} : { signal }),
    });
    let best: Tensors | undefined;
    for (;;) {
      const next = await training.next();
      if (next.done === true) {
        const weights = best ?? (await trainer.weights());
        return { ...next.value, split, model: { ...model, normalization, weights } };
      }
      if (next.value.type === "best") best = next.value.weights;
      onEvent?.(next.value);
    }
  } finally {
    await session.close();
  }
}

/** Options of {@link evaluate}. */
export interface EvaluateSettings {
  /** Which part of the data: default all of it. */
  readonly part?: SplitName;
  /** Or which images of a prepared set. */
  readonly indices?: readonly number[];
  /** Default 64. */
  readonly batch?: number;
  /** Default `wasm()`. */
  readonly backend?: Backend;
}

/**
 * All figures of a model on labelled images: accuracy with its interval, top-5, per-class scores, confusion, loss,
 * calibration.
 */
export async function evaluate(
  model: Model,
  data: DataSet | PreparedSet,
  settings: EvaluateSettings = {},
): Promise<Evaluation> {
  const { part, indices, batch = 64, backend = wasm() } = settings;
  const prepared = await prepare(model, data);
  const chosen =
    indices ??
    prepared.set.items.flatMap((item, index) =>
      part === undefined || item.split === part ? [index] : [],
    );
  const batches = createBatches(prepared, {
    indices: chosen,
    batchSize: batch,
    phase: "eval",
    seed: 0,
  });
  const session = await backend.open();
  try {
    const predictions = await predictSet(openPredictor(model, session), batches, prepared.set);
    return evaluatePredictions(predictions, model.classes);
  } finally {
    await session.close();
  }
}

async function prepare(model: Model, data: DataSet | PreparedSet): Promise<PreparedSet> {
  const prepared = "items" in data ? await prepareSet(data, model.geometry) : data;
  const { classes, name } = prepared.set;
  if (classes.join("\0") !== model.classes.join("\0")) {
    throw new DataError(
      `data "${name}" has the classes ${classes.join(", ")}; the model has ${model.classes.join(", ")}.`,
    );
  }
  return prepared;
}
