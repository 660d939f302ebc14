import type { CountedLevel, EpochRecord, Level } from "./history.ts";
import type { Evaluation } from "./predictions.ts";

/** A simple classifier beside the net, on the same split. */
export interface Baseline {
  readonly name: string;
  /** What it does, in a few words. */
  readonly detail: string;
  readonly accuracy: number;
  readonly correct: number;
  readonly total: number;
  readonly ci95: readonly [number, number];
}

/** Several trainings of one kind: folds or seeds. */
export interface Repetition {
  readonly runs: readonly {
    readonly name: string;
    readonly accuracy: number;
    readonly total: number;
  }[];
  readonly mean: number;
  /** Standard deviation between the runs (n − 1). */
  readonly deviation: number;
  /** All runs' answers together, where they are about different images: those of folds. */
  readonly pooled: {
    readonly correct: number;
    readonly total: number;
    readonly ci95: readonly [number, number];
  } | null;
}

/** A point of "would more photos help?". */
export interface LearningPoint {
  /** Share of the training images. */
  readonly share: number;
  readonly images: number;
  readonly val: CountedLevel;
}

/** How much a split that is blind to duplicates would have flattered. */
export interface LeakReport {
  /** Validation images of the naive split that have a relative in its training part. */
  readonly leaked: number;
  readonly total: number;
  /** What was trained on both splits. */
  readonly judge: string;
  /** Accuracy on this run's split, which keeps groups together. */
  readonly grouped: number;
  /** Accuracy on the naive split: all of its validation images, those leaked, those not. */
  readonly naive: number;
  readonly naiveLeaked: number | null;
  readonly naiveClean: number | null;
}

/** A layer of the net, for the table. */
export interface LayerRow {
  readonly name: string;
  readonly kind: string;
  /** Without the batch. */
  readonly output: readonly number[];
  readonly parameters: number;
  readonly macs: number;
}

/** Where and how a run was made. */
export interface MachineRecord {
  readonly node: string;
  readonly platform: string;
  readonly processor: string;
  readonly cores: number;
  readonly backend: string;
}

/** Everything that is to be told of a run: `report.json`. The page is drawn from it and the images. */
export interface RunRecord {
  readonly format: "striate-report-1";
  readonly version: string;
  readonly name: string;
  readonly created: string;
  readonly command: readonly string[];
  readonly machine: MachineRecord;
  readonly data: {
    readonly path: string;
    readonly name: string;
    readonly format: string;
    readonly fingerprint: string;
    readonly classes: readonly {
      readonly label: string;
      readonly train: number;
      readonly val: number;
      readonly test: number;
    }[];
    readonly images: { readonly train: number; readonly val: number; readonly test: number };
    readonly groups: {
      readonly count: number;
      /** Groups that the validation images form. */
      readonly val: number;
      readonly links: Readonly<Record<string, number>>;
    };
    readonly bad: readonly { readonly file: string; readonly message: string }[];
    readonly ignored: number;
    readonly notes: readonly string[];
  };
  readonly net: {
    readonly name: string;
    readonly variant: string;
    readonly input: readonly [number, number, number];
    readonly parameters: number;
    readonly macs: number;
    readonly layers: readonly LayerRow[];
  };
  readonly choices: readonly {
    readonly what: string;
    readonly value: string;
    readonly why: string;
  }[];
  /** Everything that decides the bits of the training; as in `config.json`. */
  readonly plan: Readonly<Record<string, unknown>>;
  readonly history: readonly EpochRecord[];
  /** Why training ended. */
  readonly ended: "done" | "early" | "interrupted";
  readonly best: { readonly epoch: number; readonly val: CountedLevel };
  /** The epoch whose weights are the model. */
  readonly kept: { readonly epoch: number; readonly rule: "best" | "last" };
  /** Figures of the model on the validation images. */
  readonly val: Evaluation;
  /**
   * Wilson's interval as if every group of validation images were one image, because images of a burst are right or
   * wrong together; null where every image is a group of its own.
   */
  readonly groupedCi95: readonly [number, number] | null;
  /** The model on training images as they are, without augmentation; on a sample of them where there are many. */
  readonly train: Level & { readonly images: number };
  readonly baselines: readonly Baseline[];
  readonly leak: LeakReport | null;
  readonly folds: Repetition | null;
  readonly repeats: Repetition | null;
  readonly learningCurve: readonly LearningPoint[] | null;
  readonly weightsSha256: string;
  /** Training and validation, without preparation and report. */
  readonly seconds: number;
  readonly imagesPerSecond: number;
}
