/**
 * Runs the kernels of a plan without the engine: one module, one memory, the threads one after the
 * other. Memory that nobody wrote holds a pattern (a NaN), buffers lie between guards, and every
 * plan runs with its items dealt to one and to three threads, which must give the same bits.
 */
import {
  type FunctionBuilder,
  type Local,
  ModuleBuilder,
} from "../../src/backends/wasm/assembler.ts";
import {
  type Features,
  type Kernel,
  type KernelModule,
  nothingKept,
} from "../../src/backends/wasm/kernel.ts";
import type { KernelPlan } from "../../src/backends/wasm/kernelPlan.ts";

type Numbers = Float32Array | Int32Array;

export const testFeatures: Features = {
  relaxedMadd: true,
  wide: false,
  hoistsLoads: false,
  tile: { rows: 4, columns: 8 },
};

const unwritten = 0x7fc12345;
const guardWords = 16;

function align(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}

/** A module under construction, with the table of functions that its kernels share. */
export function kernelModule(
  builder: ModuleBuilder,
  features: Features = testFeatures,
): KernelModule {
  const functions = new Map<string, number>();
  return {
    builder,
    features,
    shared(key, emit) {
      let index = functions.get(key);
      if (index === undefined) {
        index = emit(builder);
        functions.set(key, index);
      }
      return index;
    },
  };
}

/** Adds a kernel as an exported function: addresses, first item, last item, scratch. */
export function addKernel(module: KernelModule, kernel: Kernel, name: string): void {
  const parameters = new Array<"i32">(kernel.buffers + 3).fill("i32");
  const index = module.builder.function(parameters, [], (f: FunctionBuilder) => {
    const locals: Local[] = parameters.map((_, i) => f.parameter(i));
    kernel.emit(
      f,
      {
        address: locals.slice(0, kernel.buffers),
        begin: locals[kernel.buffers]!,
        end: locals[kernel.buffers + 1]!,
        scratch: locals[kernel.buffers + 2]!,
      },
      module,
    );
  });
  module.builder.export(name, index);
}

/** An output to be made: its number of elements and type. */
export interface OutputSpec {
  readonly length: number;
  readonly dtype?: "float32" | "int32";
}

type KernelFunction = (...parameters: number[]) => void;

/** A plan made ready: buffers filled, code compiled. */
export interface LoadedPlan {
  /** Runs all kernels, the items of each dealt to `threads`. */
  run(threads: number): void;
  output(index: number): Numbers;
  memory: WebAssembly.Memory;
}

/** Compiles a plan over the given inputs (in the backend's physical order). */
export function loadPlan(
  plan: KernelPlan,
  inputs: readonly Numbers[],
  outputs: readonly OutputSpec[],
  features: Features = testFeatures,
): LoadedPlan {
  const addresses = new Map<string, { address: number; bytes: number }>();
  let top = 1024;
  const place = (name: string, bytes: number): void => {
    addresses.set(name, { address: top, bytes });
    top = align(top + bytes) + guardWords * 4;
  };
  for (const [i, data] of inputs.entries()) place(`input${i}`, data.byteLength);
  for (const [i, { length }] of outputs.entries()) place(`output${i}`, length * 4);
  for (const { name, bytes } of plan.temporaries) place(name, bytes);
  const scratchBytes = align(Math.max(64, ...plan.calls.map((c) => c.kernel.scratchBytes ?? 0)));
  const scratch = align(top);
  top = scratch + 8 * scratchBytes;
  const pages = Math.ceil(top / 65536) + 1;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  new Int32Array(memory.buffer).fill(unwritten);
  for (const [i, data] of inputs.entries()) {
    const { address } = addresses.get(`input${i}`)!;
    new Uint8Array(memory.buffer, address, data.byteLength).set(
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    );
  }
  const builder = new ModuleBuilder({ initial: pages, maximum: pages, shared: false });
  const module = kernelModule(builder, features);
  const names = new Map<string, string>();
  for (const { kernel } of plan.calls) {
    if (names.has(kernel.key)) continue;
    // Another name makes another module: V8 keeps the code of equal bytes, whatever its options are.
    names.set(kernel.key, `${features.wide ? "wide" : "kernel"}${names.size}`);
    addKernel(module, kernel, names.get(kernel.key)!);
  }
  const instance = new WebAssembly.Instance(new WebAssembly.Module(builder.encode()), {
    env: { memory },
  });
  const launches = plan.calls.map(({ kernel, buffers }) => ({
    items: kernel.items,
    keepsScratch: kernel.keepsScratch === true,
    run: instance.exports[names.get(kernel.key)!] as KernelFunction,
    addresses: buffers.map((name) => {
      const found = addresses.get(name);
      if (found === undefined) throw new Error(`the plan names an unknown buffer "${name}"`);
      return found.address;
    }),
  }));
  return {
    memory,
    run(threads) {
      for (const { items, keepsScratch, run, addresses: buffers } of launches) {
        for (let thread = 0; thread < threads; thread++) {
          const own = scratch + thread * scratchBytes;
          if (keepsScratch) new Int32Array(memory.buffer, own, 1)[0] = nothingKept;
          // Each thread's items in two calls, as where it claims some of them.
          const [begin, middle, end] = [0, 0.5, 1].map((part) =>
            Math.floor((items * (thread + part)) / threads),
          ) as [number, number, number];
          if (begin < middle) run(...buffers, begin, middle, own);
          if (middle < end) run(...buffers, middle, end, own);
        }
      }
      for (const [name, { address, bytes }] of addresses) {
        const guard = new Int32Array(memory.buffer, align(address + bytes), guardWords);
        if (guard.some((word) => word !== unwritten)) {
          throw new Error(`a kernel wrote past the end of "${name}"`);
        }
      }
    },
    output(index) {
      const { address, bytes } = addresses.get(`output${index}`)!;
      const array = outputs[index]?.dtype === "int32" ? Int32Array : Float32Array;
      return new array(memory.buffer.slice(address, address + bytes));
    },
  };
}

/**
 * Results of a plan; throws unless one and three threads, and engines with and without relaxed SIMD,
 * agree in every bit.
 */
export function runPlan(
  plan: KernelPlan,
  inputs: readonly Numbers[],
  outputs: readonly OutputSpec[],
  features: Features = testFeatures,
): Numbers[] {
  const results = [1, 3].map((threads) => {
    const loaded = loadPlan(plan, inputs, outputs, features);
    loaded.run(threads);
    return outputs.map((_, i) => loaded.output(i));
  });
  for (const [i, one] of results[0]!.entries()) {
    const a = new Int32Array(one.buffer);
    const b = new Int32Array(results[1]![i]!.buffer);
    const different = a.findIndex((word, e) => word !== b[e]);
    if (different >= 0) {
      throw new Error(`output ${i} differs between one and three threads at element ${different}`);
    }
  }
  return results[0]!;
}
