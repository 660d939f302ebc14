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
  /**
   * Whether convolutions are computed by Winograd's method where that is faster (`auto`, default), or always by the sum that
   * defines them (`off`): slower, with about a third of the rounding error (`docs/numerics.md`).
   */
  readonly winograd?: "auto" | "off";
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
 * @throws OptionError for a number of threads out of range, or another choice of method.
 * @throws DeviceError where the engine has no relaxed SIMD with fused multiply-add.
 */
export function wasm(options: WasmOptions = {}): Backend {
  const { threads = defaultThreads().threads, winograd = "auto" } = options;
  if (!Number.isInteger(threads) || threads < 1 || threads > 64) {
    throw new OptionError(`wasm: ${threads} threads: expected an integer from 1 to 64.`);
  }
  if (winograd !== "auto" && winograd !== "off") {
    throw new OptionError(`wasm: winograd ${JSON.stringify(winograd)}: expected "auto" or "off".`);
  }
  const { name, ...engine } = prepareEngine();
  const features = probeFeatures(engine);
  if (!features.relaxedMadd) {
    throw new DeviceError(
      `wasm: ${name} has no fused multiply-add (relaxed SIMD), which this backend computes with; use a newer engine, or the reference backend.`,
    );
  }
  const reason = sharedMemoryReason();
  const count = reason === undefined ? threads : 1;
  const vectors = engine.wide ? "256-bit vectors" : "128-bit vectors";
  const why = reason === undefined ? "" : `: ${reason}`;
  const method = winograd === "off" ? ", without Winograd" : "";
  return {
    name: "wasm",
    winograd: winograd === "auto",
    description: `${count} ${count === 1 ? "thread" : "threads"}, ${vectors}${method}, ${name}${why}`,
    async open() {
      const limits = { initial: 16, maximum: maximumPages, shared: reason === undefined };
      const pool =
        reason === undefined
          ? sharedPool(startWorker, count, limits)
          : await messagePool(startWorker, limits);
      return new WasmSession(pool, { threads: pool.threads, features, winograd }, limits);
    },
  };
}
