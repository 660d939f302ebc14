import { OptionError, ShapeError } from "../../core/errors.ts";
import { checkKnown } from "../../core/fields.ts";
import { elementCount, formatShape, type Shape } from "../../core/shape.ts";
import type { Value } from "../builder.ts";
import type { TensorType } from "../graph.ts";
import type { PrimitiveOp } from "../op.ts";
import {
  type Fit,
  kernelExtent,
  outputSize,
  type Padding,
  type Pair,
  pair,
  resolvePadding,
  type Sides,
} from "../window.ts";
import { add } from "./binary.ts";
import { padConstant } from "./pad.ts";
import { reshape } from "./reshape.ts";
import { slice } from "./slice.ts";

/** Geometry of a convolution, complete. */
export type Conv2dAttributes = {
  readonly stride: readonly [number, number];
  /** Top, left, bottom, right; zeros. */
  readonly padding: Sides;
  readonly dilation: readonly [number, number];
  readonly groups: number;
  /** `floor`: the last pixels may be left out. The arithmetic was checked when the node was made. */
  readonly fit: "strict" | "floor";
};

/** Geometry of a convolution's gradient: the convolution's own, and the shape that cannot be derived from it. */
export type Conv2dGradientAttributes = Conv2dAttributes & {
  /** Input size `[H, W]` for the data gradient, kernel size `[R, S]` for the weight gradient. */
  readonly size: readonly [number, number];
};

function checkChannels(x: TensorType, weight: TensorType, groups: number, where: string): void {
  if (x.shape.length !== 4 || weight.shape.length !== 4) {
    throw new ShapeError(
      `${where}: input ${formatShape(x.shape)} and weight ${formatShape(weight.shape)} must be [N, C, H, W] and [K, C/groups, R, S].`,
    );
  }
  const [k, perGroup] = weight.shape as [number, number];
  const c = x.shape[1]!;
  if (c !== perGroup * groups) {
    throw new ShapeError(
      `${where}: input has ${c} channels (${formatShape(x.shape)}); weight ${formatShape(weight.shape)} with groups ${groups} expects ${perGroup * groups}.`,
    );
  }
  if (k % groups !== 0) {
    throw new ShapeError(`${where}: ${k} output channels do not divide into ${groups} groups.`);
  }
}

/** Multiply-adds of a convolution with this output and weight: every output element reads `C/groups · R · S` inputs. */
function convolutionMacs(output: Shape, weight: Shape): number {
  return elementCount(output) * elementCount(weight.slice(1));
}

/**
 * Cross-correlation, as every deep learning library calls convolution:
 * `y[n, k, p, q] = Σ_{c,r,s} x[n, c, p·stride + r·dilation − pad, q·stride + s·dilation − pad] · w[k, c, r, s]`,
 * where `c` runs over the channels of `k`'s group.
 *
 * `x [N, C, H, W] · weight [K, C/groups, R, S] → [N, K, P, Q]`,
 * `P = (H + top + bottom − dilation·(R − 1) − 1)/stride + 1`.
 *
 * `dx` and `dw` are the operations `conv2dInputGradient` and `conv2dWeightGradient`; the three are closed
 * under differentiation. Source: LeCun et al. 1998, section II; Dumoulin & Visin 2016 for the arithmetic.
 */
export const conv2dOp: PrimitiveOp<Conv2dAttributes> = {
  name: "conv2d",
  kind: "primitive",
  infer([x, weight], attributes, where) {
    checkChannels(x!, weight!, attributes.groups, where);
    const [n, , h, w] = x!.shape as [number, number, number, number];
    const [k, , r, s] = weight!.shape as [number, number, number, number];
    const window = { ...attributes, kernel: [r, s] as const };
    const [p, q] = outputSize([h, w], window, attributes.fit, where);
    return [{ shape: [n, k, p, q], dtype: "float32" }];
  },
  macs: ([, weight], [y]) => convolutionMacs(y!.shape, weight!.shape),
  gradient({ inputs, attributes, gradients, needed }) {
    const [x, weight] = inputs as [Value, Value];
    const dy = gradients[0]!;
    return [
      needed[0] ? inputGradient(dy, weight, attributes, spatial(x)) : undefined,
      needed[1] ? weightGradient(x, dy, attributes, spatial(weight)) : undefined,
    ];
  },
};

/**
 * Gradient of a convolution with respect to its input, which is also the transposed convolution:
 * `dx[n, c, h, w] = Σ_{k,r,s} dy[n, k, p, q] · w[k, c, r, s]` over `p·stride + r·dilation − pad = h`, likewise `w`.
 *
 * `dy [N, K, P, Q] · weight [K, C/groups, R, S] → [N, C, H, W]`.
 */
export const conv2dInputGradientOp: PrimitiveOp<Conv2dGradientAttributes> = {
  name: "conv2dInputGradient",
  kind: "primitive",
  infer([dy, weight], attributes, where) {
    const [k, perGroup, r, s] = weight!.shape as [number, number, number, number];
    const { size, groups } = attributes;
    const window = { ...attributes, kernel: [r, s] as const };
    const [p, q] = outputSize(size, window, attributes.fit, where);
    const expected = [dy!.shape[0]!, k, p, q];
    if (dy!.shape.join() !== expected.join()) {
      throw new ShapeError(
        `${where}: a ${size.join("x")} input under weight ${formatShape(weight!.shape)} gives ${formatShape(expected)}, but the gradient is ${formatShape(dy!.shape)}.`,
      );
    }
    return [{ shape: [dy!.shape[0]!, perGroup * groups, ...size], dtype: "float32" }];
  },
  macs: ([dy, weight]) => convolutionMacs(dy!.shape, weight!.shape),
  gradient({ inputs, attributes, gradients, needed }) {
    const [dy, weight] = inputs as [Value, Value];
    const dx = gradients[0]!;
    const { size: _, ...geometry } = attributes;
    return [
      needed[0] ? convolve(dx, weight, geometry) : undefined,
      needed[1] ? weightGradient(dx, dy, geometry, spatial(weight)) : undefined,
    ];
  },
};

/**
 * Gradient of a convolution with respect to its weight:
 * `dw[k, c, r, s] = Σ_{n,p,q} dy[n, k, p, q] · x[n, c, p·stride + r·dilation − pad, q·stride + s·dilation − pad]`.
 *
 * `x [N, C, H, W] · dy [N, K, P, Q] → [K, C/groups, R, S]`.
 */
export const conv2dWeightGradientOp: PrimitiveOp<Conv2dGradientAttributes> = {
  name: "conv2dWeightGradient",
  kind: "primitive",
  infer([x, dy], { size, groups }) {
    return [{ shape: [dy!.shape[1]!, x!.shape[1]! / groups, ...size], dtype: "float32" }];
  },
  macs: ([, dy], [dw]) => convolutionMacs(dy!.shape, dw!.shape),
  gradient({ inputs, attributes, gradients, needed }) {
    const [x, dy] = inputs as [Value, Value];
    const dw = gradients[0]!;
    const { size: _, ...geometry } = attributes;
    return [
      needed[0] ? inputGradient(dy, dw, geometry, spatial(x)) : undefined,
      needed[1] ? convolve(x, dw, geometry) : undefined,
    ];
  },
};

function spatial(x: Value): readonly [number, number] {
  return [x.shape[2]!, x.shape[3]!];
}

function convolve(x: Value, weight: Value, attributes: Conv2dAttributes): Value {
  return x.builder.add(conv2dOp, [x, weight], attributes)[0]!;
}

function inputGradient(
  dy: Value,
  weight: Value,
  attributes: Conv2dAttributes,
  size: readonly [number, number],
): Value {
  return dy.builder.add(conv2dInputGradientOp, [dy, weight], { ...attributes, size })[0]!;
}

function weightGradient(
  x: Value,
  dy: Value,
  attributes: Conv2dAttributes,
  size: readonly [number, number],
): Value {
  return x.builder.add(conv2dWeightGradientOp, [x, dy], { ...attributes, size })[0]!;
}

/** Options of {@link conv2d}. */
export interface Conv2dOptions {
  /** Default 1. */
  readonly stride?: Pair;
  /** Default 0. */
  readonly padding?: Padding;
  /** Distance between kernel elements. Default 1. */
  readonly dilation?: Pair;
  /** Channels are cut into this many groups that do not see each other. Default 1. */
  readonly groups?: number;
  /** Default `strict`: the arithmetic must come out whole. */
  readonly fit?: Exclude<Fit, "ceil">;
  /** `[K]`, added to every pixel. */
  readonly bias?: Value;
}

function checkGroups(groups: number, where: string): number {
  if (!Number.isInteger(groups) || groups < 1) {
    throw new OptionError(`${where}: groups ${groups}: expected an integer of at least 1.`);
  }
  return groups;
}

/** Adds `bias [K]` to every pixel of `y [N, K, P, Q]`. */
export function addChannelBias(y: Value, bias: Value): Value {
  if (bias.shape.join() !== `${y.shape[1]}`) {
    throw new ShapeError(
      `bias ${formatShape(bias.shape)} for ${formatShape(y.shape)}: expected [${y.shape[1]}], a number for each channel.`,
    );
  }
  return add(y, reshape(bias, [bias.shape[0]!, 1, 1]));
}

/**
 * Two-dimensional convolution of `x [N, C, H, W]` with `weight [K, C/groups, R, S]`; see {@link conv2dOp}
 * for the equation.
 *
 * @throws ShapeError where channels do not match or, under `strict`, the windows do not fit.
 * @example
 * const y = conv2d(x, weight, { stride: 2, padding: 1 });
 */
export function conv2d(x: Value, weight: Value, options: Conv2dOptions = {}): Value {
  const where = x.builder.place("conv2d");
  checkKnown(where, options, conv2dNames);
  const groups = checkGroups(options.groups ?? 1, where);
  checkChannels(x, weight, groups, where);
  const stride = pair(options.stride ?? 1, `${where}: stride`, 1);
  const dilation = pair(options.dilation ?? 1, `${where}: dilation`, 1);
  const window = { kernel: spatial(weight), stride, dilation };
  const padding = resolvePadding(options.padding ?? 0, spatial(x), window, where);
  const { fit = "strict", bias } = options;
  const y = convolve(x, weight, { stride, padding, dilation, groups, fit });
  return bias === undefined ? y : addChannelBias(y, bias);
}

const conv2dNames: Record<keyof Conv2dOptions, true> = {
  stride: true,
  padding: true,
  dilation: true,
  groups: true,
  fit: true,
  bias: true,
};

/** Options of {@link convTranspose2d}. */
export interface ConvTranspose2dOptions {
  readonly stride?: Pair;
  /** Zeros that the matching convolution has round its input; they are cut off here. A number, a pair or four. */
  readonly padding?: Exclude<Padding, string>;
  /**
   * Extra rows and columns at the bottom right, to choose among the sizes that a stride maps to one; less than the
   * stride or the dilation, as PyTorch. Default 0.
   */
  readonly outputPadding?: Pair;
  readonly dilation?: Pair;
  readonly groups?: number;
  /** `[K]`, added to every pixel. */
  readonly bias?: Value;
}

/**
 * Transposed convolution: the data gradient of a convolution, used to enlarge.
 * `x [N, C, H, W] · weight [C, K/groups, R, S] → [N, K, P, Q]`,
 * `P = (H − 1)·stride − top − bottom + dilation·(R − 1) + outputPadding + 1`.
 *
 * @throws ShapeError where channels do not match or nothing is left, OptionError for too large an `outputPadding`.
 *
 * Source: Zeiler et al. 2010; layout of the weight as PyTorch and ONNX.
 */
export function convTranspose2d(
  x: Value,
  weight: Value,
  options: ConvTranspose2dOptions = {},
): Value {
  const where = x.builder.place("convTranspose2d");
  checkKnown(where, options, convTranspose2dNames);
  const groups = checkGroups(options.groups ?? 1, where);
  if (x.shape.length !== 4 || weight.shape.length !== 4 || x.shape[1] !== weight.shape[0]) {
    throw new ShapeError(
      `${where}: input ${formatShape(x.shape)} and weight ${formatShape(weight.shape)} must be [N, C, H, W] and [C, K/groups, R, S] with the same C.`,
    );
  }
  const stride = pair(options.stride ?? 1, `${where}: stride`, 1);
  const dilation = pair(options.dilation ?? 1, `${where}: dilation`, 1);
  const extra = pair(options.outputPadding ?? 0, `${where}: outputPadding`, 0);
  const kernel = spatial(weight);
  const padding = resolvePadding(
    options.padding ?? 0,
    spatial(x),
    { kernel, stride, dilation },
    where,
  );
  const size = [0, 1].map((axis) => {
    const [step, spread, added] = [stride[axis]!, dilation[axis]!, extra[axis]!];
    if (added >= Math.max(step, spread)) {
      throw new OptionError(
        `${where}: outputPadding ${added} must be less than the stride ${step} or the dilation ${spread}.`,
      );
    }
    return (
      (x.shape[axis + 2]! - 1) * step -
      padding[axis]! -
      padding[axis + 2]! +
      kernelExtent(kernel[axis]!, spread) +
      added
    );
  }) as [number, number];
  if (size[0] < 1 || size[1] < 1) {
    throw new ShapeError(`${where}: the result would be ${size.join("x")}; pad less.`);
  }
  const geometry = { stride, dilation, groups };
  const y = extra.every((added, axis) => added < stride[axis]!)
    ? inputGradient(x, weight, { ...geometry, padding, fit: "floor" }, size)
    : cutOut(convTranspose2d(x, weight, geometry), padding, extra, size);
  return options.bias === undefined ? y : addChannelBias(y, options.bias);
}

const convTranspose2dNames: Record<keyof ConvTranspose2dOptions, true> = {
  stride: true,
  padding: true,
  outputPadding: true,
  dilation: true,
  groups: true,
  bias: true,
};

/**
 * The rows and columns from `top, left` on of a transposed convolution without padding: for an `outputPadding` of a stride or
 * more, which no convolution leaves out. They are those that padding would have cut off, then zeros.
 */
function cutOut(
  whole: Value,
  [top, left, bottom, right]: Sides,
  [rows, columns]: readonly [number, number],
  size: readonly [number, number],
): Value {
  const beyond = [0, 0, Math.max(0, rows - bottom), Math.max(0, columns - right)];
  const grown = padConstant(whole, [0, 0, 0, 0], beyond);
  return slice(slice(grown, 2, top, top + size[0]), 3, left, left + size[1]);
}
