import { ShapeError } from "../core/errors.ts";
import { checkOptions, integer, listOf, oneOf, optional } from "../core/fields.ts";
import { formatShape } from "../core/shape.ts";
import { axisMap } from "../graph/ops/axisMap.ts";
import { conv2d } from "../graph/ops/conv2d.ts";
import { reshape } from "../graph/ops/reshape.ts";
import { type Fit, type Padding, type Pair, pair } from "../graph/window.ts";
import { constant } from "../initializers/basic.ts";
import { drawEach, type Initializer } from "../initializers/initializer.ts";
import { initializerField, padding, pairOf } from "./fields.ts";
import { type Layer, layer } from "./layer.ts";

/** Options of {@link partialConv2d}. */
export interface PartialConv2dOptions {
  /** For each output channel the input channels that it sees, ascending. */
  readonly connections: readonly (readonly number[])[];
  readonly kernel: Pair;
  /** Default 1. */
  readonly stride?: Pair;
  /** Default 0. */
  readonly padding?: Padding;
  /** Default `strict`. */
  readonly fit?: Exclude<Fit, "ceil">;
  /** Default: zero. */
  readonly biasInitializer?: Initializer;
}

/**
 * Convolution over a table of connections: output channel `k` sees the input channels `connections[k]` alone.
 * `weight [connections, R, S]` has one kernel for each connection, in the table's order, drawn uniformly within
 * ±2.4/fan-in (LeCun 1998, appendix A), the fan-in being that of the output channel; `bias [K]`.
 * `[N, C, H, W] → [N, K, P, Q]`.
 *
 * The kernels are spread over a full `[K, C, R, S]` weight with zeros elsewhere, so the multiply-adds that `summary`
 * counts are those of the full convolution. Source: LeCun et al. 1998, table I.
 *
 * @throws ShapeError for a connection to a channel that is not there.
 */
export function partialConv2d(options: PartialConv2dOptions): Layer {
  checkOptions("partialConv2d", options, {
    connections: listOf(listOf(integer(0), 1), 1),
    kernel: pairOf(1),
    stride: optional(pairOf(1)),
    padding: optional(padding()),
    fit: optional(oneOf("strict", "floor")),
    biasInitializer: optional(initializerField()),
  });
  const { connections, kernel, biasInitializer = constant(0), ...placing } = options;
  const [rows, columns] = pair(kernel, "partialConv2d: kernel", 1);
  const fanIn = connections.flatMap((inputs) => inputs.map(() => inputs.length * rows * columns));
  return layer("partialConv2d", options, ([x], scope) => {
    const channels = x!.shape[1]!;
    const unknown = connections.flat().find((c) => c >= channels);
    if (unknown !== undefined) {
      throw new ShapeError(
        `partialConv2d "${scope.path}": a connection to channel ${unknown}; the input ${formatShape(x!.shape)} has channels 0 to ${channels - 1}.`,
      );
    }
    const area = rows * columns;
    const weight = scope.parameter(
      "weight",
      [fanIn.length, rows, columns],
      withinFanIn(fanIn, area),
    );
    const bias = scope.parameter("bias", [connections.length], biasInitializer);
    const places = Array.from({ length: connections.length * channels }, (): number[] => []);
    let position = 0;
    connections.forEach((inputs, k) => {
      for (const c of inputs) places[k * channels + c]!.push(position++);
    });
    const full = axisMap(reshape(weight, [fanIn.length, area]), { axis: 0, indices: places });
    const kernels = reshape(full, [connections.length, channels, rows, columns]);
    return conv2d(x!, kernels, { ...placing, bias });
  });
}

/** Uniform within ±2.4/fan-in, where each kernel of `area` elements has a fan-in of its own. */
function withinFanIn(fanIn: readonly number[], area: number): Initializer {
  return {
    kind: "fanInUniform",
    options: { limit: 2.4 },
    fill(shape, stream) {
      let i = 0;
      return drawEach(shape, () => {
        const bound = 2.4 / fanIn[Math.floor(i++ / area)]!;
        return bound * (2 * stream.uniform() - 1);
      });
    },
  };
}
