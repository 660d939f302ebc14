import { ShapeError } from "../core/errors.ts";
import { checkOptions, field, integer, isInteger, listOf } from "../core/fields.ts";
import { formatShape } from "../core/shape.ts";
import type { Value } from "../graph/builder.ts";
import { padConstant } from "../graph/ops/pad.ts";
import { reshape as reshapeValue } from "../graph/ops/reshape.ts";
import { slice } from "../graph/ops/slice.ts";
import { transpose as transposeValue } from "../graph/ops/transpose.ts";
import { type Layer, layer } from "./layer.ts";

/** Options of {@link reshape}. */
export interface ReshapeOptions {
  /** Sizes behind the batch; one may be −1, which takes what is left. */
  readonly shape: readonly number[];
}

/** The same numbers in the same order under other sizes; the batch stays. `[N, …] → [N, ...shape]`. */
export function reshape(options: ReshapeOptions): Layer {
  const size = field(
    "an integer of at least 1, or −1",
    (value) => value === -1 || isInteger(value, 1),
  );
  checkOptions("reshape", options, { shape: listOf(size, 1) });
  return layer("reshape", options, ([x]) => reshapeValue(x!, [x!.shape[0]!, ...options.shape]), {
    type: "Unflatten",
  });
}

/** Options of {@link transpose}. */
export interface TransposeOptions {
  /** Where each axis behind the batch comes from, counted from 1: `[2, 3, 1]` brings channels last. */
  readonly axes: readonly number[];
}

/** The axes behind the batch in another order: `[N, C, H, W] → [N, H, W, C]` for `axes: [2, 3, 1]`. */
export function transpose(options: TransposeOptions): Layer {
  checkOptions("transpose", options, { axes: listOf(integer(1), 1) });
  const { axes } = options;
  return layer("transpose", options, ([x], scope) => {
    const expected = x!.shape.slice(1).map((_, axis) => axis + 1);
    if ([...axes].sort((a, b) => a - b).join() !== expected.join()) {
      throw new ShapeError(
        `transpose "${scope.path}": axes [${axes.join(", ")}] of ${formatShape(x!.shape)}; expected each of ${expected.join(", ")} once.`,
      );
    }
    return transposeValue(x!, [0, ...axes]);
  });
}

/** Options of {@link zeroPad2d}. */
export interface ZeroPad2dOptions {
  /** All round, `[vertical, horizontal]`, or `[top, left, bottom, right]`; less than 0 cuts off as many. */
  readonly padding: number | readonly [number, number] | readonly [number, number, number, number];
}

/** Zeros round each plane. `[N, C, H, W] → [N, C, top + H + bottom, left + W + right]`. */
export function zeroPad2d(options: ZeroPad2dOptions): Layer {
  const sides = field(
    "an integer, or two or four of them",
    (value) =>
      Number.isInteger(value) ||
      (Array.isArray(value) && [2, 4].includes(value.length) && value.every(Number.isInteger)),
  );
  checkOptions("zeroPad2d", options, { padding: sides });
  const { padding } = options;
  const [top, left = top, bottom = top, right = left] =
    typeof padding === "number" ? [padding] : padding;
  return layer(
    "zeroPad2d",
    options,
    ([x], scope) => {
      if (x!.shape.length !== 4) {
        throw new ShapeError(
          `zeroPad2d "${scope.path}": expected [N, C, H, W], got ${formatShape(x!.shape)}.`,
        );
      }
      const rows = cut(x!, 2, top, bottom, scope.path);
      const inner = cut(rows, 3, left, right, scope.path);
      const added = (side: number) => Math.max(side, 0);
      return padConstant(
        inner,
        [0, 0, added(top), added(left)],
        [0, 0, added(bottom), added(right)],
      );
    },
    { type: "ZeroPad2d" },
  );
}

/** Without what padding below 0 takes away from both ends of an axis. */
function cut(x: Value, axis: number, before: number, after: number, path: string): Value {
  const size = x.shape[axis]!;
  const [start, end] = [Math.max(-before, 0), size - Math.max(-after, 0)];
  if (start === 0 && end === size) return x;
  if (end > start) return slice(x, axis, start, end);
  throw new ShapeError(
    `zeroPad2d "${path}": ${-before} and ${-after} cut from ${size} pixels leave nothing.`,
  );
}
