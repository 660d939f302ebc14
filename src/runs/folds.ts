import type { PreparedSet } from "../data/prepare/prepareImages.ts";
import type { Groups } from "../data/split/groups.ts";
import { makeFolds } from "../data/split/splitData.ts";
import { wilsonInterval } from "../metrics/wilsonInterval.ts";
import type { Backend } from "../plan/backend.ts";
import type { Prediction } from "../train/predictions.ts";
import type { Repetition } from "../train/record.ts";
import type { Plan } from "./plan.ts";
import type { RunListener } from "./runEvent.ts";
import { trainOnce } from "./trainOnce.ts";

interface Context {
  readonly backend: Backend;
  readonly listener: RunListener;
  readonly signal?: AbortSignal | undefined;
}

/** What a net that has not seen them said about the images of a fold. */
export interface FoldPredictions {
  readonly predictions: readonly Prediction[];
}

/**
 * Cross-validation: trains once for each fold on the others, so that every image that is no test image is
 * predicted by a net that has not seen it or anything of its group.
 */
export async function foldPredictions(
  data: { readonly prepared: PreparedSet; readonly groups: Groups },
  plan: Plan,
  count: number,
  { backend, listener, signal }: Context,
): Promise<FoldPredictions[]> {
  const { prepared, groups } = data;
  const fold = makeFolds(prepared.set, groups, count, plan.seed);
  const results: FoldPredictions[] = [];
  for (let own = 0; own < count; own++) {
    const train = indicesWhere(fold, (other) => other !== own && other >= 0);
    const val = indicesWhere(fold, (other) => other === own);
    const { predictions } = await trainOnce({
      prepared,
      plan,
      train,
      val,
      backend,
      signal,
      onProgress: (done, steps) =>
        listener({
          type: "progress",
          phase: "folds",
          done: own * steps + done,
          total: count * steps,
        }),
    });
    results.push({ predictions });
  }
  return results;
}

/**
 * Mean and spread of the accuracies of several trainings.
 *
 * @param disjoint Whether they were about different images, so that their answers may be counted together.
 */
export function summarizeRepetition(
  runs: readonly { readonly name: string; readonly predictions: readonly Prediction[] }[],
  disjoint: boolean,
): Repetition {
  const rows = runs.map(({ name, predictions }) => {
    const correct = predictions.filter(({ label, predicted }) => label === predicted).length;
    return { name, accuracy: correct / predictions.length, correct, total: predictions.length };
  });
  const sum = (value: (row: (typeof rows)[number]) => number): number =>
    rows.reduce((total, row) => total + value(row), 0);
  const mean = sum(({ accuracy }) => accuracy) / rows.length;
  const [correct, total] = [sum((row) => row.correct), sum((row) => row.total)];
  return {
    runs: rows.map(({ correct: _, ...row }) => row),
    mean,
    deviation:
      rows.length < 2
        ? 0
        : Math.sqrt(sum(({ accuracy }) => (accuracy - mean) ** 2) / (rows.length - 1)),
    pooled: disjoint ? { correct, total, ci95: wilsonInterval(correct, total) } : null,
  };
}

function indicesWhere(fold: Int32Array, accept: (fold: number) => boolean): number[] {
  const indices: number[] = [];
  fold.forEach((own, index) => {
    if (accept(own)) indices.push(index);
  });
  return indices;
}
