import { ShapeError } from "../core/errors.ts";
import { checkOptions, either, listOf, number, optional } from "../core/fields.ts";
import { formatShape } from "../core/shape.ts";
import { input, scalar as s } from "../graph/expression.ts";
import { add, multiply } from "../graph/ops/binary.ts";
import { elementwise } from "../graph/ops/elementwise.ts";
import { reshape } from "../graph/ops/reshape.ts";
import { type Layer, layer } from "./layer.ts";

/** Options of {@link rescale}. */
export interface RescaleOptions {
  /** One for all, or one for each channel. Default 1. */
  readonly scale?: number | readonly number[];
  /** One for all, or one for each channel. Default 0. */
  readonly offset?: number | readonly number[];
}

/**
 * Fixed factors and offsets, as nets have that take pixels as they are: `y_c = x_c · scale_c + offset_c`. The shape stays.
 * Source: Keras's `Rescaling`.
 */
export function rescale(options: RescaleOptions): Layer {
  const numbers = either(number(), listOf(number(), 1));
  checkOptions("rescale", options, { scale: optional(numbers), offset: optional(numbers) });
  const { scale = 1, offset = 0 } = options;
  return layer("rescale", options, ([x], scope) => {
    const { shape, builder } = x!;
    const spread = (given: number | readonly number[], what: string) => {
      if (typeof given === "number") return given;
      if (given.length !== shape[1]) {
        throw new ShapeError(
          `rescale "${scope.path}": ${given.length} numbers in "${what}"; ${formatShape(shape)} has ${shape[1]} channels.`,
        );
      }
      const rest = shape.slice(2).map(() => 1);
      return builder.constant(Float32Array.from(given), [given.length, ...rest]);
    };
    return add(multiply(x!, spread(scale, "scale")), spread(offset, "offset"));
  });
}

/**
 * The same with numbers that were measured on data, which are kept as the buffers `mean [C]`, first 0, and `variance [C]`,
 * first 1: `y_c = (x_c − mean_c)/max(√variance_c, 1e-7)`. The shape stays. Source: Keras's `Normalization`.
 */
export function standardize(): Layer {
  return layer("standardize", {}, ([x], scope) => {
    const [, channels, ...rest] = x!.shape as [number, number, ...number[]];
    const spread = [channels, ...rest.map(() => 1)];
    const mean = reshape(scope.buffer("mean", [channels], 0), spread);
    const variance = reshape(scope.buffer("variance", [channels], 1), spread);
    const deviation = s.max(s.sqrt(input(2)), 1e-7);
    return elementwise([x!, mean, variance], s.div(s.sub(input(0), input(1)), deviation));
  });
}
