import { adadelta } from "./adadelta.ts";
import { adagrad } from "./adagrad.ts";
import { adam, adamw } from "./adam.ts";
import { adamax } from "./adamax.ts";
import { momentum } from "./momentum.ts";
import { nadam } from "./nadam.ts";
import { nesterov } from "./nesterov.ts";
import { rmsprop } from "./rmsprop.ts";
import { sgd } from "./sgd.ts";

export { type AdadeltaOptions, adadelta } from "./adadelta.ts";
export { type AdagradOptions, adagrad } from "./adagrad.ts";
export { type AdamOptions, adam, adamw } from "./adam.ts";
export { type AdamaxOptions, adamax } from "./adamax.ts";
export {
  type AppliedOptimizer,
  type ApplyOptions,
  applyOptimizer,
  gradientPoint,
  slotName,
  type TrainedParameter,
} from "./applyOptimizer.ts";
export { type AverageOptions, averageName, averageWeights } from "./averageWeights.ts";
export { type ClipOptions, clipGradients, globalNorm } from "./clipGradients.ts";
export { type MomentumOptions, momentum } from "./momentum.ts";
export { type NadamOptions, nadam } from "./nadam.ts";
export { type NesterovOptions, nesterov } from "./nesterov.ts";
export type { Optimizer, OptimizerOptions, Update, UpdateContext } from "./optimizer.ts";
export type { NamedParameter, ParameterGroup } from "./parameterGroups.ts";
export { type RmspropOptions, rmsprop } from "./rmsprop.ts";
export { sgd } from "./sgd.ts";

/** Every optimiser by name. */
export const optimizers = {
  sgd,
  momentum,
  nesterov,
  adagrad,
  adadelta,
  rmsprop,
  adam,
  adamw,
  adamax,
  nadam,
} as const;

export type OptimizerName = keyof typeof optimizers;
