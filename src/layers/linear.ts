import { OptionError, ShapeError } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import { add } from "../graph/ops/binary.ts";
import { matmul } from "../graph/ops/matmul.ts";
import { uniform } from "../initializers/basic.ts";
import type { Initializer } from "../initializers/initializer.ts";
import { kaimingUniform } from "../initializers/scaled.ts";
import { type Layer, layer } from "./layer.ts";

/** Options of {@link linear}. */
export interface LinearOptions {
  /** Output features. */
  readonly features: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Default: PyTorch's, uniform within ±1/√inputs. */
  readonly weightInitializer?: Initializer;
  /** Default: PyTorch's, uniform within ±1/√inputs. */
  readonly biasInitializer?: Initializer;
}

/**
 * Fully connected layer on the last axis: `y = x · Wᵀ + b` with `W [features, inputs]`.
 * `[…, inputs] → […, features]`.
 */
export function linear(options: LinearOptions): Layer {
  const { features, bias = true, weightInitializer, biasInitializer } = options;
  if (!Number.isInteger(features) || features < 1) {
    throw new OptionError(`linear: ${features} features: expected an integer of at least 1.`);
  }
  return layer("linear", { features, bias }, ([x], scope) => {
    const inputs = x!.shape.at(-1);
    if (inputs === undefined || x!.shape.length < 2) {
      throw new ShapeError(
        `linear "${scope.path}": expected [N, …, inputs], got ${formatShape(x!.shape)}; flatten first.`,
      );
    }
    const bound = 1 / Math.sqrt(inputs);
    const weight = scope.parameter(
      "weight",
      [features, inputs],
      weightInitializer ?? kaimingUniform({ slope: Math.sqrt(5) }),
    );
    const y = matmul(x!, weight, { transposeB: true });
    if (!bias) return y;
    return add(
      y,
      scope.parameter("bias", [features], biasInitializer ?? uniform({ low: -bound, high: bound })),
    );
  });
}
