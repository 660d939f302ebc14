import type { FunctionBuilder, Local, ModuleBuilder } from "./assembler.ts";

/**
 * One emitted function: a part of the computation that all threads run together on disjoint ranges
 * of its work items.
 *
 * How the items are dealt to threads must not change any result: an item computes the same bits
 * whichever thread takes it, and a reduction over items goes through a temporary with one slot per
 * item (or per fixed chunk of items), summed in a second kernel in a fixed order.
 */
export interface Kernel {
  /** Kernels with equal keys have equal code and are emitted once; it names everything `emit` reads. */
  readonly key: string;
  /** Number of buffers; the function takes their byte addresses in this order. */
  readonly buffers: number;
  /** Independent work items; a thread gets contiguous ranges of them. */
  readonly items: number;
  /** Bytes of memory that each thread needs for itself while it runs, 0 if left out. */
  readonly scratchBytes?: number;
  /**
   * Whether what a call leaves in the scratch memory serves the thread's next call of the same launch. The first word there is
   * then {@link nothingKept} when a launch begins, and the kernel's own until it ends.
   */
  readonly keepsScratch?: boolean;
  /** Floating point operations of the whole launch, for profiles; 0 if left out. */
  readonly flops?: number;
  emit(f: FunctionBuilder, io: KernelParameters, module: KernelModule): void;
}

/** First word of the scratch memory of a kernel that keeps it, before the first call of a launch. */
export const nothingKept = -1;

/** Parameters of an emitted kernel, all i32. */
export interface KernelParameters {
  /** Byte addresses of the buffers, 16-byte aligned (64 for whole tensors). */
  readonly address: readonly Local[];
  /** First work item of this call; there is at least one. */
  readonly begin: Local;
  /** One past the last work item of this call. */
  readonly end: Local;
  /** Address of this thread's own `scratchBytes`, 64-byte aligned. */
  readonly scratch: Local;
}

/** What a kernel may ask of the module it is emitted into. */
export interface KernelModule {
  readonly builder: ModuleBuilder;
  readonly features: Features;
  /** A function shared by several kernels: emitted at the first call with this key. */
  shared(key: string, emit: (builder: ModuleBuilder) => number): number;
}

/** What the JavaScript engine offers, found by probing; decides tiles, never results. */
export interface Features {
  /** Fused multiply-add through relaxed SIMD: the canonical arithmetic of the backend. */
  readonly relaxedMadd: boolean;
  /** V8 joins pairs of 128-bit operations into 256-bit ones, so wide tiles pay. */
  readonly wide: boolean;
  /**
   * The compiler moves all loads of a basic block before its arithmetic (V8 before 13). What a block loads must then fit into
   * the 15 registers beside the sums, so that a step of a tile is a block of its own.
   */
  readonly hoistsLoads: boolean;
  /** Register tile of the matrix kernels: rows × columns (columns a multiple of 4). */
  readonly tile: { readonly rows: number; readonly columns: number };
}

/**
 * A region of the arena, or of the permanent area, as the planner sees it. Kernels get its address
 * only when the program is linked.
 */
export interface Buffer {
  readonly id: number;
  readonly bytes: number;
}

/** One call of a kernel on given buffers. */
export interface Launch {
  readonly kernel: Kernel;
  readonly buffers: readonly Buffer[];
  /** Indices into `buffers` that the kernel writes; the others are only read. */
  readonly writes: readonly number[];
}
