import { scalar as s } from "../graph/expression.ts";
import { formula } from "./formula.ts";
import { resolveOptions } from "./hyperparameters.ts";
import { basics, type Optimizer, type OptimizerOptions } from "./optimizer.ts";

/**
 * Gradient descent: `x ← x − lr·g`.
 *
 * Batch, stochastic and mini-batch descent are this rule with another batch size: the whole set, 1, or
 * something between. `lr` 0.01, as Keras; PyTorch has no default.
 *
 * Source: Cauchy 1847; stochastic: Robbins & Monro 1951.
 *
 * @example
 * const optimizer = sgd({ lr: 0.1, weightDecay: 5e-4 });
 */
export function sgd(options: OptimizerOptions = {}): Optimizer {
  return {
    name: "sgd",
    options: resolveOptions("sgd", options, basics(0.01)),
    update: ({ parameter, gradient, lr }) => ({
      parameter: formula({ x: parameter, g: gradient, lr }, ({ x, g, lr }) =>
        s.sub(x, s.mul(lr, g)),
      ),
    }),
  };
}
