import { OptionError, ShapeError } from "../../core/errors.ts";
import { formatShape } from "../../core/shape.ts";
import type { Value } from "../builder.ts";
import { type InterpolationRows, interpolationRows } from "../interpolation.ts";
import { pair } from "../window.ts";
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
  const where = x.builder.place("resize");
  if (x.shape.length !== 4) {
    throw new ShapeError(`${where}: expected [N, C, H, W], got ${formatShape(x.shape)}.`);
  }
  const { size, mode = "nearest", alignCorners = false, antialias = false } = options;
  if (mode === "nearest" && (alignCorners || antialias)) {
    throw new OptionError(`${where}: alignCorners and antialias need mode bilinear or bicubic.`);
  }
  const target = pair(size, `${where}: size`, 1);
  let y = x;
  for (const [i, output] of target.entries()) {
    const axis = i + 2;
    const input = x.shape[axis]!;
    if (output === input && !alignCorners) continue;
    const rows =
      mode === "nearest"
        ? nearestRows(input, output)
        : interpolationRows({
            input,
            output,
            mode: mode === "bilinear" ? "linear" : "cubic",
            coordinates: alignCorners ? "alignCorners" : "halfPixel",
            antialias,
            cubicCoefficient: antialias ? -0.5 : -0.75,
          });
    y = resample(y, axis, rows);
  }
  return y;
}

/**
 * Row `i` reads `⌊i·input/output⌋`, reckoned in float32 as PyTorch does, so that the same pixel is taken at the sizes
 * (about one in a hundred) where rounding makes 1 of it 0.99999994: 2 → 82 takes pixel 0 for row 41.
 */
function nearestRows(input: number, output: number): InterpolationRows {
  const step = Math.fround(input / output);
  const indices = Array.from({ length: output }, (_, i) => [
    Math.min(Math.floor(Math.fround(i * step)), input - 1),
  ]);
  return { indices, weights: indices.map(() => [1]) };
}

/** Applies rows of {@link interpolationRows} along an axis. */
export function resample(x: Value, axis: number, rows: InterpolationRows): Value {
  return axisMap(x, { axis, ...rows });
}
