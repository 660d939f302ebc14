import { lookUp } from "../../src/core/errors.ts";
import {
  constant,
  cosineDecay,
  cosineRestarts,
  exponentialDecay,
  multiStepDecay,
  oneCycle,
  polynomialDecay,
  reduceOnPlateau,
  type Schedule,
  stepDecay,
  warmup,
} from "../../src/optim/schedules/index.ts";
import { type CaseResult, Comparison } from "../comparison.ts";

export interface ScheduleSpecification {
  readonly case: string;
  readonly schedule: string;
  readonly hyper: Hyper;
  readonly epochs: number;
  readonly lr: readonly number[];
  readonly momentum?: readonly number[];
  readonly metric?: readonly number[];
}

/** Arguments of the PyTorch classes, under their names; each class has some of them. */
interface Hyper {
  readonly base_lr: number;
  readonly step_size: number;
  readonly gamma: number;
  readonly milestones: readonly number[];
  readonly total_iters: number;
  readonly power: number;
  readonly T_max: number;
  readonly eta_min: number;
  readonly T_0: number;
  readonly T_mult: number;
  readonly start_factor: number;
  readonly max_lr?: number;
  readonly total_steps: number;
  readonly pct_start: number;
  readonly anneal_strategy: "cos" | "linear";
  readonly div_factor: number;
  readonly final_div_factor: number;
  readonly three_phase: boolean;
  readonly cycle_momentum: boolean;
  readonly base_momentum: number;
  readonly max_momentum: number;
  readonly mode: "min" | "max";
  readonly factor: number;
  readonly patience: number;
  readonly threshold: number;
  readonly threshold_mode: "rel" | "abs";
  readonly cooldown: number;
  readonly min_lr: number;
  readonly eps: number;
  readonly warmup_epochs: number;
}

/** Rates are double precision throughout. */
const relativeTolerance = 1e-6;

/** Our schedule for each class of `torch.optim.lr_scheduler`. */
const classes: Readonly<Record<string, (hyper: Hyper) => Schedule>> = {
  ConstantLR: constant,
  StepLR: ({ step_size, gamma }) => stepDecay({ every: step_size, gamma: gamma }),
  MultiStepLR: ({ milestones, gamma }) => multiStepDecay({ milestones: milestones, gamma: gamma }),
  ExponentialLR: ({ gamma }) => exponentialDecay({ gamma: gamma }),
  PolynomialLR: ({ total_iters, power }) => polynomialDecay({ steps: total_iters, power: power }),
  CosineAnnealingLR: ({ T_max, eta_min }) => cosineDecay({ steps: T_max, minimum: eta_min }),
  CosineAnnealingWarmRestarts: ({ T_0, T_mult, eta_min }) =>
    cosineRestarts({ first: T_0, multiplier: T_mult, minimum: eta_min }),
  LinearLR: ({ start_factor, total_iters }) =>
    warmup(constant(), { steps: total_iters, startFactor: start_factor }),
  OneCycleLR: (hyper) =>
    oneCycle({
      steps: hyper.total_steps,
      rise: hyper.pct_start,
      shape: hyper.anneal_strategy === "cos" ? "cosine" : "linear",
      divide: hyper.div_factor,
      finalDivide: hyper.final_div_factor,
      threePhase: hyper.three_phase,
      cycleMomentum: hyper.cycle_momentum,
      minimumMomentum: hyper.base_momentum,
      maximumMomentum: hyper.max_momentum,
    }),
  ReduceLROnPlateau: (hyper) =>
    reduceOnPlateau({
      mode: hyper.mode,
      factor: hyper.factor,
      patience: hyper.patience,
      threshold: hyper.threshold,
      thresholdMode: hyper.threshold_mode === "rel" ? "relative" : "absolute",
      cooldown: hyper.cooldown,
      minimum: hyper.min_lr,
      eps: hyper.eps,
    }),
  WarmupCosine: ({ warmup_epochs, eta_min }) =>
    warmup(cosineDecay({ minimum: eta_min }), { steps: warmup_epochs }),
  WarmupMultiStep: ({ warmup_epochs, milestones, gamma }) =>
    warmup(multiStepDecay({ milestones: milestones, gamma: gamma }), {
      steps: warmup_epochs,
      restart: false,
    }),
};

/** Compares the rate (and momentum) of every epoch with the recorded ones. */
export async function runScheduleCase(specification: ScheduleSpecification): Promise<CaseResult> {
  const { hyper, epochs, metric = [] } = specification;
  const schedule = lookUp(classes, specification.schedule, "schedule")(hyper);
  const lr: number = hyper.max_lr ?? hyper.base_lr;
  const comparison = new Comparison();
  const compare = (what: string, actual: number, expected: number) =>
    comparison.number(what, actual, expected, relativeTolerance * Math.abs(expected));
  for (let step = 0; step < epochs; step++) {
    const context = { step, total: epochs, lr, history: metric.slice(0, step) };
    compare(`lr[${step}]`, schedule.rate(context), specification.lr[step]!);
    const momentum = specification.momentum?.[step];
    if (momentum !== undefined) {
      compare(`momentum[${step}]`, schedule.momentum?.(context) ?? Number.NaN, momentum);
    }
  }
  return comparison.result(specification.case, specification.schedule);
}
