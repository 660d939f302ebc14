import type { Features, Kernel } from "../kernel.ts";
import type { KernelCall, KernelPlan, Temporary } from "../kernelPlan.ts";
import { type Conv2dGeometry, geometryKey, resultSize } from "./conv2dGeometry.ts";
import {
  type DepthwiseWeights,
  depthwiseFlops,
  depthwiseItems,
  depthwiseWeightBytes,
  emitDepthwise,
  packDepthwiseKernel,
} from "./depthwise.ts";
import { repeatChannelsKernel } from "./depthwiseMultiplier.ts";
import {
  emitRowProduct,
  packedWeightBytes,
  type RowProduct,
  type RowSchedule,
  scheduleRows,
} from "./gemm.ts";
import { type EpilogueOptions, productCall, withEpilogue } from "./gemmEpilogue.ts";
import { emitItemRanges } from "./itemRanges.ts";
import { packKernel, type WeightSource } from "./packing.ts";
import { type AxisPart, axisParts, forwardWalks, leavesOut } from "./seenTaps.ts";
import {
  planWinogradForward,
  type ResultOptions,
  type WinogradOptions,
  winogradForm,
} from "./winogradPlan.ts";

/** What is done to the sums, and how they are computed. */
export type Conv2dOptions = EpilogueOptions & WinogradOptions & ResultOptions;

/** Whether a convolution can leave room between the pixels of its result (`pitch`): all but those with filters of their own for each channel. */
export function takesPitch({ groups, channels }: Conv2dGeometry): boolean {
  return groups === 1 || groups !== channels;
}

/**
 * Convolution: `input0` x [N, H, W, C], `input1` weight [K, R, S, C/groups], then the bias [K] if there is one,
 * then the epilogue's further operands; `output0` y [N, P, Q, K], in memory of its own.
 *
 * Packing the weights is a preparation.
 */
export function planConv2d(
  geometry: Conv2dGeometry,
  features: Features,
  options: Conv2dOptions = {},
): KernelPlan {
  const { channels, filters } = geometry;
  const form = winogradForm(geometry, resultSize(geometry), options);
  if (form !== undefined) return planWinogradForward(geometry, form, features, options);
  if (takesPitch(geometry)) return planRows(geometry, features, options);
  if (filters === channels) return planDepthwise(geometry, options);
  return planRepeated(geometry, options);
}

/** The convolution as a product of pixels of the result and filters. */
function forwardProduct(geometry: Conv2dGeometry, pitch = geometry.filters): RowProduct {
  const { images, channels, size, filters, kernel, stride, padding, dilation, groups } = geometry;
  const [rows, columns] = resultSize(geometry);
  return {
    images,
    source: { height: size[0], width: size[1], channels },
    groups,
    taps: kernel,
    stride,
    dilation,
    padding: [padding[0], padding[1]],
    grid: [rows, columns],
    result: {
      first: 0,
      rowStep: columns,
      columnStep: 1,
      imageStep: rows * columns,
      channels: filters,
      pitch,
    },
    weightStart: 0,
    weightsPerImage: false,
  };
}

/** The products of a convolution, and the taps of each in rows of the kernel: one, or several that leave out what sees only padding. */
function forwardProducts(
  geometry: Conv2dGeometry,
  pitch: number | undefined,
): { readonly product: RowProduct; readonly runs: WeightSource["runs"] }[] {
  const whole = forwardProduct(geometry, pitch);
  const { kernel, channels, groups, stride, dilation } = geometry;
  const perGroup = channels / groups;
  const [down, across] = forwardWalks(geometry);
  if (!leavesOut(down, across)) {
    return [
      { product: whole, runs: [{ start: 0, count: kernel[0] * kernel[1] * perGroup, step: 1 }] },
    ];
  }
  const start = (axis: 0 | 1, { first, firstTap }: AxisPart): number =>
    whole.padding[axis] - first * stride[axis] - firstTap * dilation[axis];
  return axisParts(down).flatMap((v) =>
    axisParts(across).map((h) => ({
      product: {
        ...whole,
        taps: [v.tapCount, h.tapCount],
        padding: [start(0, v), start(1, h)],
        grid: [v.count, h.count],
        result: { ...whole.result, first: v.first * across.pixels + h.first },
      },
      runs: Array.from({ length: v.tapCount }, (_, r) => ({
        start: ((v.firstTap + r) * kernel[1] + h.firstTap) * perGroup,
        count: h.tapCount * perGroup,
        step: 1,
      })),
    })),
  );
}

/** Any convolution as implicit matrix products. */
function planRows(
  geometry: Conv2dGeometry,
  features: Features,
  options: EpilogueOptions & ResultOptions,
): KernelPlan {
  const { channels, filters, kernel, groups } = geometry;
  const reduction = kernel[0] * kernel[1] * (channels / groups);
  let packedBytes = 0;
  const weightSources: WeightSource[] = [];
  const schedules: RowSchedule[] = [];
  for (const { product, runs } of forwardProducts(geometry, options.pitch)) {
    weightSources.push({
      columnStep: reduction,
      columns: filters / groups,
      parts: groups,
      partStep: (filters / groups) * reduction,
      runs,
      packedStart: packedBytes,
    });
    schedules.push(scheduleRows({ ...product, weightStart: packedBytes }, features));
    packedBytes += packedWeightBytes(product, features);
  }
  const counts = schedules.map(({ items }) => items);
  const convolve = withEpilogue(options, {
    key: `conv2d ${geometryKey(geometry)} ${options.pitch ?? filters}`,
    items: counts.reduce((sum, count) => sum + count, 0),
    scratchBytes: Math.max(...schedules.map(({ scratchBytes }) => scratchBytes)),
    flops: schedules.reduce((sum, { flops }) => sum + flops, 0),
    emit(f, io, module, { source, weights, result }, epilogue) {
      emitItemRanges(f, io, counts, (index, { begin, end }) => {
        const operands = { source, weights, result, scratch: io.scratch, begin, end };
        emitRowProduct(f, module, schedules[index]!, operands, epilogue);
      });
    },
  });
  return {
    temporaries: [{ name: "packed", bytes: packedBytes }],
    calls: [
      packCall(packKernel(weightSources, features)),
      productCall(convolve, "input0", "packed"),
    ],
  };
}

/** One filter per channel. */
function planDepthwise(geometry: Conv2dGeometry, options: EpilogueOptions): KernelPlan {
  const { channels, kernel } = geometry;
  const product = forwardProduct(geometry);
  const tapCount = kernel[0] * kernel[1];
  const taps = Array.from({ length: tapCount }, (_, tap) => tap);
  const weights: DepthwiseWeights = { channels, tapCount, taps, packedStart: 0 };
  const convolve = withEpilogue(options, {
    key: `depthwise ${geometryKey(geometry)}`,
    items: depthwiseItems(product),
    flops: depthwiseFlops(product),
    emit(f, { begin, end }, module, operands, epilogue) {
      emitDepthwise(f, module, product, { ...operands, begin, end }, epilogue);
    },
  });
  return {
    temporaries: [{ name: "packed", bytes: depthwiseWeightBytes(weights) }],
    calls: [packCall(packDepthwiseKernel([weights])), productCall(convolve, "input0", "packed")],
  };
}

/** Several filters per channel: the channels are repeated first. */
function planRepeated(geometry: Conv2dGeometry, options: EpilogueOptions): KernelPlan {
  const { images, size, channels, filters } = geometry;
  const pixels = images * size[0] * size[1];
  const plan = planDepthwise({ ...geometry, channels: filters, groups: filters }, options);
  const repeated: Temporary = { name: "repeated", bytes: pixels * filters * 4 };
  return {
    temporaries: [...plan.temporaries, repeated],
    calls: [
      {
        kernel: repeatChannelsKernel(pixels, channels, filters / channels),
        buffers: ["input0", "repeated"],
        writes: [1],
      },
      ...plan.calls.map((call) => ({
        ...call,
        buffers: call.buffers.map((name) => (name === "input0" ? "repeated" : name)),
      })),
    ],
  };
}

function packCall(kernel: Kernel): KernelCall {
  return { kernel, buffers: ["input1", "packed"], writes: [1], preparation: true };
}
