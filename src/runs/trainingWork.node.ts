import { TrainingError } from "../core/errors.ts";
import { type Batches, createBatches } from "../data/batches/batches.ts";
import { linear } from "../layers/linear.ts";
import { flatten, sequential } from "../layers/structure.ts";
import { netFor, transferNet } from "../models/cutNet.ts";
import type { Session } from "../plan/backend.ts";
import { codeBatches, codeHead, joinHead, standardizationOf } from "../train/codes.ts";
import type { Recipe } from "../train/recipe.ts";
import { declarations } from "../train/stepGraph.ts";
import { type Tensors, Trainer } from "../train/trainer.ts";
import { codesOf } from "./codes.node.ts";
import { type Plan, planAugmentation, planRecipe, planSchedule, stagesTrained } from "./plan.ts";
import { evaluationBatches } from "./runData.node.ts";
import { type StartModel, startWeights } from "./startModel.node.ts";
import type { OpenRun, RunContext } from "./trainRun.node.ts";

/** What is trained, on what: the net on images, or a linear classifier on codes. */
export interface TrainingWork {
  readonly trainer: Trainer;
  /** See `TrainingOptions.trainerAt`. */
  readonly trainerAt?: (epoch: number) => Trainer;
  readonly train: Batches;
  readonly val: Batches;
  /** Weights to begin with. */
  readonly weights?: Tensors;
  /** The whole net's weights, from those that were trained. */
  whole(trained: Tensors): Tensors;
}

/** Lays out the training of a run. */
export async function trainingWork(
  run: Pick<OpenRun, "config" | "data" | "start">,
  session: Session,
  context: Pick<RunContext, "listener" | "backend">,
): Promise<TrainingWork> {
  const { config, data, start } = run;
  const { plan } = config;
  if (plan.transfer?.mode === "extract") return codeWork(run, session, context);
  const scheduledMomentum = planSchedule(plan).momentum !== undefined;
  const make = (epoch: number) =>
    new Trainer({ recipe: planRecipe(plan, epoch), session, seed: plan.seed, scheduledMomentum });
  const trainer = make(0);
  const train = createBatches(data.prepared, {
    indices: data.split.train,
    batchSize: plan.batch,
    phase: "train",
    seed: plan.seed,
    sampling: plan.sampling,
    ...planAugmentation(plan),
  });
  return {
    trainer,
    train,
    val: evaluationBatches(data.prepared, data.split.val, plan.batch),
    ...(start === undefined ? {} : { weights: initialWeights(start, plan, trainer) }),
    ...(plan.transfer?.unfreezeEvery == null ? {} : { trainerAt: unfreezing(plan, trainer, make) }),
    whole: (trained) => trained,
  };
}

/** One trainer for each number of stages that are trained. */
function unfreezing(
  plan: Plan,
  first: Trainer,
  make: (epoch: number) => Trainer,
): (epoch: number) => Trainer {
  const trainers = new Map<number, Trainer>([[stagesTrained(plan, 0), first]]);
  return (epoch) => {
    const stages = stagesTrained(plan, epoch);
    const known = trainers.get(stages);
    if (known !== undefined) return known;
    const made = make(epoch);
    trainers.set(stages, made);
    return made;
  };
}

function initialWeights(start: StartModel, { transfer }: Plan, { parameters }: Trainer): Tensors {
  const isNew = transfer !== null && !transfer.keepsHead;
  return startWeights(start, parameters, isNew ? `${transfer.head}.` : undefined);
}

async function codeWork(
  { config, data, start }: Pick<OpenRun, "config" | "data" | "start">,
  session: Session,
  { listener, backend }: Pick<RunContext, "listener" | "backend">,
): Promise<TrainingWork> {
  const { plan } = config;
  const { transfer } = plan;
  if (transfer === null || start === undefined) {
    throw new TrainingError("extract: the run has no weights to make codes with.");
  }
  const classes = plan.classes.length;
  const base = netFor(start.model.net, { input: plan.net.input });
  // The cut is named only where it is not the net's own.
  const { body } = transferNet(base, classes, transfer.cut);
  const { normalization } = plan;
  const { input } = plan.net;
  const declared = declarations({ net: body, input, classes: transfer.codes, normalization });
  const bodyWeights = startWeights(start, declared);
  const codes = await codesOf(
    data,
    {
      body,
      input,
      codes: transfer.codes,
      normalization,
      weights: bodyWeights,
      sha256: transfer.sha256,
      cut: transfer.cut,
    },
    { backend, listener },
  );
  const standardization = standardizationOf(codes, data.split.train);
  const { items } = data.prepared.set;
  const batchesOf = (rows: readonly number[], isTraining: boolean) =>
    codeBatches(codes, {
      rows,
      labels: rows.map((row) => items[row]!.label),
      batchSize: plan.batch,
      sampling: isTraining ? plan.sampling : "sequential",
      seed: plan.seed,
    });
  const { frozen: _, groups: __, ...rest } = planRecipe(plan);
  const recipe: Recipe = {
    ...rest,
    net: sequential({ flatten: flatten(), [codeHead]: linear({ features: classes }) }),
    input: [transfer.codes, 1, 1],
    normalization: standardization,
  };
  const trainer = new Trainer({
    recipe,
    session,
    seed: plan.seed,
    scheduledMomentum: planSchedule(plan).momentum !== undefined,
  });
  return {
    trainer,
    train: batchesOf(data.split.train, true),
    val: batchesOf(data.split.val, false),
    whole: (trained) => joinHead(bodyWeights, transfer.head, trained, standardization),
  };
}
