import { checkOptions, number, optional } from "../core/fields.ts";
import { globalResponseNorm as normalize } from "../graph/ops/globalResponseNorm.ts";
import { constant } from "../initializers/basic.ts";
import { type Layer, layer } from "./layer.ts";

/** Options of {@link globalResponseNorm}. */
export interface GlobalResponseNormLayerOptions {
  /** Default 1e-6, as timm and the authors. */
  readonly eps?: number;
}

/**
 * Global response normalisation with `weight [C]` and `bias [C]`, both 0 at first, which makes it the identity; see
 * graph/ops/globalResponseNorm.ts. `[N, C, H, W] → [N, C, H, W]`. Source: Woo et al. 2023.
 */
export function globalResponseNorm(options: GlobalResponseNormLayerOptions = {}): Layer {
  checkOptions("globalResponseNorm", options, { eps: optional(number(Number.MIN_VALUE)) });
  return layer(
    "globalResponseNorm",
    options,
    ([x], scope) => {
      const channels = x!.shape[1]!;
      const weight = scope.parameter("weight", [channels], constant(0));
      const bias = scope.parameter("bias", [channels], constant(0));
      return normalize(x!, weight, bias, options);
    },
    { type: "GlobalResponseNorm" },
  );
}
