import type { Features } from "../kernel.ts";
import type { KernelPlan } from "../kernelPlan.ts";
import type { Conv2dGeometry } from "./conv2dGeometry.ts";
import { resultSize } from "./conv2dGeometry.ts";
import { type EpilogueOptions, productCall, withEpilogue } from "./gemmEpilogue.ts";
import { directPairs } from "./seenTaps.ts";
import {
  emitWinograd,
  largeWeightBytes,
  scheduleWinograd,
  type WinogradProduct,
} from "./winograd.ts";
import { type TileForm, tileForms, tileInputs } from "./winogradTransforms.ts";
import { planWinogradWeightGradient, scheduleWinogradGradient } from "./winogradWeightGradient.ts";
import {
  type WinogradWeights,
  winogradWeightBytes,
  winogradWeightKernel,
} from "./winogradWeights.ts";

/**
 * Which convolutions are computed by Winograd's method: `auto` those that gain from it, `off` none. A number asks for
 * tiles with so many outputs along either axis wherever there are such: 2 for 3x3 and 5x5 taps, 4 for 3x3.
 */
export type WinogradChoice = "auto" | "off" | TileForm["outputs"];

/** What decides between the methods of convolution, besides the shape. */
export interface WinogradOptions {
  /** `auto` if left out. */
  readonly winograd?: WinogradChoice;
  /** The weights change from run to run, so that transforming them counts, too; false if left out. */
  readonly weightsChange?: boolean;
}

/** Where a result is written. */
export interface ResultOptions {
  /** Floats from pixel to pixel of the result, its filters if left out; the further operands of an epilogue are then none of its shape. */
  readonly pitch?: number;
}

/** The forms of tiles that a convolution could be computed with. */
function possibleForms(
  { channels, kernel, stride, dilation, groups }: Conv2dGeometry,
  choice: WinogradChoice,
): readonly TileForm[] {
  const possible =
    choice !== "off" &&
    stride[0] * stride[1] * dilation[0] * dilation[1] === 1 &&
    groups === 1 &&
    channels % 4 === 0;
  if (!possible) return [];
  return tileForms.filter(
    ({ outputs, taps }) =>
      kernel[0] === taps && kernel[1] === taps && (choice === "auto" || choice === outputs),
  );
}

/** The form of least cost, `undefined` if there is none or it doesn't save a tenth of the direct method. */
function cheapest(
  forms: readonly TileForm[],
  costOf: (form: TileForm) => number,
  direct: number,
): TileForm | undefined {
  let best: TileForm | undefined;
  let least = 0.9 * direct;
  for (const form of forms) {
    const formCost = costOf(form);
    if (formCost >= least) continue;
    best = form;
    least = formCost;
  }
  return best;
}

/**
 * Form of the tiles for a convolution, `undefined` where it is computed directly. The choice depends on the
 * shape and the options alone, since it decides the bits of the result.
 */
export function winogradForm(
  geometry: Conv2dGeometry,
  result: readonly [number, number],
  { winograd: choice = "auto", weightsChange = false }: WinogradOptions,
): TileForm | undefined {
  const forms = possibleForms(geometry, choice);
  if (choice !== "auto") return forms[0];
  const { images, channels, filters } = geometry;
  const costOf = (form: TileForm): number => {
    const { outputs } = form;
    const tiles = images * Math.ceil(result[0] / outputs) * Math.ceil(result[1] / outputs);
    const positions = tileInputs(form) ** 2;
    const large = positions * channels * filters * 4 > largeWeightBytes;
    const multiply = Math.max(cost.multiply * tiles, large ? cost.readFar : cost.readNear);
    const transform = cost.transform * tiles * (1 / channels + 1 / filters);
    const weights = !weightsChange ? 0 : large ? cost.weightsFar : cost.weightsNear;
    return positions * (multiply + transform + weights);
  };
  const { pairs, packedTaps } = directPairs(geometry);
  const direct = cost.multiply * images * pairs + (weightsChange ? cost.pack * packedTaps : 0);
  return cheapest(forms, costOf, direct);
}

/** The same for the gradient of the weights, whose products are smaller matrices. */
export function winogradGradientForm(
  geometry: Conv2dGeometry,
  { winograd: choice = "auto" }: WinogradOptions,
): TileForm | undefined {
  const forms = possibleForms(geometry, choice);
  if (choice !== "auto") return forms[0];
  const { images, channels, filters } = geometry;
  const costOf = (form: TileForm): number => {
    const schedule = scheduleWinogradGradient(productOf(geometry, form));
    const tiles = images * schedule.grid[0] * schedule.grid[1];
    const positions = tileInputs(form) ** 2;
    const large = schedule.chunks * positions * schedule.sumStep > largeWeightBytes;
    const ranges = filters / schedule.filtersPerItem;
    const multiply = 1.2 * cost.multiply * tiles;
    const transform = cost.transform * tiles * (1 / channels + ranges / filters);
    const sums = schedule.chunks * (large ? cost.weightsFar : cost.weightsNear);
    return positions * (multiply + transform + sums);
  };
  return cheapest(forms, costOf, 1.2 * cost.multiply * images * directPairs(geometry).pairs);
}

/** The convolution as a product; its gradient of the weights works on the same. */
function productOf(
  geometry: Conv2dGeometry,
  form: TileForm,
  pitch = geometry.filters,
): WinogradProduct {
  const { images, size, channels, filters, padding } = geometry;
  return {
    images,
    size,
    channels,
    filters,
    pitch,
    padding: [padding[0], padding[1]],
    result: resultSize(geometry),
    form,
  };
}

/** The gradient of the weights. */
export function planWinogradFilters(
  geometry: Conv2dGeometry,
  form: TileForm,
  features: Features,
): KernelPlan {
  return planWinogradWeightGradient(productOf(geometry, form), features);
}

/**
 * Nanoseconds per channel, filter and position, measured on one core of a Zen 4 at 118 GFLOP/s: a multiply-add
 * in the matrix product; reading a transformed weight from memory (on a Zen 5, as `rowPanel` loads it) and from a cache; a
 * transform of a tile, to be shared among the channels or filters; transforming a weight, and packing
 * one for the direct method. Weights above `largeWeightBytes` count as not cached.
 */
const cost = {
  multiply: 0.02,
  readFar: 0.2,
  readNear: 0.1,
  transform: 0.25,
  weightsFar: 0.65,
  weightsNear: 0.25,
  pack: 0.2,
} as const;

/** The convolution itself. */
export function planWinogradForward(
  geometry: Conv2dGeometry,
  form: TileForm,
  features: Features,
  options: EpilogueOptions & ResultOptions,
): KernelPlan {
  const { channels, kernel } = geometry;
  return planWinograd(
    "winograd",
    productOf(geometry, form, options.pitch),
    {
      filterStep: kernel[0] * kernel[1] * channels,
      channelStep: 1,
      tapStep: channels,
      reversed: false,
    },
    features,
    options,
  );
}

/** Its data gradient: a convolution of dy with the kernel turned round. */
export function planWinogradInputGradient(
  geometry: Conv2dGeometry,
  form: TileForm,
  features: Features,
): KernelPlan {
  const { images, size, channels, filters, kernel, padding } = geometry;
  return planWinograd(
    "winogradInputGradient",
    {
      images,
      size: resultSize(geometry),
      channels: filters,
      filters: channels,
      pitch: channels,
      padding: [kernel[0] - 1 - padding[0], kernel[1] - 1 - padding[1]],
      result: size,
      form,
    },
    {
      filterStep: 1,
      channelStep: kernel[0] * kernel[1] * channels,
      tapStep: channels,
      reversed: true,
    },
    features,
    {},
  );
}

function planWinograd(
  name: string,
  product: WinogradProduct,
  weights: WinogradWeights,
  features: Features,
  options: EpilogueOptions,
): KernelPlan {
  const schedule = scheduleWinograd(product, features);
  const kernel = withEpilogue(options, {
    key: `${name} ${JSON.stringify(product)}`,
    items: schedule.items,
    scratchBytes: schedule.scratch.bytes,
    keepsScratch: true,
    flops: schedule.flops,
    emit(f, { scratch, begin, end }, module, operands, epilogue) {
      emitWinograd(f, module, schedule, { ...operands, scratch, begin, end }, epilogue);
    },
  });
  const transform = winogradWeightKernel(product, weights, features);
  return {
    temporaries: [{ name: "packed", bytes: winogradWeightBytes(product) }],
    calls: [
      { kernel: transform, buffers: ["input1", "packed"], writes: [1], preparation: true },
      productCall(kernel, "input0", "packed"),
    ],
  };
}
