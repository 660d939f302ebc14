import { reference } from "../../src/backends/reference/backend.ts";
import { wasm } from "../../src/backends/wasm/backend.ts";
import type { Backend } from "../../src/plan/backend.ts";

/** The backends whose operations are checked; the first defines them. */
export function testedBackends(): readonly Backend[] {
  return [reference(), wasm({ threads: 2 })];
}
