import { OptionError, ShapeError } from "../../core/errors.ts";
import { formatShape } from "../../core/shape.ts";
import type { Value } from "../builder.ts";
import { type InterpolationRows, interpolationRows } from "../interpolation.ts";
import { axisMap } from "./axisMap.ts";

/** Options of {@link resize}. */
export interface ResizeOptions {
  /** `[height, width]` of the result, or one number for both. */
  readonly size: number | readonly [number, number];
  /** Default `nearest`, as PyTorch. */
  readonly mode?: "nearest" | "bilinear" | "bicubic";
  /** Corner pixels stay where they are; bilinear and bicubic only. Default false, as PyTorch. */
  readonly alignCorners?: boolean;
  /** Average over what shrinking leaves out, as Pillow; bilinear and bicubic only. Default false, as PyTorch. */
  readonly antialias?: boolean;
}

/**
 * Resamples the planes of an image tensor to another size: separable, one linear map per axis. Positions,
 * the cubic's a (−0.75; −0.5 with `antialias`) and the choice of the nearest pixel are PyTorch's.
 *
 * `[N, C, H, W] → [N, C, height, width]`.
 *
 * @example
 * resize(x, { size: [64, 64], mode: "bilinear" })
 */
export function resize(x: Value, options: ResizeOptions): Value {
  const where = `resize "${x.builder.scope}"`;
  if (x.shape.length !== 4) {
    throw new ShapeError(`${where}: expected [N, C, H, W], got ${formatShape(x.shape)}.`);
  }
  const { size, mode = "nearest", alignCorners = false, antialias = false } = options;
  if (mode === "nearest" && (alignCorners || antialias)) {
    throw new OptionError(`${where}: alignCorners and antialias need mode bilinear or bicubic.`);
  }
  const target = typeof size === "number" ? [size, size] : size;
  let y = x;
  for (const [i, output] of target.entries()) {
    const axis = i + 2;
    const input = x.shape[axis]!;
    if (output === input && !alignCorners) continue;
    y = resample(
      y,
      axis,
      interpolationRows(
        mode === "nearest"
          ? { input, output, mode, coordinates: "asymmetric" }
          : {
              input,
              output,
              mode: mode === "bilinear" ? "linear" : "cubic",
              coordinates: alignCorners ? "alignCorners" : "halfPixel",
              antialias,
              cubicCoefficient: antialias ? -0.5 : -0.75,
            },
      ),
    );
  }
  return y;
}

/** Applies rows of {@link interpolationRows} along an axis. */
export function resample(x: Value, axis: number, rows: InterpolationRows): Value {
  return axisMap(x, { axis, ...rows });
}
