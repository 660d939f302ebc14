import { ModuleBuilder } from "./assembler.ts";
import type { Features } from "./kernel.ts";

/** Bytes of a module that multiplies and adds vectors with the relaxed instruction. */
function relaxedProbe(): Uint8Array<ArrayBuffer> {
  const builder = new ModuleBuilder({ initial: 1, maximum: 1, shared: false });
  const index = builder.function([], [], (f) => {
    f.i32(16);
    f.i32(0).memory("v128.load", 0);
    f.i32(0).memory("v128.load", 0);
    f.i32(0).memory("v128.load", 32);
    f.op("f32x4.relaxed_madd").memory("v128.store", 0);
  });
  builder.export("probe", index);
  return builder.encode();
}

/** What is known of an engine before anything runs in it. */
type Engine = Pick<Features, "wide" | "hoistsLoads">;

/** The register tile that is fastest on each kind of engine, measured (`docs/kernels.md`). */
function tileOf({ wide, hoistsLoads }: Engine): Features["tile"] {
  if (wide) return { rows: 6, columns: 16 };
  return hoistsLoads ? { rows: 3, columns: 12 } : { rows: 6, columns: 8 };
}

/**
 * Finds out what the engine computes with. `relaxedMadd` is true only where the relaxed multiply-add is there and
 * fused: `(1 + 2⁻¹²)² − 1 − 2⁻¹¹` is 2⁻²⁴ with one rounding and 0 with two.
 */
export function probeFeatures({ wide, hoistsLoads }: Engine): Features {
  const bytes = relaxedProbe();
  let relaxedMadd = false;
  if (WebAssembly.validate(bytes)) {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
    const numbers = new Float32Array(memory.buffer);
    numbers[0] = 1 + 2 ** -12;
    numbers[8] = -1 - 2 ** -11;
    (instance.exports.probe as () => void)();
    relaxedMadd = numbers[4] === 2 ** -24;
  }
  return { relaxedMadd, wide, hoistsLoads, tile: tileOf({ wide, hoistsLoads }) };
}
