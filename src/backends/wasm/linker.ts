import { type FunctionBuilder, type Local, type MemoryLimits, ModuleBuilder } from "./assembler.ts";
import { type Features, type Kernel, type KernelModule, nothingKept } from "./kernel.ts";

/** Where a buffer lies: at a fixed address, or at an offset from the arena's base. */
export interface Place {
  readonly kind: "fixed" | "arena";
  readonly address: number;
  readonly bytes: number;
  /**
   * Set for some channels of a buffer, whose number is `whole`: parts that begin at different channels share no byte. The
   * place reaches to the end of that buffer; `bytes` here are those of the part alone.
   */
  readonly part?: { readonly whole: number; readonly first: number; readonly bytes: number };
}

/** One call of a kernel on buffers with known places. */
export interface PlacedLaunch {
  readonly kernel: Kernel;
  readonly places: readonly Place[];
  /** Indices into `places` that the kernel writes. */
  readonly writes: readonly number[];
  /** Name of the node it belongs to, for profiles. */
  readonly label: string;
}

/** A linked program: the module's bytes and the launches behind each exported function. */
export interface LinkedProgram {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Number of barriers in a step, for profiles. */
  readonly barriers: number;
}

/** Addresses of the session's control words. Each barrier word has a cache line of its own. */
export const control = {
  barrierCount: 0,
  barrierGeneration: 64,
  /** Number of the last command; workers wait for it to change. */
  command: 128,
  /** What to do: index into the loaded programs, or a negative code. */
  program: 132,
  stage: 136,
  arena: 140,
  /** For each launch since the last barrier, up to `claims` of them, the items that threads have claimed. */
  claimed: 192,
  claims: 16,
  bytes: 256,
} as const;

/**
 * Rounds of looking before a thread sleeps at a barrier: some 80 µs, twice what waking up takes. With less, one sleep makes
 * the next: whoever was woken late lets the others wait as long at the following barrier. LeNet-5 on two
 * quiet cores makes 1.6 times the steps of 5 µs of looking, ResNet-20 1.1 times; with four threads on the two cores
 * it costs nothing.
 */
const spinRounds = 1 << 16;

/**
 * A thread is dealt its share of three quarters of a launch's items: one long range, for which kernels pack and stage
 * once, and the same range as in the launch before, so that it finds its own results in its cache. The last quarter
 * is claimed in parts by whoever is ready, since the cores of a shared machine are never equally fast. Beside dealing
 * out everything, a step is 1 to 9 % shorter (docs/kernels.md); with half of the items, or parts of another size, no better.
 */
const dealtShare = 0.75;
const partsPerThread = 4;

/** How many items of a launch are dealt out evenly, and how many of the others make a part to be claimed. */
export function dealItems(
  items: number,
  threads: number,
): { readonly dealt: number; readonly part: number } {
  const dealt = threads === 1 ? items : Math.ceil(items * dealtShare);
  return { dealt, part: Math.ceil((items - dealt) / (partsPerThread * threads)) };
}

/**
 * Emits one module with the functions `prepare` and `step`: (thread, arenaBase) → (). Each runs its launches
 * in order; threads share out every launch's items ({@link dealItems}). Threads meet at a barrier only where a
 * launch touches bytes that a launch since the last barrier wrote, or writes bytes that one read.
 * Every launch of `profiled` is a function of its own, `launch0`, `launch1`, ….
 */
export function link(
  stages: {
    readonly prepare: readonly PlacedLaunch[];
    readonly step: readonly PlacedLaunch[];
    readonly profiled: readonly PlacedLaunch[];
  },
  scratch: { readonly place: Place; readonly bytesPerThread: number },
  threads: number,
  features: Features,
  memory: MemoryLimits,
): LinkedProgram {
  const builder = new ModuleBuilder(memory);
  const sharedFunctions = new Map<string, number>();
  const module: KernelModule = {
    builder,
    features,
    shared(key, emit) {
      let index = sharedFunctions.get(key);
      if (index === undefined) {
        index = emit(builder);
        sharedFunctions.set(key, index);
      }
      return index;
    },
  };
  const barrier = emitBarrier(builder, threads);
  const kernels = new Map<string, number>();
  const kernelIndex = (kernel: Kernel): number => {
    let index = kernels.get(kernel.key);
    if (index === undefined) {
      const parameters = new Array(kernel.buffers + 3).fill("i32");
      index = builder.function(parameters, [], (f) => {
        const address = Array.from({ length: kernel.buffers }, (_, i) => f.parameter(i));
        const [begin, end, own] = [0, 1, 2].map((i) => f.parameter(kernel.buffers + i));
        kernel.emit(f, { address, begin: begin!, end: end!, scratch: own! }, module);
      });
      kernels.set(kernel.key, index);
    }
    return index;
  };
  let barriers = 0;
  for (const name of ["prepare", "step"] as const) {
    const launches = stages[name];
    const indices = launches.map(({ kernel }) => kernelIndex(kernel));
    const meetings = barrierPositions(launches);
    if (name === "step") barriers = meetings.size + 1;
    const index = builder.function(["i32", "i32"], [], (f) => {
      let met = 0;
      launches.forEach((launch, i) => {
        if (meetings.has(i)) {
          f.call(barrier);
          met = i;
        }
        emitLaunch(f, launch, indices[i]!, i - met, threads, scratch);
      });
      f.call(barrier);
    });
    builder.export(name, index);
  }
  stages.profiled.forEach((launch, i) => {
    const kernel = kernelIndex(launch.kernel);
    const index = builder.function(["i32", "i32"], [], (f) => {
      emitLaunch(f, launch, kernel, 0, threads, scratch);
      f.call(barrier);
    });
    builder.export(`launch${i}`, index);
  });
  return { bytes: builder.encode(), barriers };
}

/** Calls the function `index` for a launch, the `sinceBarrier`th after a barrier, as often as it has items for this thread. */
function emitLaunch(
  f: FunctionBuilder,
  { kernel, places }: PlacedLaunch,
  index: number,
  sinceBarrier: number,
  threads: number,
  scratch: { readonly place: Place; readonly bytesPerThread: number },
): void {
  const thread = f.parameter(0);
  const arena = f.parameter(1);
  const pushPlace = (place: Place) => {
    if (place.kind === "fixed") f.i32(place.address);
    else f.get(arena).i32(place.address).op("i32.add");
  };
  const pushScratch = () => {
    pushPlace(scratch.place);
    if (threads > 1 && scratch.bytesPerThread > 0) {
      f.get(thread).i32(scratch.bytesPerThread).op("i32.mul").op("i32.add");
    }
  };
  const call = (begin: number | Local, end: number | Local) => {
    for (const place of places) pushPlace(place);
    f.push(begin).push(end);
    pushScratch();
    f.call(index);
  };
  if (kernel.keepsScratch === true) {
    pushScratch();
    f.i32(nothingKept).memory("i32.store");
  }
  if (threads === 1) {
    call(0, kernel.items);
    return;
  }
  const { items } = kernel;
  const { dealt, part } =
    sinceBarrier < control.claims ? dealItems(items, threads) : { dealt: items, part: 0 };
  const [begin, end] = f.locals("i32", 2) as [Local, Local];
  const share = (offset: number) => {
    f.get(thread);
    if (offset !== 0) f.i32(offset).op("i32.add");
    f.i32(dealt).op("i32.mul").i32(threads).op("i32.div_u");
  };
  share(0);
  f.set(begin);
  share(1);
  f.tee(end).get(begin).op("i32.gt_s");
  f.if(() => call(begin, end));
  if (part > 0) {
    f.block((done) => {
      f.loop((again) => {
        f.i32(control.claimed + 4 * sinceBarrier)
          .i32(part)
          .memory("i32.atomic.rmw.add");
        f.i32(dealt).op("i32.add").tee(begin).i32(items).op("i32.ge_s").branchIf(done);
        f.get(begin).i32(part).op("i32.add").i32(items);
        f.get(begin)
          .i32(items - part)
          .op("i32.lt_s")
          .op("select")
          .set(end);
        call(begin, end);
        f.branch(again);
      });
    });
  }
  f.release(begin, end);
}

/** Indices of the launches before which all threads must meet. */
function barrierPositions(launches: readonly PlacedLaunch[]): Set<number> {
  const positions = new Set<number>();
  let written: Place[] = [];
  let read: Place[] = [];
  launches.forEach((launch, i) => {
    const writes = launch.places.filter((_, j) => launch.writes.includes(j));
    const reads = launch.places.filter((_, j) => !launch.writes.includes(j));
    const conflict =
      writes.some((place) => touches(place, written) || touches(place, read)) ||
      reads.some((place) => touches(place, written));
    if (conflict) {
      positions.add(i);
      written = [];
      read = [];
    }
    written.push(...writes);
    read.push(...reads);
  });
  return positions;
}

function touches(place: Place, others: readonly Place[]): boolean {
  return others.some(
    (other) =>
      other.kind === place.kind &&
      !areSeparate(place.part, other.part) &&
      other.address < place.address + place.bytes &&
      place.address < other.address + other.bytes,
  );
}

function areSeparate(a: Place["part"], b: Place["part"]): boolean {
  return a !== undefined && b !== undefined && a.whole === b.whole && a.first !== b.first;
}

/**
 * A barrier that can be used over and over: the last thread to arrive resets the count and what was claimed,
 * advances the generation and wakes the others, who look at it for a while and then sleep.
 */
function emitBarrier(builder: ModuleBuilder, threads: number): number {
  return builder.function([], [], (f) => {
    if (threads === 1) return;
    const generation = f.local("i32");
    const rounds = f.local("i32");
    f.i32(control.barrierGeneration).memory("i32.atomic.load").set(generation);
    f.i32(control.barrierCount)
      .i32(1)
      .memory("i32.atomic.rmw.add")
      .i32(threads - 1)
      .op("i32.eq");
    f.if(
      () => {
        f.i32(control.barrierCount).i32(0).memory("i32.atomic.store");
        for (let i = 0; i < control.claims; i += 4) {
          f.i32(control.claimed + 4 * i)
            .i32(0)
            .op("i32x4.splat")
            .memory("v128.store");
        }
        f.i32(control.barrierGeneration)
          .get(generation)
          .i32(1)
          .op("i32.add")
          .memory("i32.atomic.store");
        f.i32(control.barrierGeneration).i32(threads).memory("memory.atomic.notify").op("drop");
      },
      () => {
        f.i32(spinRounds).set(rounds);
        f.block((done) => {
          f.loop((again) => {
            f.i32(control.barrierGeneration).memory("i32.atomic.load").get(generation);
            f.op("i32.ne").branchIf(done);
            f.get(rounds).i32(1).op("i32.sub").tee(rounds).branchIf(again);
          });
          f.loop((again) => {
            f.i32(control.barrierGeneration).get(generation).i64(1_000_000);
            f.memory("memory.atomic.wait32").op("drop");
            f.i32(control.barrierGeneration).memory("i32.atomic.load").get(generation);
            f.op("i32.eq").branchIf(again);
          });
        });
      },
    );
  });
}
