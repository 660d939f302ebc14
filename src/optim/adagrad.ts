import { scalar as s } from "../graph/expression.ts";
import { formula } from "./formula.ts";
import { choice, nonNegative, positive, resolveOptions } from "./hyperparameters.ts";
import { basics, type Optimizer, type OptimizerOptions } from "./optimizer.ts";

/** Options of {@link adagrad}. */
export interface AdagradOptions extends OptimizerOptions {
  /** ε. Default 1e-10 for `torch`, 1e-8 for `paper`, 1e-7 for `keras`. */
  readonly eps?: number;
  /** Where the sum of squares starts. Default 0, as PyTorch; 0.1 for `keras`. */
  readonly initialAccumulator?: number;
  /** δ: the rate is divided by `1 + (t − 1)·δ` at step t = 1, 2, …. Default 0, as PyTorch. */
  readonly lrDecay?: number;
  /** Default `torch`. */
  readonly form?: "paper" | "torch" | "keras";
}

/**
 * Adagrad: a rate for each parameter that falls with the gradients it has seen. `G ← G + g²`, then
 *
 * - `torch`: `x ← x − lr·g/(√G + ε)`;
 * - `paper` and `keras`: `x ← x − lr·g/√(G + ε)`.
 *
 * `lr` 0.01, as PyTorch; Keras has 0.001. Source: Duchi, Hazan & Singer 2011, with the ε under the root as in
 * Ruder 2016.
 */
export function adagrad(options: AdagradOptions = {}): Optimizer {
  const { form = "torch" } = options;
  const resolved = resolveOptions("adagrad", options, {
    ...basics(form === "keras" ? 0.001 : 0.01),
    eps: positive(form === "torch" ? 1e-10 : form === "paper" ? 1e-8 : 1e-7),
    initialAccumulator: nonNegative(form === "keras" ? 0.1 : 0),
    lrDecay: nonNegative(0),
    form: choice("torch", ["paper", "torch", "keras"] as const),
  });
  const { eps, initialAccumulator, lrDecay } = resolved;
  return {
    name: "adagrad",
    options: resolved,
    ...(lrDecay === 0
      ? {}
      : {
          shared({ scalar }) {
            const before = scalar("step");
            return { before, step: formula({ before }, ({ before }) => s.add(before, 1)) };
          },
        }),
    update({ parameter, gradient, lr, slot, shared }) {
      const sum = formula({ sum: slot("sum", initialAccumulator), g: gradient }, ({ sum, g }) =>
        s.add(sum, s.mul(g, g)),
      );
      const rate =
        shared.before === undefined
          ? lr
          : formula({ lr, before: shared.before, lrDecay }, ({ lr, before, lrDecay }) =>
              s.div(lr, s.add(1, s.mul(before, lrDecay))),
            );
      const next = formula({ x: parameter, g: gradient, sum, rate, eps }, (o) => {
        const root = form === "torch" ? s.add(s.sqrt(o.sum), o.eps) : s.sqrt(s.add(o.sum, o.eps));
        return s.sub(o.x, s.mul(o.rate, s.div(o.g, root)));
      });
      return { parameter: next, slots: { sum } };
    },
  };
}
