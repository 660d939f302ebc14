import { availableParallelism } from "node:os";
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import { type Answer, type WorkerHandle, workerMain } from "./worker.ts";

/** Starts a worker thread of Node that runs {@link workerMain}. */
export function startWorker(): WorkerHandle {
  const text = `import { parentPort } from "node:worker_threads";
(${workerMain})({
  post: (answer) => parentPort.postMessage(answer),
  listen: (handler) => parentPort.on("message", handler),
});`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(text)}`));
  worker.unref();
  const handle: WorkerHandle = {
    post: (order) => worker.postMessage(order),
    onAnswer: () => {},
    onFailure: () => {},
    holdProcess: (hold) => (hold ? worker.ref() : worker.unref()),
    terminate: () => void worker.terminate(),
  };
  worker.on("message", (answer: Answer) => handle.onAnswer(answer));
  worker.on("error", (error) =>
    handle.onFailure(error instanceof Error ? error : new Error(String(error))),
  );
  return handle;
}

/** Number of processors that this process may use. */
export function processorCount(): number {
  return availableParallelism();
}

/**
 * Switches on what V8 has but does not offer by itself: relaxed SIMD before Node 22 (V8 12), and from
 * Node 24 (V8 13) on x86-64 the pass that joins pairs of 128-bit operations into 256-bit ones. Modules are
 * optimised at once, since kernels are few and hot. Returns whether 256-bit code is to be expected, and how the compiler orders loads.
 *
 * Flags hold for the whole process, also for modules that were compiled before and for other threads: switching
 * the baseline compiler (`--no-liftoff`) or inlining off crashes V8 when such a module is optimised later (Node's own
 * type stripper, an image decoder), so these stay as they are.
 */
export function prepareEngine(): {
  readonly wide: boolean;
  readonly hoistsLoads: boolean;
  readonly name: string;
} {
  const version = Number.parseInt(process.versions.v8, 10);
  const name = `Node ${process.versions.node} (V8 ${process.versions.v8.split(".").slice(0, 2).join(".")})`;
  if (version < 12) setFlagsFromString("--experimental-wasm-relaxed-simd");
  setFlagsFromString("--no-wasm-dynamic-tiering");
  // All functions at once on background threads, not each at its first call.
  setFlagsFromString("--no-wasm-lazy-compilation");
  const wide = version >= 13 && process.arch === "x64";
  if (wide) setFlagsFromString("--experimental-wasm-revectorize");
  return { wide, hoistsLoads: version < 13, name };
}

/** Shared memory is always there in Node. */
export function sharedMemoryReason(): string | undefined {
  return undefined;
}
