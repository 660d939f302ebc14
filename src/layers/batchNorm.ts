import { ShapeError } from "../core/errors.ts";
import { checkOptions, flag, nullable, number, optional } from "../core/fields.ts";
import { elementCount, formatShape } from "../core/shape.ts";
import type { Value } from "../graph/builder.ts";
import { input, scalar as s } from "../graph/expression.ts";
import { add, divide } from "../graph/ops/binary.ts";
import { elementwise } from "../graph/ops/elementwise.ts";
import { batchNormOp } from "../graph/ops/normalization.ts";
import { constant } from "../initializers/basic.ts";
import type { Initializer } from "../initializers/initializer.ts";
import { initializerField } from "./fields.ts";
import { type Layer, layer } from "./layer.ts";
import type { Scope } from "./scope.ts";

/** Options of {@link batchNorm2d} and {@link batchNorm1d}. */
export interface BatchNormOptions {
  /** Default 1e-5, as PyTorch and Caffe; Keras has 1e-3. */
  readonly eps?: number;
  /**
   * Share of the new batch in the running statistics; `null` averages over all batches seen. Default 0.1, as
   * PyTorch, whose Keras name would be `1 − momentum = 0.9` (Keras's own default is 0.99).
   */
  readonly momentum?: number | null;
  /** A trained scale γ and shift β. Default true. */
  readonly affine?: boolean;
  /** Of γ. Default 1; 0 on the last of a residual block starts it as the identity. */
  readonly weightInitializer?: Initializer;
}

/**
 * Batch normalisation per channel; see the operation in graph/ops/normalization.ts. While training it uses the
 * batch's mean and biased variance and moves `running_mean` and `running_var` (with the unbiased
 * variance, as PyTorch) towards them; otherwise, or where its parameters are frozen, it uses those.
 * `[N, C, H, W] → [N, C, H, W]`. Source: Ioffe & Szegedy 2015.
 */
export function batchNorm2d(options: BatchNormOptions = {}): Layer {
  return batchNorm("batchNorm2d", 4, options);
}

/** Batch normalisation of `[N, C]` or `[N, C, L]`; otherwise as {@link batchNorm2d}. */
export function batchNorm1d(options: BatchNormOptions = {}): Layer {
  return batchNorm("batchNorm1d", 3, options);
}

function batchNorm(kind: string, rank: number, options: BatchNormOptions): Layer {
  checkOptions(kind, options, {
    eps: optional(number(Number.MIN_VALUE)),
    momentum: optional(nullable(number(0, 1))),
    affine: optional(flag()),
    weightInitializer: optional(initializerField()),
  });
  const { eps = 1e-5, momentum = 0.1, affine = true, weightInitializer = constant(1) } = options;
  const build = ([x]: readonly Value[], scope: Scope): Value => {
    const channels = x!.shape[1];
    const fits =
      rank === 4 ? x!.shape.length === 4 : x!.shape.length === 2 || x!.shape.length === 3;
    if (channels === undefined || !fits) {
      const expected = rank === 4 ? "[N, C, H, W]" : "[N, C] or [N, C, L]";
      throw new ShapeError(
        `${kind} "${scope.path}": expected ${expected}, got ${formatShape(x!.shape)}.`,
      );
    }
    const parameters = affine
      ? [
          scope.parameter("weight", [channels], weightInitializer),
          scope.parameter("bias", [channels], constant(0)),
        ]
      : [];
    const mean = scope.buffer("running_mean", [channels], 0);
    const variance = scope.buffer("running_var", [channels], 1);
    const seen = scope.buffer("num_batches_tracked", [], 0);
    const training = scope.training && !scope.isFrozen(affine ? "weight" : "running_mean");
    const attributes = { eps, training, affine };
    if (!training) {
      const inputs = [x!, ...parameters, mean, variance];
      return scope.builder.add(batchNormOp, inputs, attributes)[0]!;
    }
    const [y, batchMean, batchVariance] = scope.builder.add(
      batchNormOp,
      [x!, ...parameters],
      attributes,
    ) as [Value, Value, Value];
    const count = elementCount(x!.shape) / channels;
    track(scope, { mean, variance, seen }, batchMean, batchVariance, count, momentum);
    return y;
  };
  return layer(kind, options, build, { type: rank === 4 ? "BatchNorm2d" : "BatchNorm1d" });
}

/** `running ← (1 − m) · running + m · batch`, the variance made unbiased by `n/(n − 1)`. */
function track(
  scope: Scope,
  running: { readonly mean: Value; readonly variance: Value; readonly seen: Value },
  mean: Value,
  variance: Value,
  count: number,
  momentum: number | null,
): void {
  const seen = add(running.seen, 1);
  const share = momentum === null ? divide(1, seen) : scope.builder.constant(momentum);
  const unbiased = count > 1 ? count / (count - 1) : 1;
  const towards = (old: Value, batch: Value, factor: number) =>
    elementwise(
      [old, batch, share],
      s.add(s.mul(input(0), s.sub(1, input(2))), s.mul(s.mul(input(1), factor), input(2))),
    );
  scope.update(running.mean, towards(running.mean, mean, 1));
  scope.update(running.variance, towards(running.variance, variance, unbiased));
  scope.update(running.seen, seen);
}
