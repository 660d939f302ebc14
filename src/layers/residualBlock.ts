import { ShapeError } from "../core/errors.ts";
import { checkOptions, integer, oneOf, optional, text } from "../core/fields.ts";
import { formatShape } from "../core/shape.ts";
import type { Value } from "../graph/builder.ts";
import { maxPool2d } from "../graph/ops/maxPool2d.ts";
import { padConstant } from "../graph/ops/pad.ts";
import type { Initializer } from "../initializers/initializer.ts";
import { kaimingNormal } from "../initializers/scaled.ts";
import { relu } from "./activation.ts";
import { batchNorm2d } from "./batchNorm.ts";
import { conv2d } from "./conv2d.ts";
import { initializerField } from "./fields.ts";
import { type Layer, layer } from "./layer.ts";
import type { Scope } from "./scope.ts";
import { sequential, sum } from "./structure.ts";

/**
 * How the input of a residual block reaches its end. `A`: as it is, and where sizes change every second pixel
 * with zero channels round it; `B`: projected by a 1x1 convolution where sizes change; `C`: always projected;
 * `none`: not at all, which makes a plain net. Source: He et al. 2016, section 3.3.
 */
export type Shortcut = "A" | "B" | "C" | "none";

/** Options of {@link basicBlock} and {@link bottleneck}. */
export interface ResidualBlockOptions {
  /** Channels of the 3x3 convolutions; a bottleneck returns four times as many. */
  readonly channels: number;
  /** Default 1. */
  readonly stride?: number;
  /** Default `B`. */
  readonly shortcut?: Shortcut;
  /** Name of the projection. Default `downsample`, as torchvision. */
  readonly projection?: string;
  /** Of the convolutions. Default: normal, scaled by the outputs that each input feeds, as torchvision. */
  readonly weightInitializer?: Initializer;
}

/** Options of {@link bottleneck}. */
export interface BottleneckOptions extends ResidualBlockOptions {
  /** Which convolution takes the stride: the first (`1x1`, the paper, "v1") or the second (`3x3`, "v1.5"). Default `3x3`. */
  readonly strideOn?: "1x1" | "3x3";
}

/** What blocks of both kinds need to know. */
interface Shape {
  readonly channels: number;
  readonly stride: number;
  readonly shortcut: Shortcut;
  readonly projection: string;
  readonly weightInitializer: Initializer;
}

const blockFields = () => ({
  channels: integer(1),
  stride: optional(integer(1)),
  shortcut: optional(oneOf("A", "B", "C", "none")),
  projection: optional(text()),
  weightInitializer: optional(initializerField()),
});

function complete(options: ResidualBlockOptions): Shape {
  const { channels, stride = 1, shortcut = "B", projection = "downsample" } = options;
  const { weightInitializer = kaimingNormal({ fan: "out" }) } = options;
  return { channels, stride, shortcut, projection, weightInitializer };
}

function convolution(channels: number, kernel: number, stride: number, init: Initializer): Layer {
  const padding = (kernel - 1) / 2;
  return conv2d({
    channels,
    kernel,
    stride,
    padding,
    bias: false,
    fit: "floor",
    weightInitializer: init,
  });
}

/**
 * Every `stride`-th pixel, and zero channels in equal numbers in front and behind until there are `channels`: shortcut
 * A. No parameters. `[N, C, H, W] → [N, K, ceil(H/stride), ceil(W/stride)]`.
 *
 * @throws ShapeError where there are more channels than asked for, or an odd number to add.
 */
export function identityShortcut(options: {
  readonly channels: number;
  readonly stride?: number;
}): Layer {
  checkOptions("identityShortcut", options, { channels: integer(1), stride: optional(integer(1)) });
  const { channels, stride = 1 } = options;
  return layer("identityShortcut", options, ([x], scope) => {
    const missing = channels - x!.shape[1]!;
    if (missing < 0 || missing % 2 !== 0) {
      throw new ShapeError(
        `identityShortcut "${scope.path}": ${formatShape(x!.shape)} to ${channels} channels: the difference must be even and not negative.`,
      );
    }
    const y = stride === 1 ? x! : maxPool2d(x!, { kernel: 1, stride, fit: "floor" });
    const sides = [0, missing / 2, 0, 0];
    return padConstant(y, sides, sides);
  });
}

/** The input brought to the output's size, and added to it. */
function addShortcut(x: Value, y: Value, scope: Scope, options: Shape): Value {
  const { shortcut, stride, projection, weightInitializer } = options;
  const channels = y.shape[1]!;
  if (shortcut === "none") return y;
  const same = stride === 1 && x.shape[1] === channels;
  if (shortcut === "C" || (shortcut === "B" && !same)) {
    const projected = sequential([
      convolution(channels, 1, stride, weightInitializer),
      batchNorm2d(),
    ]);
    return scope.inline(sum(), y, scope.apply(projection, projected, x));
  }
  if (same) return scope.inline(sum(), y, x);
  const around = identityShortcut({ channels, stride });
  return scope.inline(sum(), y, scope.apply(projection, around, x));
}

/**
 * Two 3x3 convolutions with a shortcut: `relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x))`. The first has the stride.
 * `[N, C, H, W] → [N, channels, ceil(H/stride), ceil(W/stride)]`. Source: He et al. 2016, figure 5 left.
 */
export function basicBlock(options: ResidualBlockOptions): Layer {
  checkOptions("basicBlock", options, blockFields());
  const shape = complete(options);
  const { channels, stride, weightInitializer } = shape;
  return layer("basicBlock", options, ([x], scope) => {
    let y = scope.apply("conv1", convolution(channels, 3, stride, weightInitializer), x!);
    y = scope.apply("relu", relu(), scope.apply("bn1", batchNorm2d(), y));
    y = scope.apply("conv2", convolution(channels, 3, 1, weightInitializer), y);
    y = scope.apply("bn2", batchNorm2d(), y);
    return scope.apply("relu", relu(), addShortcut(x!, y, scope, shape));
  });
}

/**
 * 1x1, 3x3 and 1x1 convolution with a shortcut, the last to four times the channels.
 * `[N, C, H, W] → [N, 4·channels, ceil(H/stride), ceil(W/stride)]`. Source: He et al. 2016, figure 5 right.
 */
export function bottleneck(options: BottleneckOptions): Layer {
  checkOptions("bottleneck", options, {
    ...blockFields(),
    strideOn: optional(oneOf("1x1", "3x3")),
  });
  const shape = complete(options);
  const { channels, stride, weightInitializer } = shape;
  const { strideOn = "3x3" } = options;
  const strides = strideOn === "1x1" ? ([stride, 1] as const) : ([1, stride] as const);
  return layer("bottleneck", options, ([x], scope) => {
    let y = scope.apply("conv1", convolution(channels, 1, strides[0], weightInitializer), x!);
    y = scope.apply("relu", relu(), scope.apply("bn1", batchNorm2d(), y));
    y = scope.apply("conv2", convolution(channels, 3, strides[1], weightInitializer), y);
    y = scope.apply("relu", relu(), scope.apply("bn2", batchNorm2d(), y));
    y = scope.apply("conv3", convolution(4 * channels, 1, 1, weightInitializer), y);
    y = scope.apply("bn3", batchNorm2d(), y);
    return scope.apply("relu", relu(), addShortcut(x!, y, scope, shape));
  });
}

/** Options of {@link preactivationBlock}. */
export interface PreactivationBlockOptions {
  readonly form: "basic" | "bottleneck";
  /** Channels of the 3x3 convolutions; a bottleneck returns four times as many. */
  readonly channels: number;
  /** Default 1. */
  readonly stride?: number;
}

/**
 * A residual block whose normalisation and ReLU come before each convolution, so that the shortcuts form one
 * clean path: `conv(relu(bn(x))) … + x`. Where sizes change the shortcut is a 1x1 convolution of the first
 * activation. Parameter names as timm's ResNetV2. Source: He et al. 2016, "Identity mappings", figure 4e; the
 * stride is on the 3x3 convolution.
 */
export function preactivationBlock(options: PreactivationBlockOptions): Layer {
  checkOptions("preactivationBlock", options, {
    form: oneOf("basic", "bottleneck"),
    channels: integer(1),
    stride: optional(integer(1)),
  });
  const { form, channels, stride = 1 } = options;
  const isBasic = form === "basic";
  const outputs = isBasic ? channels : 4 * channels;
  const plan = isBasic
    ? ([
        [channels, 3, stride],
        [channels, 3, 1],
      ] as const)
    : ([
        [channels, 1, 1],
        [channels, 3, stride],
        [outputs, 1, 1],
      ] as const);
  const init = kaimingNormal({ fan: "out" });
  return layer("preactivationBlock", options, ([x], scope) => {
    scope.order(["downsample"]);
    const activate = (index: number, value: Value) =>
      scope.apply(`norm${index}.act`, relu(), scope.apply(`norm${index}`, batchNorm2d(), value));
    const first = activate(1, x!);
    const changes = stride !== 1 || x!.shape[1] !== outputs;
    let y = first;
    plan.forEach(([k, kernel, s], i) => {
      if (i > 0) y = activate(i + 1, y);
      y = scope.apply(`conv${i + 1}`, convolution(k, kernel, s, init), y);
    });
    if (!changes) return scope.inline(sum(), y, x!);
    const projection = sequential({ conv: convolution(outputs, 1, stride, init) });
    return scope.inline(sum(), y, scope.apply("downsample", projection, first));
  });
}
