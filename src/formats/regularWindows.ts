import type { PoolWindow } from "../graph/poolWindows.ts";

/** Windows along one axis in the numbers that a file format describes them with. */
export interface RegularWindows {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
}

/**
 * Finds kernel, stride and padding whose windows are the given ones, or `undefined` where there are none (adaptive
 * windows of unequal sizes, averages over windows that hang over).
 *
 * @param input size of the axis
 * @param matchSize whether the windows' sizes inside the padded input must agree, too: they are the divisors of averages that
 * count padding
 */
export function regularWindows(
  windows: readonly PoolWindow[],
  input: number,
  matchSize: boolean,
): RegularWindows | undefined {
  const count = Math.max(...windows.map((window) => window.count));
  const dilation = windows.find((window) => window.count > 1)?.step ?? 1;
  for (let kernel = count; kernel <= 2 * count + 1; kernel++) {
    const extent = dilation * (kernel - 1) + 1;
    for (let before = 0; before < extent; before++) {
      for (const stride of strides(windows, input, extent, before)) {
        const reach = (windows.length - 1) * stride + extent - before;
        const found = { kernel, stride, dilation, before, after: Math.max(0, reach - input) };
        if (found.after < extent && agrees(windows, found, input, matchSize)) return found;
      }
    }
  }
  return undefined;
}

/** Strides at which the last window could begin, or end, where it does. */
function strides(
  windows: readonly PoolWindow[],
  input: number,
  extent: number,
  before: number,
): number[] {
  const steps = windows.length - 1;
  // A single window: a step after which there is no room for another.
  if (steps === 0) return [input];
  const { start, count, step } = windows[steps]!;
  const byStart = (start + before) / steps;
  const byEnd = (start + (count - 1) * step - extent + 1 + before) / steps;
  return [byStart, byEnd].filter((stride) => Number.isInteger(stride) && stride >= 1);
}

function agrees(
  windows: readonly PoolWindow[],
  { kernel, stride, dilation, before, after }: RegularWindows,
  input: number,
  matchSize: boolean,
): boolean {
  const extent = dilation * (kernel - 1) + 1;
  if (Math.floor((input + before + after - extent) / stride) + 1 !== windows.length) return false;
  return windows.every((window, i) => {
    const origin = i * stride - before;
    const first = Math.max(0, Math.ceil(-origin / dilation));
    const last = Math.min(kernel - 1, Math.floor((input - 1 - origin) / dilation));
    return (
      window.start === origin + first * dilation &&
      window.count === last - first + 1 &&
      (window.count === 1 || window.step === dilation) &&
      (!matchSize || window.size === kernel)
    );
  });
}
