import type { FunctionBuilder, Local } from "../assembler.ts";
import type { Features, Kernel, KernelModule } from "../kernel.ts";
import type { KernelPlan } from "../kernelPlan.ts";
import { type Conv2dGeometry, geometryKey, resultSize } from "./conv2dGeometry.ts";
import {
  type DepthwiseWeights,
  depthwiseFlops,
  depthwiseItems,
  depthwiseWeightBytes,
  emitDepthwise,
  packDepthwiseKernel,
} from "./depthwise.ts";
import { sumChannelsKernel } from "./depthwiseMultiplier.ts";
import {
  emitRowProduct,
  packedWeightBytes,
  type RowOperands,
  type RowProduct,
  type RowSchedule,
  scheduleRows,
} from "./gemm.ts";
import { fillZeros } from "./gemmStaging.ts";
import { emitItemRanges } from "./itemRanges.ts";
import { packKernel, type WeightSource } from "./packing.ts";
import { type AxisWalk, axisParts, leavesOut } from "./seenTaps.ts";
import { planWinogradInputGradient, type WinogradOptions, winogradForm } from "./winogradPlan.ts";

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
export function planConv2dInputGradient(
  geometry: Conv2dGeometry,
  features: Features,
  options: WinogradOptions = {},
): KernelPlan {
  const { channels, filters, groups } = geometry;
  const form = winogradForm(geometry, geometry.size, options);
  if (form !== undefined) return planWinogradInputGradient(geometry, form, features);
  const phases = gradientPhases(geometry);
  if (groups === 1 || groups !== channels) return planRows(geometry, phases, features);
  if (filters === channels) return planDepthwise(geometry, phases);
  return planRepeated(geometry);
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

/** Phases cut wherever the taps that see dy change, if leaving out the others pays; else as they are. */
function seenPhases(
  vertical: AxisPhase[],
  horizontal: AxisPhase[],
  [rows, columns]: readonly [number, number],
  stride: readonly [number, number],
): [AxisPhase[], AxisPhase[]] {
  const walk = (phase: AxisPhase, source: number): AxisWalk => ({
    pixels: phase.count,
    source,
    taps: phase.taps.length,
    stride: 1,
    dilation: phase.dilation,
    padding: phase.padding,
  });
  const cut = (phases: AxisPhase[], source: number, step: number): AxisPhase[] =>
    phases.flatMap((phase) =>
      axisParts(walk(phase, source)).map(({ first, count, firstTap, tapCount }) => ({
        first: phase.first + first * step,
        count,
        taps: phase.taps.slice(firstTap, firstTap + tapCount),
        dilation: phase.dilation,
        padding: phase.padding - first - firstTap * phase.dilation,
      })),
    );
  const pays = vertical.every((v) =>
    horizontal.every((h) => leavesOut(walk(v, rows), walk(h, columns))),
  );
  if (!pays) return [vertical, horizontal];
  return [cut(vertical, rows, stride[0]), cut(horizontal, columns, stride[1])];
}

/** The products that make up a gradient, and what no product reaches. */
interface GradientPhases {
  readonly vertical: readonly AxisPhase[];
  readonly horizontal: readonly AxisPhase[];
  /** Without the place of the weights, which is the planner's affair. */
  readonly products: readonly RowProduct[];
  /** Taps `r · S + s` of each product in order. */
  readonly taps: readonly (readonly number[])[];
  readonly complete: boolean;
}

function gradientPhases(geometry: Conv2dGeometry): GradientPhases {
  const { images, channels, size, filters, kernel, stride, padding, dilation, groups } = geometry;
  const [height, width] = size;
  const [rows, columns] = resultSize(geometry);
  const [vertical, horizontal] = seenPhases(
    axisPhases(height, kernel[0], stride[0], padding[0], dilation[0]),
    axisPhases(width, kernel[1], stride[1], padding[1], dilation[1]),
    [rows, columns],
    stride,
  );
  const products: RowProduct[] = [];
  const taps: number[][] = [];
  for (const v of vertical) {
    for (const h of horizontal) {
      if (v.taps.length === 0 || h.taps.length === 0) continue;
      taps.push(v.taps.flatMap((r) => h.taps.map((s) => r * kernel[1] + s)));
      products.push({
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
          pitch: channels,
        },
        weightStart: 0,
        weightsPerImage: false,
      });
    }
  }
  const complete = products.length === vertical.length * horizontal.length;
  return { vertical, horizontal, products, taps, complete };
}

/** Implicit matrix products: the columns are the channels of dx. */
function planRows(
  geometry: Conv2dGeometry,
  phases: GradientPhases,
  features: Features,
): KernelPlan {
  const { channels, filters, kernel, groups } = geometry;
  const perGroup = channels / groups;
  const filtersPerGroup = filters / groups;
  const filterFloats = kernel[0] * kernel[1] * perGroup;
  let packedBytes = 0;
  const weights: WeightSource[] = [];
  const schedules: RowSchedule[] = [];
  for (const [i, product] of phases.products.entries()) {
    weights.push({
      columnStep: 1,
      columns: perGroup,
      parts: groups,
      partStep: filtersPerGroup * filterFloats,
      runs: phases.taps[i]!.map((tap) => ({
        start: tap * perGroup,
        count: filtersPerGroup,
        step: filterFloats,
      })),
      packedStart: packedBytes,
    });
    schedules.push(scheduleRows({ ...product, weightStart: packedBytes }, features));
    packedBytes += packedWeightBytes(product, features);
  }
  const gradient = phaseKernel(
    geometry,
    phases,
    schedules.map((schedule) => ({
      items: schedule.items,
      scratchBytes: schedule.scratchBytes,
      flops: schedule.flops,
      emit: (f, module, operands) => emitRowProduct(f, module, schedule, operands),
    })),
  );
  return phasePlan(packKernel(weights, features), packedBytes, gradient);
}

/** One filter per channel. */
function planDepthwise(geometry: Conv2dGeometry, phases: GradientPhases): KernelPlan {
  const { channels, kernel } = geometry;
  let packedBytes = 0;
  const weights: DepthwiseWeights[] = [];
  const products: RowProduct[] = [];
  for (const [i, product] of phases.products.entries()) {
    const source: DepthwiseWeights = {
      channels,
      tapCount: kernel[0] * kernel[1],
      taps: phases.taps[i]!,
      packedStart: packedBytes,
    };
    weights.push(source);
    products.push({ ...product, weightStart: packedBytes });
    packedBytes += depthwiseWeightBytes(source);
  }
  const gradient = phaseKernel(
    geometry,
    phases,
    products.map((product) => ({
      items: depthwiseItems(product),
      scratchBytes: 0,
      flops: depthwiseFlops(product),
      emit: (f, module, operands) => emitDepthwise(f, module, product, operands),
    })),
  );
  return phasePlan(packDepthwiseKernel(weights), packedBytes, gradient);
}

/** Several filters per channel: the gradient as if each had its own channel, then summed. */
function planRepeated(geometry: Conv2dGeometry): KernelPlan {
  const { images, size, channels, filters } = geometry;
  const pixels = images * size[0] * size[1];
  const repeated = { ...geometry, channels: filters, groups: filters };
  const plan = planDepthwise(repeated, gradientPhases(repeated));
  return {
    temporaries: [...plan.temporaries, { name: "repeated", bytes: pixels * filters * 4 }],
    calls: [
      ...plan.calls.map((call) => ({
        ...call,
        buffers: call.buffers.map((name) => (name === "output0" ? "repeated" : name)),
      })),
      {
        kernel: sumChannelsKernel(pixels, channels, filters / channels),
        buffers: ["repeated", "output0"],
        writes: [1],
      },
    ],
  };
}

function phasePlan(pack: Kernel, packedBytes: number, gradient: Kernel): KernelPlan {
  return {
    temporaries: [{ name: "packed", bytes: Math.max(64, packedBytes) }],
    calls: [
      { kernel: pack, buffers: ["input1", "packed"], writes: [1], preparation: true },
      { kernel: gradient, buffers: ["input0", "packed", "output0"], writes: [2] },
    ],
  };
}

/** One kernel whose work items are those of all phases, then the rows that have unreached pixels. */
function phaseKernel(
  geometry: Conv2dGeometry,
  phases: GradientPhases,
  parts: readonly {
    readonly items: number;
    readonly scratchBytes: number;
    readonly flops: number;
    emit(f: FunctionBuilder, module: KernelModule, operands: RowOperands): void;
  }[],
): Kernel {
  const zeroItems = phases.complete ? 0 : geometry.images * geometry.size[0];
  return {
    key: `conv2dInputGradient ${geometryKey(geometry)}`,
    buffers: 3,
    items: parts.reduce((sum, { items }) => sum + items, 0) + zeroItems,
    scratchBytes: Math.max(0, ...parts.map(({ scratchBytes }) => scratchBytes)),
    flops: parts.reduce((sum, { flops }) => sum + flops, 0),
    emit(f, io, module) {
      const [source, weights, result] = io.address as [Local, Local, Local];
      const counts = [...parts.map(({ items }) => items), ...(zeroItems > 0 ? [zeroItems] : [])];
      emitItemRanges(f, io, counts, (index, { begin, end }) => {
        const part = parts[index];
        if (part === undefined) emitUnreached(f, module, geometry, phases, { result, begin, end });
        else part.emit(f, module, { source, weights, result, scratch: io.scratch, begin, end });
      });
    },
  };
}

/** Zeros in the pixels of rows `begin` … `end` − 1 (of all images) that no tap reaches. */
function emitUnreached(
  f: FunctionBuilder,
  module: KernelModule,
  { size: [height, width], channels, stride }: Conv2dGeometry,
  { vertical, horizontal }: GradientPhases,
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
