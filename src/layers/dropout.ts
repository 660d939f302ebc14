import { checkOptions, number, optional } from "../core/fields.ts";
import { dropout as drop } from "../graph/ops/dropout.ts";
import { type Layer, layer } from "./layer.ts";

/** Options of {@link dropout}. */
export interface DropoutOptions {
  /** Probability of a zero, below 1. Default 0.5, as the paper and PyTorch. */
  readonly p?: number;
}

const probability = () => number(0, 1 - Number.EPSILON);

/**
 * Where the net is built to drop (while training), each element is zero with probability p and else divided by 1 − p; otherwise the identity. The
 * shape stays. Source: Srivastava et al. 2014, in the inverted form.
 */
export function dropout(options: DropoutOptions = {}): Layer {
  checkOptions("dropout", options, { p: optional(probability()) });
  const { p = 0.5 } = options;
  return layer(
    "dropout",
    options,
    ([x], scope) => (scope.drops && p > 0 ? drop(x!, scope.random("mask", x!.shape), p) : x!),
    { type: "Dropout" },
  );
}

/** Options of {@link stochasticDepth}. */
export interface StochasticDepthOptions {
  /** Probability that a sample's branch is left out, below 1. */
  readonly p: number;
}

/**
 * Where the net is built to drop (while training), whole samples of a residual branch are zero with probability p, the others divided by 1 − p;
 * otherwise the identity. The shape stays. Source: Huang et al. 2016, with the survivors scaled as in timm and
 * torchvision (mode `row`).
 */
export function stochasticDepth(options: StochasticDepthOptions): Layer {
  checkOptions("stochasticDepth", options, { p: probability() });
  const { p } = options;
  return layer(
    "stochasticDepth",
    options,
    ([x], scope) => {
      if (!scope.drops || p === 0) return x!;
      const perSample = [x!.shape[0]!, ...x!.shape.slice(1).map(() => 1)];
      return drop(x!, scope.random("mask", perSample), p);
    },
    { type: "StochasticDepth" },
  );
}
