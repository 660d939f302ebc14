import { prepareEngine, processorCount, sharedMemoryReason, startWorker } from "#workers";
import { DeviceError, OptionError } from "../../core/errors.ts";
import type { Backend } from "../../plan/backend.ts";
import { probeFeatures } from "./features.ts";
import { messagePool, sharedPool } from "./pool.ts";
import { WasmSession } from "./session.ts";

/** Options of {@link wasm}. */
export interface WasmOptions {
  /** Threads that compute, 1 to 64. Default: as many as processors. Results do not depend on it. */
  readonly threads?: number;
}

/** Memory of a session may grow to 4 GiB less one page, the most that 32-bit addresses reach. */
const maximumPages = 65535;

/** How many threads {@link wasm} uses where it is not told, and why only one where memory cannot be shared. */
export function defaultThreads(): { readonly threads: number; readonly reason?: string } {
  const reason = sharedMemoryReason();
  return reason === undefined
    ? { threads: Math.min(processorCount(), 64) }
    : { threads: 1, reason };
}

/**
 * The fast backend, for any CPU with nothing but Node or a browser: SIMD kernels emitted for the shapes at
 * hand, threads over shared memory, all off the caller's thread. Where memory cannot be shared (a page that is
 * not cross-origin isolated) one worker computes; `description` says so.
 *
 * @throws OptionError for a number of threads out of range.
 * @throws DeviceError where the engine has no relaxed SIMD with fused multiply-add.
 */
export function wasm(options: WasmOptions = {}): Backend {
  const { threads = defaultThreads().threads } = options;
  if (!Number.isInteger(threads) || threads < 1 || threads > 64) {
    throw new OptionError(`wasm: ${threads} threads: expected an integer from 1 to 64.`);
  }
  const { wide, name } = prepareEngine();
  const features = probeFeatures(wide);
  if (!features.relaxedMadd) {
    throw new DeviceError(
      `wasm: ${name} has no fused multiply-add (relaxed SIMD), which this backend computes with; use a newer engine, or the reference backend.`,
    );
  }
  const reason = sharedMemoryReason();
  const count = reason === undefined ? threads : 1;
  const vectors = wide ? "256-bit vectors" : "128-bit vectors";
  const why = reason === undefined ? "" : `: ${reason}`;
  return {
    name: "wasm",
    description: `${count} ${count === 1 ? "thread" : "threads"}, ${vectors}, ${name}${why}`,
    async open() {
      const limits = { initial: 16, maximum: maximumPages, shared: reason === undefined };
      const pool =
        reason === undefined
          ? await sharedPool(startWorker, count, limits)
          : await messagePool(startWorker, limits);
      return new WasmSession(pool, features, limits);
    },
  };
}
