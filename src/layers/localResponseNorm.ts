import { checkOptions, integer, number, oneOf, optional } from "../core/fields.ts";
import { localResponseNormOp } from "../graph/ops/normalization.ts";
import { type Layer, layer } from "./layer.ts";

/** Options of {@link localResponseNorm}. */
export interface LocalResponseNormOptions {
  /**
   * What alpha means and whose defaults hold. Default `torch`.
   *
   * | form | scale | size | alpha | beta | k |
   * | --- | --- | --- | --- | --- | --- |
   * | `paper` | `k + alpha · S` | 5 | 1e-4 | 0.75 | 2 |
   * | `torch` | `k + alpha/size · S` | 5 | 1e-4 | 0.75 | 1 |
   * | `caffe` | `k + alpha/size · S` | 5 | 1 | 0.75 | 1 |
   * | `tensorflow` | `k + alpha · S` | 11 (depth_radius 5) | 1 | 0.5 | 1 |
   */
  readonly form?: "paper" | "torch" | "caffe" | "tensorflow";
  /** Channels that are summed over, the channel at hand in the middle. */
  readonly size?: number;
  readonly alpha?: number;
  readonly beta?: number;
  readonly k?: number;
}

const defaults = {
  paper: { size: 5, alpha: 1e-4, beta: 0.75, k: 2 },
  torch: { size: 5, alpha: 1e-4, beta: 0.75, k: 1 },
  caffe: { size: 5, alpha: 1, beta: 0.75, k: 1 },
  tensorflow: { size: 11, alpha: 1, beta: 0.5, k: 1 },
} as const;

/**
 * Local response normalisation across channels: `y_c = x_c / scale^beta`, where S is the sum of the squares of the
 * `size` channels round c. The shape stays. Source: Krizhevsky, Sutskever & Hinton 2012, section 3.3.
 *
 * @example
 * localResponseNorm({ form: "paper" })
 */
export function localResponseNorm(options: LocalResponseNormOptions = {}): Layer {
  checkOptions("localResponseNorm", options, {
    form: optional(oneOf("paper", "torch", "caffe", "tensorflow")),
    size: optional(integer(1)),
    alpha: optional(number(0)),
    beta: optional(number(0)),
    k: optional(number(0)),
  });
  const { form = "torch" } = options;
  const { size, alpha, beta, k } = { ...defaults[form], ...options };
  const divided = form === "torch" || form === "caffe";
  const attributes = { size, alpha: divided ? alpha / size : alpha, beta, k };
  return layer(
    "localResponseNorm",
    options,
    ([x], scope) => scope.builder.add(localResponseNormOp, [x!], attributes)[0]!,
    { type: "LocalResponseNorm" },
  );
}
