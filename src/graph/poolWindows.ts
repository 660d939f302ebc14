import { OptionError, ShapeError } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import type { TensorType } from "./graph.ts";
import { type Fit, outputSize, type Padding, type Pair, pair, resolvePadding } from "./window.ts";

/**
 * The elements that one output position covers along one axis: `start`, `start + step`, …, `count` of
 * them, all inside the input. One description serves strided, padded, dilated, hanging-over and adaptive
 * windows.
 */
export interface PoolWindow {
  readonly start: number;
  readonly count: number;
  readonly step: number;
  /** Elements of the window, dilated or not, inside the padded input: the divisor of an average that counts padding. */
  readonly size: number;
}

/** Options of pooling over sliding windows. */
export interface PoolOptions {
  readonly kernel: Pair;
  /** Default: the kernel's size, so that windows touch but do not overlap. */
  readonly stride?: Pair;
  /** Default 0. */
  readonly padding?: Padding;
  readonly dilation?: Pair;
  /** Default `strict`: the arithmetic must come out whole. */
  readonly fit?: Fit;
}

/** The names of {@link PoolOptions}. */
export const poolNames: Record<keyof PoolOptions, true> = {
  kernel: true,
  stride: true,
  padding: true,
  dilation: true,
  fit: true,
};

export interface PoolWindows {
  readonly rows: readonly PoolWindow[];
  readonly columns: readonly PoolWindow[];
}

function checkRank(x: TensorType, where: string): readonly [number, number] {
  if (x.shape.length !== 4) {
    throw new ShapeError(`${where}: expected [N, C, H, W], got ${formatShape(x.shape)}.`);
  }
  return [x.shape[2]!, x.shape[3]!];
}

/** Windows that slide over both axes of `x`. */
export function slidingWindows(x: TensorType, options: PoolOptions, where: string): PoolWindows {
  const input = checkRank(x, where);
  const kernel = pair(options.kernel, `${where}: kernel`, 1);
  const stride = pair(options.stride ?? kernel, `${where}: stride`, 1);
  const dilation = pair(options.dilation ?? 1, `${where}: dilation`, 1);
  const window = { kernel, stride, dilation };
  const padding = resolvePadding(options.padding ?? 0, input, window, where);
  const fit = options.fit ?? "strict";
  const size = outputSize(input, { ...window, padding }, fit, where);
  const [rows, columns] = [0, 1].map((axis) =>
    Array.from({ length: size[axis]! }, (_, i): PoolWindow => {
      const n = input[axis]!;
      const step = dilation[axis]!;
      const before = padding[axis]!;
      const origin = i * stride[axis]! - before;
      const first = Math.max(0, Math.ceil(-origin / step));
      const last = Math.min(kernel[axis]!, Math.ceil((n - origin) / step));
      if (last <= first) {
        throw new ShapeError(
          `${where}: window ${i} of axis ${axis} lies in the padding alone (input ${input.join("x")}, kernel ${kernel.join("x")}, padding ${padding.join(",")}); pad less than the kernel.`,
        );
      }
      const taps = Math.ceil((n + padding[axis + 2]! - origin) / step);
      const size = Math.min(kernel[axis]!, taps);
      return { start: origin + first * step, count: last - first, step, size };
    }),
  );
  return { rows: rows!, columns: columns! };
}

/** Windows `⌊i·n/o⌋ … ⌈(i + 1)·n/o⌉` that cover the input with `o` outputs, as PyTorch. */
export function adaptiveWindows(
  x: TensorType,
  size: number | readonly [number, number],
  where: string,
): PoolWindows {
  const input = checkRank(x, where);
  const output = pair(size, `${where}: output size`, 1);
  const [rows, columns] = [0, 1].map((axis) => {
    const [n, o] = [input[axis]!, output[axis]!];
    return Array.from({ length: o }, (_, i): PoolWindow => {
      const start = Math.floor((i * n) / o);
      const count = Math.ceil(((i + 1) * n) / o) - start;
      return { start, count, step: 1, size: count };
    });
  });
  return { rows: rows!, columns: columns! };
}

/** One window over the whole of both axes. */
export function globalWindows(x: TensorType, where: string): PoolWindows {
  const [h, w] = checkRank(x, where);
  return {
    rows: [{ start: 0, count: h, step: 1, size: h }],
    columns: [{ start: 0, count: w, step: 1, size: w }],
  };
}

/** Throws unless a divisor is a positive number. */
export function checkDivisor(divisor: number, where: string): void {
  if (!(divisor > 0)) throw new OptionError(`${where}: divisor ${divisor} must be positive.`);
}
