import type { EpochRecord } from "./history.ts";
import type { Tensors } from "./trainer.ts";

/** Where in its data a training stands. Randomness needs no state: it is a function of seed and place. */
export interface Position {
  /** From 0: the epoch that goes on or begins. */
  readonly epoch: number;
  /** Batches of that epoch already trained on. */
  readonly batch: number;
  /** Updates since the beginning of training. */
  readonly step: number;
}

/** Sums over the batches of an epoch that is under way. */
export interface EpochSums {
  readonly loss: number;
  readonly correct: number;
  readonly images: number;
  readonly seconds: number;
}

/** Everything needed to go on to the same bits: taken between two updates. */
export interface Checkpoint {
  readonly position: Position;
  readonly sums: EpochSums;
  readonly history: readonly EpochRecord[];
  /** Weights, running statistics, optimiser slots, averages. */
  readonly tensors: Tensors;
  /** Images computed at once, where a batch did not fit into memory (fitMemory.ts); its bits depend on it. */
  readonly part?: number;
}
