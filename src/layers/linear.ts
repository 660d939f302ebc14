import { ShapeError } from "../core/errors.ts";
import { checkOptions, flag, integer, oneOf, optional } from "../core/fields.ts";
import { formatShape } from "../core/shape.ts";
import { add } from "../graph/ops/binary.ts";
import { conv2d as convolve } from "../graph/ops/conv2d.ts";
import { matmul } from "../graph/ops/matmul.ts";
import { reshape } from "../graph/ops/reshape.ts";
import { uniform } from "../initializers/basic.ts";
import type { Initializer } from "../initializers/initializer.ts";
import { kaimingUniform } from "../initializers/scaled.ts";
import { initializerField } from "./fields.ts";
import { type Layer, layer } from "./layer.ts";

/** Options of {@link linear}. */
export interface LinearOptions {
  /** Output features. */
  readonly features: number;
  /**
   * The axis it works on: the `last`, as PyTorch, or the `channels` of `[N, C, H, W]`, which is a 1x1 convolution with
   * a matrix for a weight. Default `last`.
   */
  readonly over?: "last" | "channels";
  /** Default true. */
  readonly bias?: boolean;
  /** Default: PyTorch's, uniform within ±1/√inputs. */
  readonly weightInitializer?: Initializer;
  /** Default: PyTorch's, uniform within ±1/√inputs. */
  readonly biasInitializer?: Initializer;
}

/**
 * Fully connected layer: `y = x · Wᵀ + b` with `W [features, inputs]` and `b [features]`.
 * `[N, …, inputs] → [N, …, features]`, or `[N, inputs, H, W] → [N, features, H, W]`.
 */
export function linear(options: LinearOptions): Layer {
  checkOptions("linear", options, {
    features: integer(1),
    over: optional(oneOf("last", "channels")),
    bias: optional(flag()),
    weightInitializer: optional(initializerField()),
    biasInitializer: optional(initializerField()),
  });
  const { features, over = "last", bias = true, weightInitializer, biasInitializer } = options;
  return layer(
    "linear",
    options,
    ([x], scope) => {
      const fits = over === "last" ? x!.shape.length >= 2 : x!.shape.length === 4;
      if (!fits) {
        const expected = over === "last" ? "[N, …, inputs]" : "[N, inputs, H, W]";
        throw new ShapeError(
          `linear "${scope.path}": expected ${expected}, got ${formatShape(x!.shape)}.`,
        );
      }
      const inputs = over === "last" ? x!.shape.at(-1)! : x!.shape[1]!;
      const bound = 1 / Math.sqrt(inputs);
      const weight = scope.parameter(
        "weight",
        [features, inputs],
        weightInitializer ?? kaimingUniform({ slope: Math.sqrt(5) }),
      );
      const biasValue = bias
        ? scope.parameter(
            "bias",
            [features],
            biasInitializer ?? uniform({ low: -bound, high: bound }),
          )
        : undefined;
      if (over === "channels") {
        const kernel = reshape(weight, [features, inputs, 1, 1]);
        return convolve(x!, kernel, biasValue === undefined ? {} : { bias: biasValue });
      }
      const y = matmul(x!, weight, { transposeB: true });
      return biasValue === undefined ? y : add(y, biasValue);
    },
    { type: "Linear" },
  );
}
