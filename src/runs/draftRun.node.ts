import { choosePlan } from "./choosePlan.ts";
import type { Plan } from "./plan.ts";
import { normalizationOf, scanImages } from "./prepareData.node.ts";
import { loadRunData, openTrainingData, type RunData } from "./runData.node.ts";
import { openStart } from "./startModel.node.ts";
import type { TrainOptions } from "./trainOptions.ts";
import type { RunContext } from "./trainRun.node.ts";

/** Opens data and decides everything as a run would, without a run folder: for experiments that leave no model. */
export async function draftRun(
  path: string,
  options: TrainOptions,
  seed: number,
  { listener, threads, signal }: RunContext,
): Promise<{ readonly data: RunData; readonly plan: Plan }> {
  const set = await openTrainingData(path);
  const scan = await scanImages(set, { threads, ...(signal === undefined ? {} : { signal }) });
  const start =
    options.weights === undefined ? undefined : await openStart(options.weights, options, signal);
  const { plan: draft, choices } = choosePlan(set, scan, options, seed, start);
  const onBad = options.onBad ?? "skip";
  const data = await loadRunData(
    set,
    draft.geometry,
    { seed },
    { listener, onBad, threads, signal },
  );
  const { weighClasses: _, ...rest } = draft;
  const normalization =
    draft.normalization ?? (await normalizationOf(data.prepared, data.split.train));
  const plan: Plan = { ...rest, normalization, classWeights: null };
  listener({ type: "plan", plan, choices });
  return { data, plan };
}
