import type { Features, Kernel } from "../kernel.ts";
import type { KernelCall, KernelPlan } from "../kernelPlan.ts";
import { type Conv2dGeometry, geometryKey, resultSize } from "./conv2dGeometry.ts";
import { emitRowProduct, packedWeightBytes, type RowProduct, scheduleRows } from "./gemm.ts";
import { type ElementwiseEpilogue, epilogueKey } from "./gemmEpilogue.ts";
import { packKernel } from "./packing.ts";

/** What is done to the sums before they are written. */
export interface Conv2dOptions {
  /** A bias [K] is added. */
  readonly bias?: boolean;
  /** Applied after the bias. */
  readonly epilogue?: ElementwiseEpilogue;
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
  return planRowConvolution(geometry, features, options);
}

/** Any convolution as one implicit matrix product. */
function planRowConvolution(
  geometry: Conv2dGeometry,
  features: Features,
  options: Conv2dOptions,
): KernelPlan {
  const { images, channels, size, filters, kernel, stride, padding, dilation, groups } = geometry;
  const [rows, columns] = resultSize(geometry);
  const product: RowProduct = {
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
  const { bias = false, epilogue } = options;
  const operands = 2 + (bias ? 1 : 0) + (epilogue?.extras.length ?? 0);
  const convolve: Kernel = {
    key: `conv2d ${geometryKey(geometry)} ${epilogueKey(bias, epilogue)}`,
    buffers: operands + 1,
    items: schedule.items,
    scratchBytes: schedule.scratchBytes,
    flops: schedule.flops,
    emit(f, io, module) {
      const address = [...io.address];
      const result = address.pop()!;
      const [source, weights, ...rest] = address;
      const biasAddress = bias ? rest.shift() : undefined;
      emitRowProduct(
        f,
        module,
        schedule,
        {
          source: source!,
          weights: weights!,
          result,
          scratch: io.scratch,
          begin: io.begin,
          end: io.end,
        },
        bias || epilogue !== undefined
          ? { bias: biasAddress, elementwise: epilogue, extras: rest }
          : undefined,
      );
    },
  };
  const further = Array.from({ length: operands - 2 }, (_, i) => `input${i + 2}`);
  const calls: KernelCall[] = [
    { kernel: pack, buffers: ["input1", "packed"], writes: [1], preparation: true },
    {
      kernel: convolve,
      buffers: ["input0", "packed", ...further, "output0"],
      writes: [operands],
    },
  ];
  return { temporaries: [{ name: "packed", bytes: packedWeightBytes(product, features) }], calls };
}
