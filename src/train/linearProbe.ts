import { linear } from "../layers/linear.ts";
import { flatten, sequential } from "../layers/structure.ts";
import { adamw } from "../optim/index.ts";
import { cosineDecay } from "../optim/schedules/cosineDecay.ts";
import type { Session } from "../plan/backend.ts";
import { type Codes, codeBatches, codeHead, standardizationOf } from "./codes.ts";
import { runTraining, validate } from "./runTraining.ts";
import { Trainer } from "./trainer.ts";

/** What a linear classifier on codes is right on. */
export interface ProbeResult {
  readonly correct: number;
  readonly total: number;
}

/** Which rows of the codes are for what. */
export interface ProbeOptions {
  readonly labels: readonly number[];
  readonly classes: number;
  readonly train: readonly number[];
  readonly val: readonly number[];
  readonly seed: number;
}

const probeEpochs = 40;
const probeBatch = 32;

/**
 * Trains a linear classifier on codes and counts what it is right on: how much of what tells the classes apart lies
 * open in them. The weights are those of the last epoch, so nothing is selected on `val`. Source: Alain & Bengio 2016,
 * arXiv:1610.01644.
 */
export async function linearProbe(
  codes: Codes,
  { labels, classes, train, val, seed }: ProbeOptions,
  session: Session,
): Promise<ProbeResult> {
  const trainer = new Trainer({
    recipe: {
      net: sequential({ flatten: flatten(), [codeHead]: linear({ features: classes }) }),
      input: [codes.width, 1, 1],
      classes,
      normalization: standardizationOf(codes, train),
      optimizer: adamw({ lr: 5e-3, weightDecay: 0.1 }),
      decayVectors: false,
    },
    session,
    seed,
  });
  const batches = (rows: readonly number[], isTraining: boolean) =>
    codeBatches(codes, {
      rows,
      labels: rows.map((row) => labels[row]!),
      batchSize: Math.min(probeBatch, rows.length),
      sampling: isTraining ? "shuffle" : "sequential",
      seed,
    });
  const training = runTraining({
    trainer,
    train: batches(train, true),
    epochs: probeEpochs,
    schedule: cosineDecay(),
  });
  for await (const _ of training);
  const { correct, total } = await validate(trainer, batches(val, false));
  return { correct, total };
}
