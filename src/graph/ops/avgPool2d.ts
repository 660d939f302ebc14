import { checkKnown } from "../../core/fields.ts";
import type { Value } from "../builder.ts";
import { input, scalar as s } from "../expression.ts";
import type { CompositeOp } from "../op.ts";
import {
  adaptiveWindows,
  checkDivisor,
  globalWindows,
  type PoolOptions,
  type PoolWindow,
  poolNames,
  slidingWindows,
} from "../poolWindows.ts";
import { axisMap } from "./axisMap.ts";
import { elementwise } from "./elementwise.ts";
import { reduceMean } from "./reduce.ts";

export type AvgPool2dAttributes = {
  readonly rows: readonly PoolWindow[];
  readonly columns: readonly PoolWindow[];
  /** Divide by the window's size inside the padded input, not by the elements inside the input. */
  readonly countIncludePad: boolean;
  /** Divide by this number whatever the window; 0 for none. */
  readonly divisor: number;
};

/**
 * The mean over each window: `y[n, c, p, q] = Σ x[n, c, rows(p), columns(q)] / divisor`, where the divisor is
 * the window clipped to the padded input (`countIncludePad`) or to the input.
 * `x [N, C, H, W] → [N, C, P, Q]`. It decomposes into one {@link axisMap} per axis, since both the sum and
 * the divisor are products over the axes.
 */
export const avgPool2dOp: CompositeOp<AvgPool2dAttributes> = {
  name: "avgPool2d",
  kind: "composite",
  infer([x], { rows, columns }) {
    return [{ shape: [x!.shape[0]!, x!.shape[1]!, rows.length, columns.length], dtype: "float32" }];
  },
  decompose([x], { rows, columns, countIncludePad, divisor }) {
    const [h, w] = [x!.shape[2]!, x!.shape[3]!];
    const isGlobal = [rows, columns].every(
      (windows, axis) =>
        windows.length === 1 &&
        windows[0]!.count === (axis === 0 ? h : w) &&
        windows[0]!.size === windows[0]!.count,
    );
    if (isGlobal && divisor === 0) return [reduceMean(x!, { axes: [2, 3], keepDims: true })];
    const average = (value: Value, axis: number, windows: readonly PoolWindow[]) =>
      axisMap(value, {
        axis,
        indices: windows.map(({ start, count, step }) =>
          Array.from({ length: count }, (_, i) => start + i * step),
        ),
        weights: windows.map(({ count, size }) => {
          const divide = divisor !== 0 ? 1 : countIncludePad ? size : count;
          return new Array<number>(count).fill(1 / divide);
        }),
      });
    const y = average(average(x!, 2, rows), 3, columns);
    return [divisor === 0 ? y : elementwise([y], s.mul(input(0), 1 / divisor))];
  },
};

/** Options of {@link avgPool2d}. */
export interface AvgPool2dOptions extends PoolOptions {
  /** Count padding in the divisor. Default true, as PyTorch; ONNX's default is false. */
  readonly countIncludePad?: boolean;
  /** A divisor of one's own. */
  readonly divisor?: number;
}

const avgPool2dNames: Record<keyof AvgPool2dOptions, true> = {
  ...poolNames,
  countIncludePad: true,
  divisor: true,
};

/** Average pooling over sliding windows; see {@link avgPool2dOp}. */
export function avgPool2d(x: Value, options: AvgPool2dOptions): Value {
  const where = x.builder.place("avgPool2d");
  checkKnown(where, options, avgPool2dNames);
  const { countIncludePad = true, divisor } = options;
  if (divisor !== undefined) checkDivisor(divisor, where);
  const windows = slidingWindows(x, options, where);
  const attributes = { ...windows, countIncludePad, divisor: divisor ?? 0 };
  return x.builder.add(avgPool2dOp, [x], attributes)[0]!;
}

/** Average pooling to a given output size; windows `⌊i·n/o⌋ … ⌈(i + 1)·n/o⌉`, as PyTorch. */
export function adaptiveAvgPool2d(x: Value, size: number | readonly [number, number]): Value {
  const windows = adaptiveWindows(x, size, x.builder.place("adaptiveAvgPool2d"));
  return x.builder.add(avgPool2dOp, [x], { ...windows, countIncludePad: false, divisor: 0 })[0]!;
}

/** The mean of each plane: `[N, C, H, W] → [N, C, 1, 1]`. Source: Lin, Chen & Yan 2014, section 3.2. */
export function globalAvgPool2d(x: Value): Value {
  const windows = globalWindows(x, x.builder.place("globalAvgPool2d"));
  return x.builder.add(avgPool2dOp, [x], { ...windows, countIncludePad: false, divisor: 0 })[0]!;
}
