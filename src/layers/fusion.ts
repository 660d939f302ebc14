import { ShapeError } from "../core/errors.ts";
import { checkOptions, integer, oneOf, optional } from "../core/fields.ts";
import { formatShape } from "../core/shape.ts";
import type { Value } from "../graph/builder.ts";
import { constant, type Expression, input, scalar as s } from "../graph/expression.ts";
import { elementwise } from "../graph/ops/elementwise.ts";
import { resize } from "../graph/ops/resize.ts";
import { conv2d } from "./conv2d.ts";
import { type Layer, layer } from "./layer.ts";
import type { Scope } from "./scope.ts";
import { concat, sum } from "./structure.ts";

/** Options of {@link fusion}. */
export interface FusionOptions {
  /** `sum`; `concat`, then a 1x1 convolution; `gated`, a mean whose weights are computed for every pixel and channel. */
  readonly mode: "sum" | "concat" | "gated";
  /** Channels of the result. */
  readonly channels: number;
  /** How maps come to the size of the first. Default `bilinear`. */
  readonly resize?: "nearest" | "bilinear";
}

/**
 * Makes one feature map of two or more. All come to the height and width of the first; under `sum` and `gated` those
 * with other than `channels` channels pass a 1x1 convolution (`project.<index>`).
 *
 * - `sum`: `y = Σ z_i`
 * - `concat`: `y = mix(z_1 ‖ z_2 ‖ …)` with a 1x1 convolution `mix`
 * - `gated`: `y = Σ a_i z_i`, `a = softmax(g_1, …, g_{n−1}, 0)`, `g_i = gate.<index>(z_1 ‖ z_2 ‖ …)`; with two maps
 *   `a_1 = σ(g_1)`, `a_2 = 1 − a_1`. Source: Arevalo et al. 2017, section 3.2, for two maps.
 *
 * `[N, C_i, H_i, W_i] … → [N, channels, H_1, W_1]`.
 */
export function fusion(options: FusionOptions): Layer {
  checkOptions("fusion", options, {
    mode: oneOf("sum", "concat", "gated"),
    channels: integer(1),
    resize: optional(oneOf("nearest", "bilinear")),
  });
  const { mode, channels, resize: how = "bilinear" } = options;
  const mix = conv2d({ channels, kernel: 1 });
  return layer("fusion", options, (maps, scope) => {
    const [first] = maps;
    if (first === undefined || maps.length < 2 || maps.some(({ shape }) => shape.length !== 4)) {
      throw new ShapeError(
        `fusion "${scope.path}": expected two or more maps [N, C, H, W], got ${maps.map(({ shape }) => formatShape(shape)).join(", ") || "none"}.`,
      );
    }
    const size = [first.shape[2]!, first.shape[3]!] as const;
    const bring = layer("resize", {}, ([x]) => resize(x!, { size, mode: how }));
    const sized = maps.map((x) =>
      x.shape[2] === size[0] && x.shape[3] === size[1] ? x : scope.inline(bring, x),
    );
    if (mode === "concat") return scope.apply("mix", mix, scope.inline(concat(), ...sized));
    const projected = sized.map((x, i) =>
      x.shape[1] === channels ? x : scope.apply(`project.${i}`, mix, x),
    );
    if (mode === "sum") return scope.inline(sum(), ...projected);
    return gated(projected, mix, scope);
  });
}

function gated(maps: readonly Value[], gate: Layer, scope: Scope): Value {
  const joined = scope.inline(concat(), ...maps);
  const gates = maps.slice(1).map((_, i) => scope.apply(`gate.${i}`, gate, joined));
  const mean = layer("gatedMean", {}, (values) => elementwise(values, gatedMean(maps.length)));
  return scope.inline(mean, ...maps, ...gates);
}

/** `Σ e^(g_i − m) z_i / Σ e^(g_i − m)` over inputs `z_1 … z_n, g_1 … g_{n−1}`, with `g_n = 0` and `m` the largest. */
function gatedMean(count: number): Expression {
  const gates = Array.from({ length: count }, (_, i) =>
    i < count - 1 ? input(count + i) : constant(0),
  );
  const largest = gates.reduce((a, b) => s.max(a, b));
  const shares = gates.map((gate) => s.exp(s.sub(gate, largest)));
  const weighted = shares.map((share, i) => s.mul(share, input(i)));
  return s.div(
    weighted.reduce((a, b) => s.add(a, b)),
    shares.reduce((a, b) => s.add(a, b)),
  );
}
