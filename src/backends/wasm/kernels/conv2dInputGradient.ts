import type { FunctionBuilder, Local } from "../assembler.ts";
import type { Features, Kernel, KernelModule } from "../kernel.ts";
import type { KernelPlan } from "../kernelPlan.ts";
import { type Conv2dGeometry, geometryKey, resultSize } from "./conv2dGeometry.ts";
import { emitRowProduct, packedWeightBytes, type RowProduct, scheduleRows } from "./gemm.ts";
import { fillZeros } from "./gemmStaging.ts";
import { emitClamped, packKernel, type WeightSource } from "./packing.ts";

/**
 * Gradient of a convolution with respect to its input, also the transposed convolution: `input0`
 * dy [N, P, Q, K], `input1` weight [K, R, S, C/groups]; `output0` dx [N, H, W, C].
 *
 * The pixels of dx that lie a stride apart see the same taps of the kernel, at every
 * `stride / gcd(stride, dilation)`th tap: they are an ordinary convolution of dy with stride 1 and that
 * part of the kernel turned round. So there is one such product per phase of the stride, each a range
 * of the work items; phases that no tap reaches are filled with zeros.
 *
 * Packing the weights is a preparation.
 */
export function planConv2dInputGradient(geometry: Conv2dGeometry, features: Features): KernelPlan {
  return planPhases(geometry, features);
}

/** The taps that reach one phase of the stride along an axis. */
interface AxisPhase {
  /** First pixel, and the number of pixels a stride apart. */
  readonly first: number;
  readonly count: number;
  /** Taps in the order of ascending position in dy. */
  readonly taps: readonly number[];
  /** Pixels of dy from tap to tap. */
  readonly dilation: number;
  /** Position in dy of the first tap for the first pixel, negated. */
  readonly padding: number;
}

/**
 * `pixel + padding = position · stride + tap · dilation`: with tap `t = t₀ + i · stride/g`, `g` the greatest
 * common divisor of stride and dilation, the position falls by `dilation/g` from tap to tap.
 */
function axisPhases(
  size: number,
  kernel: number,
  stride: number,
  padding: number,
  dilation: number,
): AxisPhase[] {
  const phases: AxisPhase[] = [];
  for (let first = 0; first < Math.min(stride, size); first++) {
    const count = Math.ceil((size - first) / stride);
    const taps: number[] = [];
    for (let tap = kernel - 1; tap >= 0; tap--) {
      if ((first + padding - tap * dilation) % stride === 0) taps.push(tap);
    }
    const position = (tap: number): number => (first + padding - tap * dilation) / stride;
    const [last, before] = taps;
    phases.push({
      first,
      count,
      taps,
      dilation: last === undefined || before === undefined ? 1 : position(before) - position(last),
      padding: last === undefined ? 0 : -position(last),
    });
  }
  return phases;
}

function planPhases(geometry: Conv2dGeometry, features: Features): KernelPlan {
  const { images, channels, size, filters, kernel, stride, padding, dilation, groups } = geometry;
  const [height, width] = size;
  const [rows, columns] = resultSize(geometry);
  const perGroup = channels / groups;
  const filtersPerGroup = filters / groups;
  const vertical = axisPhases(height, kernel[0], stride[0], padding[0], dilation[0]);
  const horizontal = axisPhases(width, kernel[1], stride[1], padding[1], dilation[1]);

  const products: RowProduct[] = [];
  const weights: WeightSource[] = [];
  let packedBytes = 0;
  let unreached = false;
  for (const v of vertical) {
    for (const h of horizontal) {
      if (v.taps.length === 0 || h.taps.length === 0) {
        unreached = true;
        continue;
      }
      const product: RowProduct = {
        images,
        source: { height: rows, width: columns, channels: filters },
        groups,
        taps: [v.taps.length, h.taps.length],
        stride: [1, 1],
        dilation: [v.dilation, h.dilation],
        padding: [v.padding, h.padding],
        grid: [v.count, h.count],
        result: {
          first: v.first * width + h.first,
          rowStep: stride[0] * width,
          columnStep: stride[1],
          imageStep: height * width,
          channels,
        },
        weightStart: packedBytes,
        weightsPerImage: false,
      };
      products.push(product);
      weights.push({
        columnStep: 1,
        columns: perGroup,
        parts: groups,
        partStep: filtersPerGroup * kernel[0] * kernel[1] * perGroup,
        runs: v.taps.flatMap((r) =>
          h.taps.map((s) => ({
            start: (r * kernel[1] + s) * perGroup,
            count: filtersPerGroup,
            step: kernel[0] * kernel[1] * perGroup,
          })),
        ),
        packedStart: packedBytes,
      });
      packedBytes += packedWeightBytes(product, features);
    }
  }

  const schedules = products.map((product) => scheduleRows(product, features));
  const zeroItems = unreached ? images * height : 0;
  const gradient: Kernel = {
    key: `conv2dInputGradient ${geometryKey(geometry)}`,
    buffers: 3,
    items: schedules.reduce((sum, { items }) => sum + items, 0) + zeroItems,
    scratchBytes: Math.max(0, ...schedules.map(({ scratchBytes }) => scratchBytes)),
    flops: schedules.reduce((sum, { flops }) => sum + flops, 0),
    emit(f, io, module) {
      const [source, packed, result] = io.address as [Local, Local, Local];
      const [begin, end] = f.locals("i32", 2) as [Local, Local];
      let start = 0;
      for (const schedule of schedules) {
        emitClamped(f, io.begin, start, schedule.items, begin);
        emitClamped(f, io.end, start, schedule.items, end);
        start += schedule.items;
        emitRowProduct(f, module, schedule, {
          source,
          weights: packed,
          result,
          scratch: io.scratch,
          begin,
          end,
        });
      }
      if (zeroItems > 0) {
        emitClamped(f, io.begin, start, zeroItems, begin);
        emitClamped(f, io.end, start, zeroItems, end);
        emitUnreached(f, module, geometry, vertical, horizontal, { result, begin, end });
      }
      f.release(begin, end);
    },
  };
  return {
    temporaries: [{ name: "packed", bytes: Math.max(64, packedBytes) }],
    calls: [
      {
        kernel: packKernel(weights, features),
        buffers: ["input1", "packed"],
        writes: [1],
        preparation: true,
      },
      { kernel: gradient, buffers: ["input0", "packed", "output0"], writes: [2] },
    ],
  };
}

/** Zeros in the pixels of rows `begin` … `end` − 1 (of all images) that no tap reaches. */
function emitUnreached(
  f: FunctionBuilder,
  module: KernelModule,
  { size: [height, width], channels, stride }: Conv2dGeometry,
  vertical: readonly AxisPhase[],
  horizontal: readonly AxisPhase[],
  { result, begin, end }: { result: Local; begin: Local; end: Local },
): void {
  const zero = fillZeros(module);
  const [row, address, column] = f.locals("i32", 3) as [Local, Local, Local];
  f.for(row, begin, end, 1, () => {
    f.get(row)
      .i32(width * channels * 4)
      .op("i32.mul")
      .get(result)
      .op("i32.add")
      .set(address);
    f.block((done) => {
      for (const phase of vertical) {
        const columns =
          phase.taps.length === 0 ? horizontal : horizontal.filter((h) => h.taps.length === 0);
        f.get(row).i32(height).op("i32.rem_u").i32(stride[0]).op("i32.rem_u");
        f.i32(phase.first).op("i32.eq");
        f.if(() => {
          for (const h of columns) {
            f.for(
              column,
              h.first * channels * 4,
              width * channels * 4,
              stride[1] * channels * 4,
              () => {
                f.get(address)
                  .get(column)
                  .op("i32.add")
                  .i32(channels * 4)
                  .call(zero);
              },
            );
          }
          f.branch(done);
        });
      }
    });
  });
  f.release(row, address, column);
}
