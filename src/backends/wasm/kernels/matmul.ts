import type { Features } from "../kernel.ts";
import type { KernelCall, KernelPlan, Temporary } from "../kernelPlan.ts";
import { emitRowProduct, packedWeightBytes, type RowProduct, scheduleRows } from "./gemm.ts";
import { type EpilogueOptions, productCall, withEpilogue } from "./gemmEpilogue.ts";
import { packKernel } from "./packing.ts";
import { transposeKernel } from "./packingTranspose.ts";

/** The sizes of a batch of products `C = op(A) · op(B)`. */
export interface MatmulGeometry {
  /** Products one after the other, with operands of their own. */
  readonly batch: number;
  /** M: rows of C. */
  readonly rows: number;
  /** N: columns of C. */
  readonly columns: number;
  /** K: length of the sums. */
  readonly depth: number;
  /** A lies as [K, M]. */
  readonly transposeA: boolean;
  /** B lies as [N, K]. */
  readonly transposeB: boolean;
}

/** How a product is computed. */
export interface MatmulOptions extends EpilogueOptions {
  /** B changes from run to run; false if left out. */
  readonly weightsChange?: boolean;
}

/** Rows up to which a B that changes is packed by the work items themselves. */
const fewRows = 160;

/**
 * Matrix product: `input0` A, `input1` B, then the bias [N] if there is one, then the epilogue's further
 * operands; `output0` C, in memory of its own. All row-major.
 *
 * B is packed in panels, a call that is marked as a preparation, since it depends on `input1` alone.
 * A transposed A is turned round first.
 */
export function planMatmul(
  geometry: MatmulGeometry,
  features: Features,
  options: MatmulOptions = {},
): KernelPlan {
  const { batch, rows, columns, depth, transposeA, transposeB } = geometry;
  const columnStep = transposeB ? depth : 1;
  const step = transposeB ? 1 : columns;
  const partStep = depth * columns;
  const inItems = (options.weightsChange ?? false) && rows <= fewRows;
  const product: RowProduct = {
    images: batch,
    source: { height: rows, width: 1, channels: depth },
    groups: 1,
    taps: [1, 1],
    stride: [1, 1],
    dilation: [1, 1],
    padding: [0, 0],
    grid: [rows, 1],
    result: {
      first: 0,
      rowStep: 1,
      columnStep: 1,
      imageStep: rows,
      channels: columns,
      pitch: columns,
    },
    weightStart: 0,
    weightsPerImage: batch > 1,
    ...(inItems ? { unpacked: { columnStep, step, imageStep: partStep } } : {}),
  };
  const schedule = scheduleRows(product, features);
  const multiply = withEpilogue(options, {
    key: `matmul ${batch}x${rows}x${columns}x${depth} ${inItems ? `unpacked ${transposeB}` : ""}`,
    items: schedule.items,
    scratchBytes: schedule.scratchBytes,
    flops: schedule.flops,
    emit(f, { scratch, begin, end }, module, operands, epilogue) {
      emitRowProduct(f, module, schedule, { ...operands, scratch, begin, end }, epilogue);
    },
  });
  const temporaries: Temporary[] = [];
  const calls: KernelCall[] = [];
  if (!inItems) {
    const runs = [{ start: 0, count: depth, step }];
    const source = { columnStep, columns, parts: batch, partStep, runs, packedStart: 0 };
    temporaries.push({ name: "packed", bytes: packedWeightBytes(product, features) });
    calls.push({
      kernel: packKernel([source], features),
      buffers: ["input1", "packed"],
      writes: [1],
      preparation: true,
    });
  }
  if (transposeA) {
    temporaries.push({ name: "rows", bytes: batch * rows * depth * 4 });
    calls.push({
      kernel: transposeKernel(batch, depth, rows),
      buffers: ["input0", "rows"],
      writes: [1],
    });
  }
  const weights = inItems ? "input1" : "packed";
  calls.push(productCall(multiply, transposeA ? "rows" : "input0", weights));
  return { temporaries, calls };
}
