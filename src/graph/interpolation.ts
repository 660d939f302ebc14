import { OptionError } from "../core/errors.ts";

/** How values between samples are found. */
export type InterpolationMode = "nearest" | "linear" | "cubic";

/**
 * Which position of the input an output position stands for, with `r = output/input`:
 * `halfPixel` `(i + ½)/r − ½` (PyTorch, Pillow), `alignCorners` `i·(input − 1)/(output − 1)`, `asymmetric` `i/r`,
 * `pytorchHalfPixel` the first, but 0 where there is one output only, `halfPixelSymmetric` the first, centred where
 * r is not exactly output/input (ONNX), `cropAndResize` the corners of a region that begins and ends at parts of the
 * input (TensorFlow); what lies outside the input then has no weights.
 */
export type CoordinateRule =
  | "halfPixel"
  | "alignCorners"
  | "asymmetric"
  | "pytorchHalfPixel"
  | "halfPixelSymmetric"
  | "cropAndResize";

/** How `nearest` rounds a position; PyTorch takes `floor` of the asymmetric position. */
export type NearestRule = "floor" | "ceil" | "roundPreferFloor" | "roundPreferCeil";

/** Interpolation along one axis. */
export interface AxisInterpolation {
  readonly input: number;
  readonly output: number;
  readonly mode: InterpolationMode;
  readonly coordinates: CoordinateRule;
  /** Output samples per input sample, where it was given and the size was rounded. Default output/input. */
  readonly scale?: number;
  /** Default `floor`. */
  readonly nearest?: NearestRule;
  /** The cubic's parameter a. Default −0.75, as PyTorch and ONNX; Pillow has −0.5. */
  readonly cubicCoefficient?: number;
  /** Widen the kernel when shrinking, so that every input sample counts. Default false. */
  readonly antialias?: boolean;
  /** Start and end of the region of `cropAndResize`, as parts of the input's first and last position. Default 0 and 1. */
  readonly region?: readonly [number, number];
  /**
   * Leave out what lies outside and rescale the rest, instead of repeating the border. Default: as `antialias`, which is
   * Pillow's way; ONNX repeats the border there, too.
   */
  readonly excludeOutside?: boolean;
}

/** The positions that each output reads, and with which weights: the rows of an axis map. */
export interface InterpolationRows {
  readonly indices: readonly (readonly number[])[];
  readonly weights: readonly (readonly number[])[];
}

/** The position in the input of output `i`. Multiplying first keeps whole quotients whole. */
function position(i: number, axis: AxisInterpolation): number {
  const { input, output, scale, coordinates } = axis;
  // A scale that was given is a float32; quotients by it are whole in float32 where they are meant to be.
  const unscale = (p: number) =>
    scale === undefined ? (p * input) / output : Math.fround(p / Math.fround(scale));
  const half = unscale(i + 0.5) - 0.5;
  switch (coordinates) {
    case "halfPixel":
      return half;
    case "alignCorners":
      return output === 1 ? 0 : (i * (input - 1)) / (output - 1);
    case "asymmetric":
      return unscale(i);
    case "pytorchHalfPixel":
      return output > 1 ? half : 0;
    case "cropAndResize": {
      const [start, end] = axis.region ?? [0, 1];
      const share = output === 1 ? (start + end) / 2 : start + (i * (end - start)) / (output - 1);
      return share * (input - 1);
    }
    case "halfPixelSymmetric": {
      const adjustment = scale === undefined ? 1 : output / (scale * input);
      return (input / 2) * (1 - adjustment) + half;
    }
  }
}

function roundNearest(x: number, rule: NearestRule): number {
  switch (rule) {
    case "floor":
      return Math.floor(x);
    case "ceil":
      return Math.ceil(x);
    case "roundPreferFloor":
      return Math.ceil(x - 0.5);
    case "roundPreferCeil":
      return Math.floor(x + 0.5);
  }
}

/** Keys's cubic kernel (1981) with parameter a; 0 outside (−2, 2). */
function cubic(t: number, a: number): number {
  const d = Math.abs(t);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return a * (((d - 5) * d + 8) * d - 4);
  return 0;
}

/**
 * The rows of the axis map that resamples one axis. Outside the input the border is repeated, unless left
 * out. Weights of a row add up to 1.
 *
 * Source: Keys 1981 for the cubic; ONNX operator Resize for the rules; Pillow's resampling for `antialias`.
 */
export function interpolationRows(axis: AxisInterpolation): InterpolationRows {
  const { input, output, mode } = axis;
  for (const [what, size] of [
    ["input", input],
    ["output", output],
  ] as const) {
    if (!Number.isInteger(size) || size < 1) {
      throw new OptionError(`resize: ${what} size ${size}: expected an integer of at least 1.`);
    }
  }
  const scale = axis.scale ?? output / input;
  const clamp = (i: number) => Math.min(Math.max(i, 0), input - 1);
  const isOutside = (centre: number) =>
    axis.coordinates === "cropAndResize" && (centre < 0 || centre > input - 1);
  if (mode === "nearest") {
    const rule = axis.nearest ?? "floor";
    const indices = Array.from({ length: output }, (_, i) => {
      const centre = position(i, axis);
      return isOutside(centre) ? [] : [clamp(roundNearest(centre, rule))];
    });
    return { indices, weights: indices.map((row) => row.map(() => 1)) };
  }
  const { antialias = false, excludeOutside = antialias, cubicCoefficient = -0.75 } = axis;
  const widening = antialias ? Math.max(1, 1 / scale) : 1;
  const radius = (mode === "linear" ? 1 : 2) * widening;
  const kernel = (t: number) =>
    mode === "linear" ? Math.max(0, 1 - Math.abs(t)) : cubic(t, cubicCoefficient);
  const indices: number[][] = [];
  const weights: number[][] = [];
  for (let i = 0; i < output; i++) {
    const centre = position(i, axis);
    const sums = new Map<number, number>();
    let total = 0;
    const last = isOutside(centre) ? Number.NEGATIVE_INFINITY : Math.floor(centre + radius);
    for (let j = Math.ceil(centre - radius); j <= last; j++) {
      const weight = kernel((j - centre) / widening);
      if (weight === 0) continue;
      if (excludeOutside && (j < 0 || j >= input)) continue;
      const place = clamp(j);
      sums.set(place, (sums.get(place) ?? 0) + weight);
      total += weight;
    }
    indices.push([...sums.keys()]);
    weights.push([...sums.values()].map((weight) => weight / total));
  }
  return { indices, weights };
}
