import { FormatError, UnsupportedError } from "../../../core/errors.ts";
import type { Value } from "../../../graph/builder.ts";
import { input, scalar as s } from "../../../graph/expression.ts";
import {
  type AxisInterpolation,
  type CoordinateRule,
  interpolationRows,
  type NearestRule,
} from "../../../graph/interpolation.ts";
import { elementwise } from "../../../graph/ops/elementwise.ts";
import { resample } from "../../../graph/ops/resize.ts";
import type { NodeContext } from "../nodeContext.ts";
import { normalizedAxis } from "./axes.ts";
import type { Importers } from "./operator.ts";

const coordinateRules = {
  half_pixel: "halfPixel",
  half_pixel_symmetric: "halfPixelSymmetric",
  pytorch_half_pixel: "pytorchHalfPixel",
  align_corners: "alignCorners",
  asymmetric: "asymmetric",
  tf_crop_and_resize: "cropAndResize",
} as const satisfies Record<string, CoordinateRule>;

const nearestRules = {
  round_prefer_floor: "roundPreferFloor",
  round_prefer_ceil: "roundPreferCeil",
  floor: "floor",
  ceil: "ceil",
} as const satisfies Record<string, NearestRule>;

/** How an axis changes. */
interface AxisChange {
  readonly axis: number;
  readonly output: number;
  /** Where it was given, or decides for all axes. */
  readonly scale?: number;
  readonly region?: readonly [number, number];
}

type Method = Omit<AxisInterpolation, "input" | "output" | "scale" | "region">;

function keysOf<T extends object>(table: T): (keyof T & string)[] {
  return Object.keys(table) as (keyof T & string)[];
}

/** Resamples axis by axis; what lies outside a region is `outside`. */
function resampled(
  node: NodeContext,
  changes: readonly AxisChange[],
  method: Method,
  outside: number,
): Value {
  const x = node.input(0);
  let y = x;
  const masks: Value[] = [];
  const sizes = [...x.shape];
  for (const { axis, output } of changes) sizes[axis] = output;
  node.checkSizes(sizes);
  for (const { axis, output, scale, region } of changes) {
    const own = x.shape[axis]!;
    const isSame = output === own && (scale === undefined || scale === 1) && region === undefined;
    if (isSame) continue;
    node.chargeTable(output, 4 * (own + output));
    const rows = interpolationRows({
      ...method,
      input: own,
      output,
      ...(scale === undefined ? {} : { scale }),
      ...(region === undefined ? {} : { region }),
    });
    y = resample(y, axis, rows);
    if (rows.indices.some((row) => row.length === 0)) {
      const shape = sizes.map((_, a) => (a === axis ? output : 1));
      const inside = Float32Array.from(rows.indices, (row) => (row.length === 0 ? 0 : 1));
      masks.push(node.builder.constant(inside, shape));
    }
  }
  if (masks.length === 0) return y;
  const inside = masks.map((_, i) => input(i + 1)).reduce((a, b) => s.mul(a, b));
  return elementwise([y, ...masks], s.select(inside, input(0), outside));
}

/** Sizes from scales: the product, rounded down. */
function scaled(
  node: NodeContext,
  axes: readonly number[],
  scales: readonly number[],
): AxisChange[] {
  const shape = node.shape(0);
  if (scales.length !== axes.length || scales.some((scale) => !(scale > 0))) {
    throw new FormatError(
      `${node.where}: scales ${scales.join(", ")} for ${axes.length} axes; expected a positive one for each.`,
    );
  }
  return axes.map((axis, i) => ({
    axis,
    // In float32, as others round it: 6 pixels times 5/6 are 5.
    output: Math.floor(Math.fround(shape[axis]! * scales[i]!)),
    scale: scales[i]!,
  }));
}

/** Sizes as they are given, or as the aspect ratio lets them be. */
function sized(node: NodeContext, axes: readonly number[], sizes: readonly number[]): AxisChange[] {
  const shape = node.shape(0);
  if (sizes.length !== axes.length) {
    throw new FormatError(`${node.where}: ${sizes.length} sizes for ${axes.length} axes.`);
  }
  const policy = node.choice(
    "keep_aspect_ratio_policy",
    ["stretch", "not_larger", "not_smaller"],
    "stretch",
  );
  if (policy === "stretch") return axes.map((axis, i) => ({ axis, output: sizes[i]! }));
  const scales = axes.map((axis, i) => sizes[i]! / shape[axis]!);
  const scale = policy === "not_larger" ? Math.min(...scales) : Math.max(...scales);
  return axes.map((axis) => ({ axis, output: Math.floor(shape[axis]! * scale + 0.5), scale }));
}

/** Resize: scales in operator set 10, scales or sizes and a rule for positions from 11 on. */
function resize(node: NodeContext): Value {
  const rank = node.shape(0).length;
  const mode = node.choice("mode", ["nearest", "linear", "cubic"], "nearest");
  const all = Array.from({ length: rank }, (_, axis) => axis);
  if (node.opset < 11) {
    const method: Method = { mode, coordinates: "asymmetric", nearest: "floor" };
    return resampled(node, scaled(node, all, node.known(1)), method, 0);
  }
  const axes = node.ints("axes")?.map((axis) => normalizedAxis(node, axis, rank)) ?? all;
  const scales = node.has(2) ? node.known(2) : [];
  const changes = scales.length > 0 ? scaled(node, axes, scales) : sized(node, axes, node.known(3));
  const rule = node.choice("coordinate_transformation_mode", keysOf(coordinateRules), "half_pixel");
  const regions = rule === "tf_crop_and_resize" ? regionsOf(node, axes) : undefined;
  return resampled(
    node,
    changes.map((change, i) =>
      regions === undefined ? change : { ...change, region: regions[i]! },
    ),
    {
      mode,
      coordinates: coordinateRules[rule],
      nearest:
        nearestRules[node.choice("nearest_mode", keysOf(nearestRules), "round_prefer_floor")],
      cubicCoefficient: node.float("cubic_coeff_a", -0.75),
      excludeOutside: node.int("exclude_outside", 0) !== 0,
      antialias: node.int("antialias", 0) !== 0,
    },
    node.float("extrapolation_value", 0),
  );
}

/** Start and end of each axis, as parts of it. */
function regionsOf(node: NodeContext, axes: readonly number[]): (readonly [number, number])[] {
  const roi = node.known(1);
  if (roi.length !== 2 * axes.length) {
    throw new FormatError(
      `${node.where}: a region of ${roi.length} numbers for ${axes.length} axes; expected two for each.`,
    );
  }
  return axes.map((_, i) => [roi[i]!, roi[i + axes.length]!] as const);
}

/** Upsample, which Resize replaced: scales are attributes until operator set 8, an input in 9. */
function upsample(node: NodeContext): Value {
  const rank = node.shape(0).length;
  const named = { nearest: "nearest", linear: "linear", bilinear: "linear" } as const;
  const mode = named[node.choice("mode", keysOf(named), "nearest")];
  if (node.opset >= 10) {
    throw new UnsupportedError(`${node.where}: operator set 10 has Resize in its place.`);
  }
  const scales =
    node.opset >= 9
      ? node.known(1)
      : (node.floats("scales") ?? [
          ...new Array<number>(Math.max(0, rank - 2)).fill(1),
          node.float("height_scale", 1),
          node.float("width_scale", 1),
        ]);
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  const method: Method = { mode, coordinates: "asymmetric", nearest: "floor" };
  return resampled(node, scaled(node, axes, scales), method, 0);
}

/** Operators that change the resolution of an image. */
export const resampling: Importers = { Resize: resize, Upsample: upsample };
