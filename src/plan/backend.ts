import type { TensorData } from "../core/dtype.ts";
import type { Graph } from "../graph/graph.ts";

/** Numbers by name, each row-major in logical order (NCHW). */
export type Feeds = Readonly<Record<string, TensorData | Uint8Array>>;
export type Fetches = Record<string, TensorData>;

/** What a compiled program will take, known before the first run. */
export interface MemoryReport {
  /** Weights, slots and other states of the session. */
  readonly stateBytes: number;
  /** Everything a run needs beside them: activations, gradients, scratch. */
  readonly arenaBytes: number;
}

/** A graph made ready for one backend. */
export interface Program {
  /** The graph as the backend runs it, after all passes. */
  readonly graph: Graph;
  readonly memory: MemoryReport;
  /** Computes the outputs and applies the updates. Runs of one session follow one another. */
  run(feeds: Feeds): Promise<Fetches>;
}

/** One engine with its memory: programs compiled here share their states by name. */
export interface Session {
  compile(graph: Graph): Promise<Program>;
  /** Current numbers of a state. */
  read(name: string): Promise<TensorData>;
  /** Replaces the numbers of a state, for all programs. */
  write(name: string, data: TensorData): Promise<void>;
  /** Names of all states that compiled graphs have declared. */
  readonly states: readonly string[];
  /** Frees threads and memory; the session cannot be used afterwards. */
  close(): Promise<void>;
}

/** A way to compute. Absence of a device shows before a backend exists, never as an exception in it. */
export interface Backend {
  readonly name: "reference" | "wasm" | "webgpu";
  /** What will be used, in words: `4 threads, 256-bit`. */
  readonly description: string;
  open(): Promise<Session>;
}
