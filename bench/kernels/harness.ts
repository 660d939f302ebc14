/**
 * Times the plans of the WebAssembly kernels without the engine: one memory, one thread, and the peak of
 * the same core measured between the plans, because clocks of shared machines float.
 */
import { ModuleBuilder } from "../../src/backends/wasm/assembler.ts";
import {
  type Features,
  type Kernel,
  type KernelModule,
  nothingKept,
} from "../../src/backends/wasm/kernel.ts";
import type { KernelPlan } from "../../src/backends/wasm/kernelPlan.ts";
import { peakKernel } from "../../src/backends/wasm/peak.ts";

const pages = 24576;
const limits = { initial: pages, maximum: pages, shared: true } as const;

type KernelFunction = (...parameters: number[]) => void;

/** The time of one kernel of a plan. */
export interface KernelTime {
  readonly name: string;
  readonly preparation: boolean;
  readonly milliseconds: number;
  readonly flops: number;
}

/** The times of a plan. */
export interface PlanTime {
  /** GFLOP/s of chains of fused multiply-adds in registers, measured just before and after. */
  readonly peak: number;
  readonly kernels: readonly KernelTime[];
  readonly compileMilliseconds: number;
  readonly moduleBytes: number;
}

/** One memory in which plans are timed one after the other. */
export class KernelBench {
  readonly #memory = new WebAssembly.Memory(limits);
  readonly #features: Features;
  readonly #peak: KernelFunction;
  readonly #seconds: number;

  /** `seconds` is the time spent on each kernel. */
  constructor(features: Features, seconds = 0.15) {
    this.#features = features;
    this.#seconds = seconds;
    this.#peak = this.#compile((builder) => {
      addKernel(kernelModule(builder, features), peakOfOne, "run");
    }).run!;
    // Every page is touched once; values near 1 keep sums far from overflow.
    const floats = new Float32Array(this.#memory.buffer);
    for (let i = 0; i < floats.length; i++) floats[i] = ((i * 7919) % 1000) / 1000 - 0.5;
  }

  /** GFLOP/s of the engine's best loop at this moment. */
  peak(): number {
    const scratch = pages * 32768;
    const time = fastest(() => this.#peak(0, peakOfOne.items, scratch), 0.02);
    return peakOfOne.flops! / time / 1e6;
  }

  /** Times every kernel of a plan by itself, operands of the given sizes. */
  time(plan: KernelPlan, inputBytes: readonly number[], outputBytes: readonly number[]): PlanTime {
    const addresses = new Map<string, number>();
    let top = 4096;
    const place = (name: string, bytes: number): void => {
      addresses.set(name, top);
      top += Math.ceil(bytes / 64) * 64 + 192;
    };
    for (const [i, bytes] of inputBytes.entries()) place(`input${i}`, bytes);
    for (const [i, bytes] of outputBytes.entries()) place(`output${i}`, bytes);
    for (const { name, bytes } of plan.temporaries) place(name, bytes);
    const scratch = top;
    const need = top + Math.max(0, ...plan.calls.map(({ kernel }) => kernel.scratchBytes ?? 0));
    if (need > pages * 65536) throw new Error(`the plan needs ${need} bytes of ${pages * 65536}`);

    const start = performance.now();
    let moduleBytes = 0;
    const functions = this.#compile((builder) => {
      const module = kernelModule(builder, this.#features);
      for (const [i, { kernel }] of plan.calls.entries()) addKernel(module, kernel, `k${i}`);
      moduleBytes = builder.encode().length;
    });
    const compileMilliseconds = performance.now() - start;
    const peakBefore = this.peak();
    const kernels = plan.calls.map(({ kernel, buffers, preparation = false }, i) => {
      const parameters = [...buffers.map((name) => addresses.get(name)!), 0, kernel.items, scratch];
      return {
        name: kernel.key.split(" ")[0]!,
        preparation,
        milliseconds: fastest(() => {
          if (kernel.keepsScratch) new Int32Array(this.#memory.buffer, scratch, 1)[0] = nothingKept;
          functions[`k${i}`]!(...parameters);
        }, this.#seconds),
        flops: kernel.flops ?? 0,
      };
    });
    const peak = Math.max(peakBefore, this.peak());
    return { peak, kernels, compileMilliseconds, moduleBytes };
  }

  #compile(fill: (builder: ModuleBuilder) => void): Record<string, KernelFunction> {
    const builder = new ModuleBuilder(limits);
    fill(builder);
    const module = new WebAssembly.Module(builder.encode());
    const instance = new WebAssembly.Instance(module, { env: { memory: this.#memory } });
    return instance.exports as Record<string, KernelFunction>;
  }
}

const peakOfOne = peakKernel(1);

function kernelModule(builder: ModuleBuilder, features: Features): KernelModule {
  const functions = new Map<string, number>();
  return {
    builder,
    features,
    shared(key, emit) {
      const known = functions.get(key);
      if (known !== undefined) return known;
      const index = emit(builder);
      functions.set(key, index);
      return index;
    },
  };
}

function addKernel(module: KernelModule, kernel: Kernel, name: string): void {
  const parameters = new Array<"i32">(kernel.buffers + 3).fill("i32");
  const index = module.builder.function(parameters, [], (f) => {
    const locals = parameters.map((_, i) => f.parameter(i));
    const [begin, end, scratch] = locals.slice(kernel.buffers);
    kernel.emit(
      f,
      {
        address: locals.slice(0, kernel.buffers),
        begin: begin!,
        end: end!,
        scratch: scratch!,
      },
      module,
    );
  });
  module.builder.export(name, index);
}

/**
 * Time of a call in milliseconds: the shortest one, or on a busy machine the mean of the processor time,
 * whichever is less. The system counts processor time in steps of milliseconds, so it needs a long run.
 */
function fastest(body: () => void, seconds: number): number {
  body();
  let best = Infinity;
  let calls = 0;
  const processor = process.cpuUsage();
  const begin = performance.now();
  while (calls < 5 || performance.now() - begin < seconds * 1000) {
    const start = performance.now();
    body();
    best = Math.min(best, performance.now() - start);
    calls++;
  }
  const { user, system } = process.cpuUsage(processor);
  const spent = (user + system) / 1000;
  return spent < 400 ? best : Math.min(best, spent / calls);
}
