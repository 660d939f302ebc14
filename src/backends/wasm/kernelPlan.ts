import type { Kernel } from "./kernel.ts";

/**
 * How one operation is computed: kernels in their order, on buffers by name. `input0`, `input1`, …
 * and `output0`, `output1`, … stand for the operands of the operation, any other name for one of
 * the plan's temporaries.
 */
export interface KernelPlan {
  /** Memory that is needed only from the first to the last call. */
  readonly temporaries: readonly Temporary[];
  readonly calls: readonly KernelCall[];
}

export interface Temporary {
  readonly name: string;
  readonly bytes: number;
}

export interface KernelCall {
  readonly kernel: Kernel;
  /** Names of the buffers in the order of the kernel's parameters. */
  readonly buffers: readonly string[];
  /** Indices into `buffers` that the kernel writes; the others are only read. */
  readonly writes: readonly number[];
  /**
   * The call reads only weights (packing them, say), so that it need not be repeated while they stay as
   * they are; its temporaries then keep their contents between runs.
   */
  readonly preparation?: boolean;
}

/** A plan of one kernel that reads `inputs` operands and writes `outputs` operands, in this order. */
export function singleCall(kernel: Kernel, inputs: number, outputs: number): KernelPlan {
  const buffers: string[] = [];
  for (let i = 0; i < inputs; i++) buffers.push(`input${i}`);
  for (let i = 0; i < outputs; i++) buffers.push(`output${i}`);
  const writes = Array.from({ length: outputs }, (_, i) => inputs + i);
  return { temporaries: [], calls: [{ kernel, buffers, writes }] };
}
