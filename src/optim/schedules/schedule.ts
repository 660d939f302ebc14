/** What a schedule may look at. */
export interface ScheduleContext {
  /** The step whose rate is asked for, from 0; epochs or batches, as the caller counts. May lie between two. */
  readonly step: number;
  /** Number of steps in all. */
  readonly total: number;
  /** The base rate: the optimiser's `lr`. */
  readonly lr: number;
  /** What was measured at the end of each epoch so far, the oldest first: the validation loss, say. */
  readonly history: readonly number[];
}

/** A learning rate over time: a pure function of step and history, so that a resumed run goes on unchanged. */
export interface Schedule {
  readonly name: string;
  /** All options, defaults filled in: what a run records. */
  readonly options: Readonly<Record<string, unknown>>;
  rate(context: ScheduleContext): number;
  /** The momentum (or β₁) of a step, where the schedule sets one. */
  momentum?(context: ScheduleContext): number;
}
