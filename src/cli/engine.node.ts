import { reference } from "../backends/reference/backend.ts";
import { wasm } from "../backends/wasm/backend.ts";
import type { Backend } from "../plan/backend.ts";

/** The backend that the flags ask for. */
export function chooseBackend(options: {
  readonly backend: "auto" | "wasm" | "reference";
  readonly threads?: number | undefined;
}): Backend {
  if (options.backend === "reference") return reference();
  return wasm(options.threads === undefined ? {} : { threads: options.threads });
}
