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
import { emitRowProduct, packedWeightBytes, type RowProduct, scheduleRows } from "./gemm.ts";
import { type EpilogueOptions, productCall, withEpilogue } from "./gemmEpilogue.ts";
import { packKernel } from "./packing.ts";
import { planWinogradForward, type WinogradOptions, winogradOutputs } from "./winogradPlan.ts";

/** What is done to the sums, and how they are computed. */
export type Conv2dOptions = EpilogueOptions & WinogradOptions;

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
  const { channels, filters, groups } = geometry;
  const outputs = winogradOutputs(geometry, resultSize(geometry), options);
  if (outputs !== undefined) return planWinogradForward(geometry, outputs, features, options);
  if (groups === 1 || groups !== channels) return planRows(geometry, features, options);
  if (filters === channels) return planDepthwise(geometry, options);
  return planRepeated(geometry, options);
}

/** The convolution as a product of pixels of the result and filters. */
function forwardProduct(geometry: Conv2dGeometry): RowProduct {
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
    },
    weightStart: 0,
    weightsPerImage: false,
  };
}

/** Any convolution as one implicit matrix product. */
function planRows(
  geometry: Conv2dGeometry,
  features: Features,
  options: EpilogueOptions,
): KernelPlan {
  const { channels, filters, kernel, groups } = geometry;
  const product = forwardProduct(geometry);
  const reduction = kernel[0] * kernel[1] * (channels / groups);
  const pack = packKernel(
    [
      {
        columnStep: reduction,
        columns: filters / groups,
        parts: groups,
        partStep: (filters / groups) * reduction,
        runs: [{ start: 0, count: reduction, step: 1 }],
        packedStart: 0,
      },
    ],
    features,
  );
  const schedule = scheduleRows(product, features);
  const convolve = withEpilogue(options, {
    key: `conv2d ${geometryKey(geometry)}`,
    items: schedule.items,
    scratchBytes: schedule.scratchBytes,
    flops: schedule.flops,
    emit(f, io, module, { source, weights, result }, epilogue) {
      const { scratch, begin, end } = io;
      const operands = { source, weights, result, scratch, begin, end };
      emitRowProduct(f, module, schedule, operands, epilogue);
    },
  });
  return {
    temporaries: [{ name: "packed", bytes: packedWeightBytes(product, features) }],
    calls: [packCall(pack), productCall(convolve, "input0", "packed")],
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
