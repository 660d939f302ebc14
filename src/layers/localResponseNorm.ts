import { lookUp, OptionError } from "../core/errors.ts";
import { localResponseNormOp } from "../graph/ops/normalization.ts";
import { type Layer, layer } from "./layer.ts";

/**
 * Whose constants: `paper` divides nothing (`x/(k + αS)^β`, AlexNet's size 5, α = 1e-4, β = 0.75, k = 2); `torch` and
 * `caffe` divide α by the size (α = 1e-4 and 1, k = 1); `tensorflow` divides nothing and counts channels on each side
 * of the own one (radius 5, so size 11, α = 1, β = 0.5, k = 1).
 */
export type LocalResponseNormForm = "paper" | "torch" | "caffe" | "tensorflow";

/** Options of {@link localResponseNorm}. */
export interface LocalResponseNormOptions {
  /** Default `torch`. */
  readonly form?: LocalResponseNormForm;
  /** Neighbouring channels that are summed, the own one among them. Default 5; 11 as `tensorflow`. */
  readonly size?: number;
  readonly alpha?: number;
  readonly beta?: number;
  readonly k?: number;
}

const forms = {
  paper: { size: 5, alpha: 1e-4, beta: 0.75, k: 2, divides: false },
  torch: { size: 5, alpha: 1e-4, beta: 0.75, k: 1, divides: true },
  caffe: { size: 5, alpha: 1, beta: 0.75, k: 1, divides: true },
  tensorflow: { size: 11, alpha: 1, beta: 0.5, k: 1, divides: false },
} as const;

/**
 * Local response normalisation: `y_c = x_c/(k + α' Σ_j x_j²)^β` over neighbouring channels; see the operation in
 * graph/ops/normalization.ts. Defaults are those of the form. Source: Krizhevsky, Sutskever & Hinton 2012, section 3.3.
 */
export function localResponseNorm(options: LocalResponseNormOptions = {}): Layer {
  const { form = "torch" } = options;
  const defaults = lookUp(forms, form, "form of localResponseNorm");
  const { size = defaults.size, alpha = defaults.alpha, beta = defaults.beta } = options;
  const { k = defaults.k } = options;
  if (!Number.isInteger(size) || size < 1) {
    throw new OptionError(`localResponseNorm: size ${size}: expected an integer of at least 1.`);
  }
  const attributes = { size, alpha: defaults.divides ? alpha / size : alpha, beta, k };
  return layer("localResponseNorm", { form, size, alpha, beta, k }, ([x], scope) => {
    return scope.builder.add(localResponseNormOp, [x!], attributes)[0]!;
  });
}
