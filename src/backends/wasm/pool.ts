import { DeviceError } from "../../core/errors.ts";
import type { MemoryLimits } from "./assembler.ts";
import { control } from "./linker.ts";
import type { Answer, Order, WorkerHandle } from "./worker.ts";

/** Bytes of a page of WebAssembly memory. */
export const pageBytes = 65536;

/**
 * The threads of a session and their memory. Calls must follow one another: each waits for the one before.
 * After a failure nothing works any more, since threads may hang at a barrier.
 */
export interface Pool {
  readonly threads: number;
  /** Makes memory at least this large. */
  grow(bytes: number): Promise<void>;
  load(program: number, module: WebAssembly.Module): Promise<void>;
  run(program: number, stage: "prepare" | "step", arena: number): Promise<void>;
  /** Times of each launch of a step in each round, in milliseconds. */
  profile(
    program: number,
    arena: number,
    launches: number,
    rounds: number,
  ): Promise<readonly (readonly number[])[]>;
  /**
   * Lets `fill` write numbers at an address: straight into shared memory, or into a copy that is sent.
   */
  write(
    address: number,
    bytes: number,
    fill: (target: ArrayBufferLike, offset: number) => void,
  ): Promise<void>;
  /** Hands the bytes at an address to `use`, which must copy what it keeps. */
  read<T>(
    address: number,
    bytes: number,
    use: (source: ArrayBufferLike, offset: number) => T,
  ): Promise<T>;
  /** Whether the process must stay alive for what is under way. */
  hold(hold: boolean): void;
  close(): void;
}

/** One worker and the answers it still owes. */
class Crew {
  readonly handle: WorkerHandle;
  readonly #waiting: { resolve(answer: Answer): void; reject(error: Error): void }[] = [];
  #broken: Error | undefined;

  constructor(handle: WorkerHandle, onBroken: (error: Error) => void) {
    this.handle = handle;
    handle.onAnswer = (answer) => {
      if (answer.kind === "failed") {
        onBroken(new DeviceError(`wasm: a worker failed: ${answer.message}`));
        return;
      }
      this.#waiting.shift()?.resolve(answer);
    };
    handle.onFailure = (error) =>
      onBroken(new DeviceError(`wasm: a worker broke: ${error.message}`));
  }

  /** Rejects everything that is waited for, now and later. */
  fail(error: Error): void {
    this.#broken ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  /** The next answer of the worker. */
  answer(): Promise<Answer> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  ask(order: Order): Promise<Answer> {
    const answer = this.answer();
    this.handle.post(order);
    return answer;
  }
}

/** Threads over one shared memory, woken by a futex. */
export function sharedPool(start: () => WorkerHandle, threads: number, limits: MemoryLimits): Pool {
  const memory = new WebAssembly.Memory(limits);
  const crews: Crew[] = [];
  const breakAll = (error: Error) => {
    for (const crew of crews) crew.fail(error);
  };
  for (let thread = 0; thread < threads; thread++) crews.push(new Crew(start(), breakAll));
  // Threads start while the first program is made; loading it waits for them, and hears why one did not start.
  const started = Promise.all(
    crews.map((crew, thread) => crew.ask({ kind: "start", memory, thread })),
  );
  started.catch(() => {});
  const words = () => new Int32Array(memory.buffer, 0, control.bytes / 4);
  let serving = false;
  const command = (program: number, stage: number, arena: number): number => {
    const w = words();
    Atomics.store(w, control.program / 4, program);
    Atomics.store(w, control.stage / 4, stage);
    Atomics.store(w, control.arena / 4, arena | 0);
    const number = Atomics.add(w, control.command / 4, 1) + 1;
    Atomics.notify(w, control.command / 4);
    return number;
  };
  const recall = () => {
    if (serving) command(-1, 0, 0);
    serving = false;
  };
  return {
    threads,
    async grow(bytes) {
      const missing = Math.ceil((bytes - memory.buffer.byteLength) / pageBytes);
      if (missing > 0) growMemory(memory, missing, bytes, limits);
    },
    async load(program, module) {
      await started;
      recall();
      await Promise.all(crews.map((crew) => crew.ask({ kind: "load", program, module })));
    },
    async run(program, stage, arena) {
      if (!serving) {
        const seen = Atomics.load(words(), control.command / 4);
        for (const crew of crews) crew.handle.post({ kind: "serve", seen });
        serving = true;
      }
      const done = crews[0]!.answer();
      command(program, stage === "prepare" ? 0 : 1, arena);
      await done;
    },
    async profile(program, arena, launches, rounds) {
      recall();
      const order = { kind: "profile", program, arena, launches, rounds } as const;
      const all = (await Promise.all(crews.map((crew) => crew.ask(order)))).map(timesOf);
      // A thread that comes late sees a short time: what the others had done by then. The longest is the launch's.
      return all[0]!.map((own, launch) =>
        own.map((_, round) => Math.max(...all.map((times) => times[launch]![round]!))),
      );
    },
    async write(address, _bytes, fill) {
      fill(memory.buffer, address);
    },
    async read(address, _bytes, use) {
      return use(memory.buffer, address);
    },
    hold: (hold) => crews[0]!.handle.holdProcess(hold),
    close() {
      breakAll(new DeviceError("wasm: the session was closed."));
      for (const crew of crews) crew.handle.terminate();
    },
  };
}

function growMemory(
  memory: WebAssembly.Memory,
  pages: number,
  bytes: number,
  limits: MemoryLimits,
): void {
  try {
    memory.grow(pages);
  } catch {
    throw new DeviceError(
      `wasm: ${Math.ceil(bytes / 2 ** 20)} MiB of memory are needed; the limit is ${limits.maximum / 16} MiB here, or the machine has no more. Use a smaller batch or input.`,
    );
  }
}

function timesOf(answer: Answer): readonly (readonly number[])[] {
  if (answer.kind !== "times") throw new DeviceError("wasm: the worker answered out of order.");
  return answer.times;
}

/** One worker that owns the memory; everything is sent to it. */
export async function messagePool(start: () => WorkerHandle, limits: MemoryLimits): Promise<Pool> {
  const crew: Crew = new Crew(start(), (error) => crew.fail(error));
  const { initial, maximum } = limits;
  await crew.ask({ kind: "start", memory: { initial, maximum }, thread: 0 });
  let pages = initial;
  return {
    threads: 1,
    async grow(bytes) {
      const missing = Math.ceil(bytes / pageBytes) - pages;
      if (missing <= 0) return;
      await crew.ask({ kind: "grow", pages: missing });
      pages += missing;
    },
    async load(program, module) {
      await crew.ask({ kind: "load", program, module });
    },
    async run(program, stage, arena) {
      await crew.ask({ kind: "run", program, stage, arena });
    },
    async profile(program, arena, launches, rounds) {
      return timesOf(await crew.ask({ kind: "profile", program, arena, launches, rounds }));
    },
    async write(address, length, fill) {
      const bytes = new Uint8Array(length);
      fill(bytes.buffer, 0);
      await crew.ask({ kind: "write", address, bytes });
    },
    async read(address, length, use) {
      const answer = await crew.ask({ kind: "read", address, length });
      if (answer.kind !== "bytes") throw new DeviceError("wasm: the worker answered out of order.");
      return use(answer.bytes.buffer, answer.bytes.byteOffset);
    },
    hold: (hold) => crew.handle.holdProcess(hold),
    close() {
      crew.fail(new DeviceError("wasm: the session was closed."));
      crew.handle.terminate();
    },
  };
}
