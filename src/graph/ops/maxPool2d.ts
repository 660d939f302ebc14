import { ShapeError } from "../../core/errors.ts";
import { checkKnown } from "../../core/fields.ts";
import { formatShape } from "../../core/shape.ts";
import type { Value } from "../builder.ts";
import type { PrimitiveOp } from "../op.ts";
import {
  adaptiveWindows,
  type PoolOptions,
  type PoolWindow,
  poolNames,
  slidingWindows,
} from "../poolWindows.ts";

export type MaxPool2dAttributes = {
  /** The rows that each output row covers. */
  readonly rows: readonly PoolWindow[];
  /** The columns that each output column covers. */
  readonly columns: readonly PoolWindow[];
};

/**
 * The largest element of each window: `y[n, c, p, q] = max x[n, c, rows(p), columns(q)]`, and its place as
 * a switch: the flat index `row · W + column` in the input plane, int32. Padding never wins.
 *
 * Ties go to the first element in row-major order, and so does the whole gradient; NaN wins.
 * `x [N, C, H, W] → y, switches [N, C, P, Q]`. Source: Zeiler & Fergus 2014 for the name "switch".
 */
export const maxPool2dOp: PrimitiveOp<MaxPool2dAttributes> = {
  name: "maxPool2d",
  kind: "primitive",
  infer([x], { rows, columns }, where) {
    if (x!.shape.length !== 4) {
      throw new ShapeError(`${where}: expected [N, C, H, W], got ${formatShape(x!.shape)}.`);
    }
    const shape = [x!.shape[0]!, x!.shape[1]!, rows.length, columns.length];
    return [
      { shape, dtype: "float32" },
      { shape, dtype: "int32" },
    ];
  },
  gradient({ inputs, outputs, attributes, gradients }) {
    if (gradients[0] === undefined) return [undefined];
    const [h, w] = inputs[0]!.shape.slice(2) as [number, number];
    return [maxUnpool2d(gradients[0], outputs[1]!, [h, w], attributes)];
  },
};

export type MaxUnpool2dAttributes = MaxPool2dAttributes & {
  /** `[H, W]` of the result. */
  readonly size: readonly [number, number];
};

/**
 * Puts every element back to where its switch points, adding up where several windows chose one place:
 * the gradient of max pooling, and the unpooling of deconvolutional nets (Zeiler & Fergus 2014).
 * `dy, switches [N, C, P, Q] → [N, C, H, W]`.
 */
export const maxUnpool2dOp: PrimitiveOp<MaxUnpool2dAttributes> = {
  name: "maxUnpool2d",
  kind: "primitive",
  integers: true,
  infer([dy], { size }) {
    return [{ shape: [dy!.shape[0]!, dy!.shape[1]!, ...size], dtype: "float32" }];
  },
  gradient({ inputs, gradients }) {
    const [, switches] = inputs;
    const dx = gradients[0]!;
    return [dx.builder.add(gatherSwitchesOp, [dx, switches!], {})[0], undefined];
  },
};

/** Reads a plane at the places that switches point to: `y[n, c, p, q] = x[n, c, switch[n, c, p, q]]`. */
export const gatherSwitchesOp: PrimitiveOp<Record<string, never>> = {
  name: "gatherSwitches",
  kind: "primitive",
  integers: true,
  infer: ([, switches]) => [{ shape: switches!.shape, dtype: "float32" }],
  gradient({ inputs, gradients }) {
    const [x, switches] = inputs;
    const [h, w] = x!.shape.slice(2) as [number, number];
    const [p, q] = switches!.shape.slice(2) as [number, number];
    // Any place may be named by any output here, so every window is the whole plane.
    const rows = Array.from({ length: p }, () => ({ start: 0, count: h, step: 1, size: h }));
    const columns = Array.from({ length: q }, () => ({ start: 0, count: w, step: 1, size: w }));
    return [maxUnpool2d(gradients[0]!, switches!, [h, w], { rows, columns }), undefined];
  },
};

/** See {@link maxUnpool2dOp}; `windows` are those of the pooling that made the switches. */
export function maxUnpool2d(
  dy: Value,
  switches: Value,
  size: readonly [number, number],
  windows: MaxPool2dAttributes,
): Value {
  const { rows, columns } = windows;
  return dy.builder.add(maxUnpool2dOp, [dy, switches], { rows, columns, size })[0]!;
}

/** Max pooling with its switches; see {@link maxPool2dOp}. */
export function maxPool2dWithSwitches(
  x: Value,
  options: PoolOptions,
): { output: Value; switches: Value } {
  const where = x.builder.place("maxPool2d");
  checkKnown(where, options, poolNames);
  const windows = slidingWindows(x, options, where);
  const [output, switches] = x.builder.add(maxPool2dOp, [x], windows, "maxPool2d");
  return { output: output!, switches: switches! };
}

/**
 * Max pooling over sliding windows, overlapping or not.
 *
 * @example
 * const y = maxPool2d(x, { kernel: 3, stride: 2 });
 */
export function maxPool2d(x: Value, options: PoolOptions): Value {
  return maxPool2dWithSwitches(x, options).output;
}

/** Max pooling to a given output size; windows `⌊i·n/o⌋ … ⌈(i + 1)·n/o⌉`, as PyTorch. */
export function adaptiveMaxPool2d(x: Value, size: number | readonly [number, number]): Value {
  const windows = adaptiveWindows(x, size, x.builder.place("adaptiveMaxPool2d"));
  return x.builder.add(maxPool2dOp, [x], windows, "adaptiveMaxPool2d")[0]!;
}
