import { GraphError, OptionError } from "../core/errors.ts";
import { input, scalar as s } from "../graph/expression.ts";
import { elementwise } from "../graph/ops/elementwise.ts";
import { flatten as flattenValue } from "../graph/ops/reshape.ts";
import { type Layer, layer } from "./layer.ts";

/**
 * Layers one after the other. Names are the keys, or the positions `"0"`, `"1"`, … of an array, as in PyTorch's
 * `Sequential`.
 */
export function sequential(layers: Readonly<Record<string, Layer>> | readonly Layer[]): Layer {
  const entries = Object.entries(layers);
  return layer("sequential", { layers }, ([x], scope) => {
    let y = x;
    for (const [name, inner] of entries) y = scope.apply(name, inner, y!);
    if (y === undefined) throw new GraphError(`sequential "${scope.path}": it has no input.`);
    return y;
  });
}

/** Joins all axes behind the batch: `[N, C, H, W] → [N, C·H·W]`, in the order channel, row, column. */
export function flatten(): Layer {
  return layer("flatten", {}, ([x]) => flattenValue(x!));
}

/** The input as it is: a place in a net that some variants fill. */
export function identity(): Layer {
  return layer("identity", {}, ([x]) => x!);
}

function checkProbability(p: number, what: string): void {
  if (!(p >= 0 && p < 1)) throw new OptionError(`${what}: p ${p}: expected 0 ≤ p < 1.`);
}

/**
 * While training, each element is zero with probability p and else divided by 1 − p; otherwise the identity.
 * p = 0.5, as the paper and PyTorch. Source: Srivastava et al. 2014, in the inverted form.
 */
export function dropout(options: { readonly p?: number } = {}): Layer {
  const { p = 0.5 } = options;
  checkProbability(p, "dropout");
  return layer("dropout", { p }, ([x], scope) => {
    if (!scope.training || p === 0) return x!;
    const draw = scope.random("mask", x!.shape);
    return elementwise([x!, draw], s.select(s.less(input(1), p), 0, s.mul(input(0), 1 / (1 - p))));
  });
}

/**
 * While training, whole samples of a residual branch are zero with probability p, the others divided by 1 − p;
 * otherwise the identity. Source: Huang et al. 2016, with the survivors scaled as in timm.
 */
export function stochasticDepth(options: { readonly p: number }): Layer {
  const { p } = options;
  checkProbability(p, "stochasticDepth");
  return layer("stochasticDepth", { p }, ([x], scope) => {
    if (!scope.training || p === 0) return x!;
    const draw = scope.random("mask", [x!.shape[0]!, ...x!.shape.slice(1).map(() => 1)]);
    return elementwise([x!, draw], s.select(s.less(input(1), p), 0, s.mul(input(0), 1 / (1 - p))));
  });
}
