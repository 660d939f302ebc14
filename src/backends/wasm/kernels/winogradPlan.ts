import type { Features } from "../kernel.ts";
import type { KernelPlan } from "../kernelPlan.ts";
import type { Conv2dGeometry } from "./conv2dGeometry.ts";
import { resultSize } from "./conv2dGeometry.ts";
import { type EpilogueOptions, productCall, withEpilogue } from "./gemmEpilogue.ts";
import {
  emitWinograd,
  scheduleWinograd,
  type WinogradProduct,
  type WinogradWeights,
  winogradWeightBytes,
  winogradWeightKernel,
} from "./winograd.ts";
import type { TileOutputs } from "./winogradTransforms.ts";

/**
 * Which convolutions are computed by Winograd's method: `auto` those that gain from it, `off` none. A number
 * asks for tiles of that size wherever they are possible.
 */
export type WinogradChoice = "auto" | "off" | TileOutputs;

/** Fewest channels and filters for which the transforms are worth their cost. */
const fewestChannels = 16;

/**
 * Size of the tiles for a convolution, `undefined` where it is computed directly. The choice depends on the
 * shape alone, since it decides the bits of the result.
 */
export function winogradOutputs(
  { images, channels, filters, kernel, stride, dilation, groups }: Conv2dGeometry,
  result: readonly [number, number],
  choice: WinogradChoice,
): TileOutputs | undefined {
  const possible =
    choice !== "off" &&
    kernel[0] === 3 &&
    kernel[1] === 3 &&
    stride[0] * stride[1] * dilation[0] * dilation[1] === 1 &&
    groups === 1 &&
    channels % 4 === 0 &&
    filters % 4 === 0;
  if (!possible) return undefined;
  if (choice !== "auto") return choice;
  if (Math.min(channels, filters) < fewestChannels) return undefined;
  const tiles = (outputs: TileOutputs): number =>
    images * Math.ceil(result[0] / outputs) * Math.ceil(result[1] / outputs);
  const products = {
    2: 16 * tiles(2),
    4: 36 * tiles(4),
    direct: 9 * images * result[0] * result[1],
  };
  const outputs = products[4] < products[2] ? 4 : 2;
  return products[outputs] * 1.3 < products.direct ? outputs : undefined;
}

/** The convolution itself. */
export function planWinogradForward(
  geometry: Conv2dGeometry,
  outputs: TileOutputs,
  features: Features,
  options: EpilogueOptions,
): KernelPlan {
  const { images, size, channels, filters, padding } = geometry;
  return planWinograd(
    "winograd",
    {
      images,
      size,
      channels,
      filters,
      padding: [padding[0], padding[1]],
      result: resultSize(geometry),
      outputs,
    },
    { filterStep: 9 * channels, channelStep: 1, tapStep: channels, reversed: false },
    features,
    options,
  );
}

/** Its data gradient: a convolution of dy with the kernel turned round. */
export function planWinogradInputGradient(
  geometry: Conv2dGeometry,
  outputs: TileOutputs,
  features: Features,
): KernelPlan {
  const { images, size, channels, filters, padding } = geometry;
  return planWinograd(
    "winogradInputGradient",
    {
      images,
      size: resultSize(geometry),
      channels: filters,
      filters: channels,
      padding: [2 - padding[0], 2 - padding[1]],
      result: size,
      outputs,
    },
    { filterStep: 1, channelStep: 9 * channels, tapStep: channels, reversed: true },
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
