import { createBatches } from "../data/batches/batches.ts";
import type { PreparedSet } from "../data/prepare/prepareImages.ts";
import type { Backend } from "../plan/backend.ts";
import type { EpochRecord } from "../train/history.ts";
import type { Prediction } from "../train/predictions.ts";
import { predictSet } from "../train/predictSet.ts";
import { runTraining } from "../train/runTraining.ts";
import { Trainer } from "../train/trainer.ts";
import { type Plan, planAugmentation, planRecipe, planSchedule } from "./plan.ts";

export interface TrainOnceOptions {
  readonly prepared: PreparedSet;
  readonly plan: Plan;
  /** Items to train on and to predict. */
  readonly train: readonly number[];
  readonly val: readonly number[];
  readonly backend: Backend;
  readonly signal?: AbortSignal | undefined;
  /** Validates after each epoch, too. Default: only at the end. */
  readonly validateEpochs?: boolean;
  onProgress?(doneSteps: number, steps: number): void;
}

/** What a training that leaves no files has shown. */
export interface TrainedOnce {
  /** Of `val`, by the weights of the last epoch: nothing is selected on these images. */
  readonly predictions: readonly Prediction[];
  readonly history: readonly EpochRecord[];
}

/** Trains a plan from scratch on some of the images and predicts others. For folds, seeds and curves. */
export async function trainOnce(options: TrainOnceOptions): Promise<TrainedOnce> {
  const { prepared, plan, train, val, backend, signal, validateEpochs = false } = options;
  const schedule = planSchedule(plan);
  const session = await backend.open();
  try {
    const trainer = new Trainer({
      recipe: planRecipe(plan),
      session,
      seed: plan.seed,
      scheduledMomentum: schedule.momentum !== undefined,
    });
    const batches = createBatches(prepared, {
      indices: train,
      batchSize: plan.batch,
      phase: "train",
      seed: plan.seed,
      sampling: plan.sampling,
      ...planAugmentation(plan),
    });
    const judged = createBatches(prepared, {
      indices: val,
      batchSize: plan.batch,
      phase: "eval",
      seed: plan.seed,
    });
    const training = runTraining({
      trainer,
      train: batches,
      ...(validateEpochs ? { val: judged } : {}),
      epochs: plan.epochs,
      schedule,
      ...(signal === undefined ? {} : { signal }),
    });
    const total = plan.epochs * batches.stepsPerEpoch;
    for (;;) {
      const next = await training.next();
      if (next.done === true) {
        signal?.throwIfAborted();
        return {
          predictions: await predictSet(trainer, judged, prepared.set),
          history: next.value.history,
        };
      }
      if (next.value.type === "step") {
        const { epoch, batch } = next.value.position;
        options.onProgress?.(epoch * batches.stepsPerEpoch + batch, total);
      }
    }
  } finally {
    await session.close();
  }
}
