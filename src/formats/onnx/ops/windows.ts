import { FormatError, UnsupportedError } from "../../../core/errors.ts";
import { formatShape, type Shape } from "../../../core/shape.ts";
import { type PoolWindow, slidingWindows } from "../../../graph/poolWindows.ts";
import { type Fit, resolvePadding } from "../../../graph/window.ts";
import type { NodeContext } from "../nodeContext.ts";

/** A window along one spatial axis, as a node's attributes describe it. */
export interface AxisWindow {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** Padding in front and behind; cut off where a convolution is transposed. */
  readonly before: number;
  readonly after: number;
}

/** An attribute with one integer for each spatial axis. */
export function perAxis(
  node: NodeContext,
  name: string,
  count: number,
  otherwise: number,
  minimum: number,
): number[] {
  const given = node.ints(name) ?? new Array<number>(count).fill(otherwise);
  const valid = given.every((n) => Number.isSafeInteger(n) && n >= minimum && n < 2 ** 31);
  if (given.length === count && valid) return given;
  throw new FormatError(
    `${node.where}: ${name} is [${given.join(", ")}]; expected ${count} integers of at least ${minimum}.`,
  );
}

/** The sizes behind batch and channels; there must be at least one. */
export function spatialSizes(node: NodeContext, index = 0): Shape {
  const shape = node.shape(index);
  if (shape.length >= 3) return shape.slice(2);
  throw new FormatError(
    `${node.where}: ${formatShape(shape)} has no spatial axis; expected [N, C, …].`,
  );
}

/** The size of a window: an attribute, or that of the weight where there is one. */
export function kernelSizes(node: NodeContext, count: number, weight?: Shape): number[] {
  const given = node.ints("kernel_shape");
  if (given === undefined && weight === undefined) {
    throw new FormatError(`${node.where}: kernel_shape is missing.`);
  }
  const kernel = weight?.slice(2) ?? perAxis(node, "kernel_shape", count, 1, 1);
  if (kernel.length === count && (given ?? kernel).join() === kernel.join()) return [...kernel];
  throw new FormatError(
    `${node.where}: kernel_shape [${given?.join(", ")}] for ${count} spatial axes and a weight of ${formatShape(weight ?? [])}.`,
  );
}

/** How `pads` come about. */
export function autoPad(node: NodeContext): "NOTSET" | "VALID" | "SAME_UPPER" | "SAME_LOWER" {
  return node.choice("auto_pad", ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"], "NOTSET");
}

/** The windows over spatial axes of these sizes. */
export function windowsOver(node: NodeContext, sizes: Shape, kernel: Shape): AxisWindow[] {
  const count = sizes.length;
  const strides = perAxis(node, "strides", count, 1, 1);
  const dilations = perAxis(node, "dilations", count, 1, 1);
  const mode = autoPad(node);
  const pads = perAxis(node, "pads", 2 * count, 0, 0);
  return sizes.map((size, axis) => {
    const window = { kernel: kernel[axis]!, stride: strides[axis]!, dilation: dilations[axis]! };
    if (mode === "NOTSET") {
      return { ...window, before: pads[axis]!, after: pads[axis + count]! };
    }
    if (mode === "VALID") return { ...window, before: 0, after: 0 };
    const [before, , after] = resolvePadding(
      mode === "SAME_UPPER" ? "sameUpper" : "sameLower",
      [size, 1],
      alone(window),
      node.where,
    );
    return { ...window, before, after };
  });
}

/** A window as that of a plane of one column. */
function alone({ kernel, stride, dilation }: Omit<AxisWindow, "before" | "after">) {
  return {
    kernel: [kernel, 1] as const,
    stride: [stride, 1] as const,
    dilation: [dilation, 1] as const,
  };
}

/** What each output position of a pooling node covers, along each spatial axis. */
export function pooledPositions(node: NodeContext): PoolWindow[][] {
  const sizes = spatialSizes(node);
  const windows = windowsOver(node, sizes, kernelSizes(node, sizes.length));
  const fit: Fit = node.int("ceil_mode", 0) === 0 ? "floor" : "ceil";
  return sizes.map((size, axis) => {
    const { before, after, ...window } = windows[axis]!;
    // Each position of the result holds its window's elements, where an average adds them up.
    const places = 1 + (size + before + after) / window.stride;
    node.chargeTable(places, places * Math.min(window.kernel, size));
    if (window.kernel > size + before + after) {
      throw new UnsupportedError(
        `${node.where}: a window of ${window.kernel} over ${size} elements with ${before + after} of padding.`,
      );
    }
    const column = { shape: [1, 1, size, 1], dtype: "float32" as const };
    const options = { ...alone(window), padding: [before, 0, after, 0] as const, fit };
    return [...slidingWindows(column, options, node.where).rows];
  });
}
