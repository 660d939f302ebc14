import { ShapeError } from "../core/errors.ts";
import { checkOptions, either, flag, integer, number, oneOf, optional } from "../core/fields.ts";
import { formatShape } from "../core/shape.ts";
import { groupNormOp, layerNormOp } from "../graph/ops/normalization.ts";
import { constant } from "../initializers/basic.ts";
import { type Layer, layer } from "./layer.ts";

/** Options of {@link layerNorm}. */
export interface LayerNormOptions {
  /**
   * How many of the last axes are normalised together, or the `channels` of each pixel of `[N, C, H, W]`
   * (ConvNeXt's form). Default 1.
   */
  readonly over?: number | "channels";
  /** Default 1e-5, as PyTorch; ConvNeXt has 1e-6. */
  readonly eps?: number;
  /** A trained scale and shift. Default true. */
  readonly affine?: boolean;
}

/**
 * Layer normalisation with a scale `weight` and a shift `bias` of the sizes normalised; see graph/ops/normalization.ts.
 * The shape stays. Source: Ba, Kiros & Hinton 2016.
 */
export function layerNorm(options: LayerNormOptions = {}): Layer {
  checkOptions("layerNorm", options, {
    over: optional(either(integer(1), oneOf("channels"))),
    eps: optional(number(Number.MIN_VALUE)),
    affine: optional(flag()),
  });
  const { over = 1, eps = 1e-5, affine = true } = options;
  return layer(
    "layerNorm",
    options,
    ([x], scope) => {
      const rank = x!.shape.length;
      if (over === "channels" ? rank !== 4 : rank <= over) {
        const expected = over === "channels" ? "[N, C, H, W]" : `more than ${over} axes`;
        throw new ShapeError(
          `layerNorm "${scope.path}": expected ${expected}, got ${formatShape(x!.shape)}.`,
        );
      }
      const axes =
        over === "channels" ? [1] : Array.from({ length: over }, (_, i) => rank - over + i);
      const sizes = axes.map((axis) => x!.shape[axis]!);
      const parameters = affine
        ? [
            scope.parameter("weight", sizes, constant(1)),
            scope.parameter("bias", sizes, constant(0)),
          ]
        : [];
      return scope.builder.add(layerNormOp, [x!, ...parameters], { eps, axes, affine })[0]!;
    },
    { type: over === "channels" ? "LayerNorm2d" : "LayerNorm" },
  );
}

/** Options of {@link groupNorm}. */
export interface GroupNormOptions {
  /** Groups the channels are cut into. */
  readonly groups: number;
  /** Default 1e-5, as PyTorch. */
  readonly eps?: number;
  /** A trained scale and shift. Default true. */
  readonly affine?: boolean;
}

/**
 * Group normalisation with `weight [C]` and `bias [C]`; see graph/ops/normalization.ts. The shape stays. It does
 * not look at other images, so it suits batches of one. Source: Wu & He 2018.
 */
export function groupNorm(options: GroupNormOptions): Layer {
  checkOptions("groupNorm", options, {
    groups: integer(1),
    eps: optional(number(Number.MIN_VALUE)),
    affine: optional(flag()),
  });
  return normalizeGroups("groupNorm", "GroupNorm", options, () => options.groups);
}

/** Options of {@link instanceNorm}. */
export interface InstanceNormOptions {
  /** Default 1e-5, as PyTorch. */
  readonly eps?: number;
  /** A trained scale and shift. Default false, as PyTorch. */
  readonly affine?: boolean;
}

/** Normalises each plane of each image by itself. The shape stays. Source: Ulyanov, Vedaldi & Lempitsky 2016. */
export function instanceNorm(options: InstanceNormOptions = {}): Layer {
  checkOptions("instanceNorm", options, {
    eps: optional(number(Number.MIN_VALUE)),
    affine: optional(flag()),
  });
  const complete = { affine: false, ...options };
  return normalizeGroups("instanceNorm", "InstanceNorm2d", complete, (channels) => channels);
}

function normalizeGroups(
  kind: string,
  type: string,
  options: InstanceNormOptions,
  groupsOf: (channels: number) => number,
): Layer {
  const { eps = 1e-5, affine = true } = options;
  return layer(
    kind,
    options,
    ([x], scope) => {
      const channels = x!.shape[1];
      if (channels === undefined) {
        throw new ShapeError(`${kind} "${scope.path}": expected [N, C, …], got ${x}.`);
      }
      const parameters = affine
        ? [
            scope.parameter("weight", [channels], constant(1)),
            scope.parameter("bias", [channels], constant(0)),
          ]
        : [];
      const attributes = { eps, affine, groups: groupsOf(channels) };
      return scope.builder.add(groupNormOp, [x!, ...parameters], attributes)[0]!;
    },
    { type },
  );
}
