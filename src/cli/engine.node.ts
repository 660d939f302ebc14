import { reference } from "../backends/reference/backend.ts";
import { wasm } from "../backends/wasm/backend.ts";
import { DeviceError } from "../core/errors.ts";
import type { Backend } from "../plan/backend.ts";

/**
 * The backend that the flags, or the run that is gone on with, ask for.
 *
 * @throws DeviceError for one that this version does not have.
 */
export function chooseBackend(options: {
  readonly backend: "auto" | Backend["name"];
  readonly threads?: number | undefined;
  readonly winograd: "auto" | "off";
}): Backend {
  if (options.backend === "reference") return reference();
  if (options.backend === "webgpu") {
    throw new DeviceError("backend webgpu: this version has wasm and reference only.");
  }
  const { threads, winograd } = options;
  return wasm({ ...(threads === undefined ? {} : { threads }), winograd });
}
