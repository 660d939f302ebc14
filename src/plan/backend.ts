import type { TensorData } from "../core/dtype.ts";
import type { Graph } from "../graph/graph.ts";

/** Numbers by name, each row-major in logical order (NCHW); bytes of images as decoders give them (NHWC). */
export type Feeds = Readonly<Record<string, TensorData | Uint8Array>>;
export type Fetches = Record<string, TensorData>;

/** What a compiled program will take, known before the first run. */
export interface MemoryReport {
  /** Weights, slots and other states of the session. */
  readonly stateBytes: number;
  /** What the program keeps between runs: constants, packed weights, folded batch norms. */
  readonly keptBytes: number;
  /** What it needs while it runs, shared by all programs of a session: activations, gradients, scratch. */
  readonly arenaBytes: number;
}

/** The memory of programs that share a session: of states and arena the largest, of what each keeps the sum. */
export function joinMemory(reports: readonly MemoryReport[]): MemoryReport {
  return {
    stateBytes: Math.max(0, ...reports.map(({ stateBytes }) => stateBytes)),
    keptBytes: reports.reduce((sum, { keptBytes }) => sum + keptBytes, 0),
    arenaBytes: Math.max(0, ...reports.map(({ arenaBytes }) => arenaBytes)),
  };
}

/** All bytes of a report. */
export function totalBytes({ stateBytes, keptBytes, arenaBytes }: MemoryReport): number {
  return stateBytes + keptBytes + arenaBytes;
}

/** What one launch of a kernel takes. */
export interface LaunchProfile {
  /** Operation and name of the node it belongs to. */
  readonly label: string;
  /** The kernel, with the sizes that it was made for. */
  readonly kernel: string;
  /** Shortest of the rounds, with all threads, until the last of them is done. */
  readonly timeMs: number;
  /** Floating point operations, 0 where they are not counted. */
  readonly flops: number;
  /** Bytes of the buffers it reads and writes, each counted once. */
  readonly bytes: number;
}

/** Where the time of a step goes, from {@link Program.profile}. */
export interface StepProfile {
  /** In the order in which they run. */
  readonly launches: readonly LaunchProfile[];
  /** GFLOP/s of multiply-adds in registers on all threads, the best of the same rounds: what no launch can exceed. */
  readonly peakGflops: number;
}

/** A graph made ready for one backend. */
export interface Program {
  /** The graph as the backend runs it, after all passes. */
  readonly graph: Graph;
  readonly memory: MemoryReport;
  /** Computes the outputs and applies the updates. Runs of one session follow one another. */
  run(feeds: Feeds): Promise<Fetches>;
  /**
   * Runs the step launch by launch and times each, in programs compiled for it (`profile: true`). Updates are
   * applied in every round.
   */
  profile?(feeds: Feeds, rounds: number): Promise<StepProfile>;
}

/** Options of {@link Session.compile}. */
export interface CompileOptions {
  /**
   * Compute in every run what depends on weights alone (packed and transformed weights), instead of keeping it from run
   * to run: less memory, more time. Default false.
   */
  readonly lean?: boolean;
  /** Make {@link Program.profile} available, where the backend can; costs code size. */
  readonly profile?: boolean;
}

/** One engine with its memory: programs compiled here share their states by name. */
export interface Session {
  compile(graph: Graph, options?: CompileOptions): Promise<Program>;
  /** What a program of this graph would take, without making it or taking anything. */
  measure(graph: Graph, options?: CompileOptions): Promise<MemoryReport>;
  /** Bytes that this backend can address. */
  readonly memoryLimitBytes: number;
  /** Current numbers of a state. */
  read(name: string): Promise<TensorData>;
  /** Replaces the numbers of a state, for all programs. */
  write(name: string, data: TensorData): Promise<void>;
  /** Gives a state the contents again that its graph says it begins with, for all programs. */
  reset(name: string): Promise<void>;
  /** Names of all states that compiled graphs have declared. */
  readonly states: readonly string[];
  /** Frees threads and memory; the session cannot be used afterwards. */
  close(): Promise<void>;
}

/** A way to compute. Absence of a device shows before a backend exists, never as an exception in it. */
export interface Backend {
  readonly name: "reference" | "wasm" | "webgpu";
  /** Whether convolutions may be computed by Winograd's method, which is faster and rounds about three times as much. */
  readonly winograd: boolean;
  /** What will be used, in words: `4 threads, 256-bit`. */
  readonly description: string;
  open(): Promise<Session>;
}
