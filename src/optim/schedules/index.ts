import { constant } from "./constant.ts";
import { cosineDecay, cosineRestarts } from "./cosineDecay.ts";
import { exponentialDecay } from "./exponentialDecay.ts";
import { inverseTimeDecay } from "./inverseTimeDecay.ts";
import { oneCycle } from "./oneCycle.ts";
import { polynomialDecay } from "./polynomialDecay.ts";
import { reduceOnPlateau } from "./reduceOnPlateau.ts";
import { multiStepDecay, stepDecay } from "./stepDecay.ts";

export { constant } from "./constant.ts";
export {
  type CosineDecayOptions,
  type CosineRestartsOptions,
  cosineDecay,
  cosineRestarts,
} from "./cosineDecay.ts";
export { type ExponentialDecayOptions, exponentialDecay } from "./exponentialDecay.ts";
export { type InverseTimeDecayOptions, inverseTimeDecay } from "./inverseTimeDecay.ts";
export { type OneCycleOptions, oneCycle } from "./oneCycle.ts";
export { type PolynomialDecayOptions, polynomialDecay } from "./polynomialDecay.ts";
export { type ReduceOnPlateauOptions, reduceOnPlateau } from "./reduceOnPlateau.ts";
export type { Schedule, ScheduleContext } from "./schedule.ts";
export {
  type MultiStepDecayOptions,
  multiStepDecay,
  type StepDecayOptions,
  stepDecay,
} from "./stepDecay.ts";
export { type WarmupOptions, warmup } from "./warmup.ts";

/** Every schedule by the name that a run records. A warm-up goes in front of any of them: `warmup`. */
export const schedules = {
  constant,
  step: stepDecay,
  multiStep: multiStepDecay,
  exponential: exponentialDecay,
  inverseTime: inverseTimeDecay,
  polynomial: polynomialDecay,
  cosine: cosineDecay,
  cosineRestarts,
  oneCycle,
  reduceOnPlateau,
} as const;

export type ScheduleName = keyof typeof schedules;
