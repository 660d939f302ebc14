import type { BadFile } from "../data/prepare/prepareImages.ts";
import type { TrainingEvent, TrainingOutcome } from "../train/runTraining.ts";
import type { Choice } from "./choosePlan.ts";
import type { Plan } from "./plan.ts";

/** A stretch of work that can be counted. */
export type Phase = "scan" | "decode" | "codes" | "validate" | "baselines" | "folds" | "report";

/** What a run tells while it goes on, for a terminal or a page to show. */
export type RunEvent =
  | {
      readonly type: "progress";
      readonly phase: Phase;
      readonly done: number;
      readonly total: number;
    }
  | { readonly type: "note"; readonly text: string }
  | {
      readonly type: "data";
      readonly name: string;
      readonly classes: readonly string[];
      readonly train: number;
      readonly val: number;
      readonly test: number;
      readonly bad: readonly BadFile[];
      readonly notes: readonly string[];
    }
  | { readonly type: "plan"; readonly plan: Plan; readonly choices: readonly Choice[] }
  | { readonly type: "training"; readonly event: TrainingEvent; readonly epochs: number }
  | { readonly type: "trained"; readonly outcome: TrainingOutcome };

export type RunListener = (event: RunEvent) => void;
