import type { Value } from "../graph/builder.ts";
import { flag, type Hyperparameter, nonNegative } from "./hyperparameters.ts";

/**
 * A rule that turns gradients into new parameters: a few lines of element-wise algebra, which run on any
 * backend and fuse to one kernel for each tensor.
 */
export interface Optimizer {
  readonly name: string;
  /** All hyperparameters, defaults filled in: what a run records. `lr` is the base rate that a schedule scales. */
  readonly options: Readonly<Record<string, number | boolean | string>> & OptimizerBasics;
  /**
   * Scalars that all parameters share, once for each step. A result that has the name of a scalar becomes its
   * next value; every result is there for `update`, in `shared`.
   */
  shared?(context: SharedContext): Readonly<Record<string, Value>>;
  /** The point at which the gradient is to be taken, where that is not the parameter itself. */
  lookahead?(context: PointContext): Value;
  update(context: UpdateContext): Update;
}

/** What every optimiser has. */
export interface OptimizerBasics {
  readonly lr: number;
  /** λ of the weight decay; 0 for none. */
  readonly weightDecay: number;
  /** Whether decay goes round the gradient (`x ← x − lr·λ·x`) instead of into it (`g + λ·x`). */
  readonly decoupledWeightDecay: boolean;
}

/** Options that every optimiser takes. */
export interface OptimizerOptions {
  /** Learning rate, before any schedule. */
  readonly lr?: number;
  /** λ: decay of the weights towards 0. Default 0, as PyTorch (AdamW: 0.01). */
  readonly weightDecay?: number;
  /**
   * `x ← x − lr·λ·x` before the update, as AdamW, instead of adding `λ·x` to the gradient (Loshchilov & Hutter 2019).
   * Default false (AdamW: true).
   */
  readonly decoupledWeightDecay?: boolean;
}

export interface SharedContext {
  /** The scheduled momentum, where there is one: it replaces `momentum` or `beta1`. */
  readonly momentum: Value | undefined;
  /** What a scalar state was before this step. */
  scalar(name: string, initial?: number): Value;
  /** The rate of this step before any group's factor, `[]`. */
  readonly lr: Value;
}

export interface PointContext {
  readonly parameter: Value;
  readonly momentum: Value | undefined;
  /** What a slot of the parameter's shape was before this step. */
  slot(name: string, initial?: number): Value;
}

export interface UpdateContext extends PointContext {
  readonly gradient: Value;
  /** The rate of this step for this parameter, `[]`. */
  readonly lr: Value;
  readonly shared: Readonly<Record<string, Value>>;
}

export interface Update {
  readonly parameter: Value;
  /** Next values of the slots, by name. */
  readonly slots?: Readonly<Record<string, Value>>;
}

/** The rows of the hyperparameters that every optimiser has. */
export function basics(lr: number): {
  readonly lr: Hyperparameter<number>;
  readonly weightDecay: Hyperparameter<number>;
  readonly decoupledWeightDecay: Hyperparameter<boolean>;
} {
  return {
    lr: nonNegative(lr),
    weightDecay: nonNegative(0),
    decoupledWeightDecay: flag(false),
  };
}
