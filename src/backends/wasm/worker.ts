/** What the pool tells a worker. */
export type Order =
  | {
      readonly kind: "start";
      readonly memory: WebAssembly.Memory | WebAssembly.MemoryDescriptor;
      readonly thread: number;
    }
  | { readonly kind: "load"; readonly program: number; readonly module: WebAssembly.Module }
  | { readonly kind: "serve"; readonly seen: number }
  | {
      readonly kind: "profile";
      readonly program: number;
      readonly arena: number;
      readonly launches: number;
      readonly rounds: number;
    }
  | {
      readonly kind: "run";
      readonly program: number;
      readonly stage: "prepare" | "step";
      readonly arena: number;
    }
  | { readonly kind: "write"; readonly address: number; readonly bytes: Uint8Array }
  | { readonly kind: "read"; readonly address: number; readonly length: number }
  | { readonly kind: "grow"; readonly pages: number };

/** What a worker answers. Orders are answered in order, except `serve`, which is answered once per run. */
export type Answer =
  | { readonly kind: "done" }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** For each launch the times of all rounds, in milliseconds. */
  | { readonly kind: "times"; readonly times: readonly (readonly number[])[] }
  | { readonly kind: "failed"; readonly message: string };

/** The two ends of a worker's message channel, the same in Node and in a browser. */
export interface WorkerPort {
  post(answer: Answer): void;
  listen(handler: (order: Order) => void): void;
}

/**
 * The program of a worker thread. It is turned into text and started from there, so that no bundler has to
 * know about a second file, and the same text runs in Node, on pages and in pages opened from disk:
 * hence it must not refer to anything outside itself.
 *
 * With shared memory, `serve` waits on the command word (see `control` in linker.ts) and runs programs as they are
 * commanded, until a negative program sends it back to its messages. Without shared memory the one
 * worker owns the memory, and everything goes by messages.
 */
export function workerMain(port: WorkerPort): void {
  const commandWord = 32;
  const programWord = 33;
  const stageWord = 34;
  const arenaWord = 35;
  /**
   * How long a thread looks for the next command before it sleeps, in milliseconds: the time in which a loop of short
   * steps gives it. A thread that sleeps is woken late, and often on the core where another one runs. Thread 0 sleeps at once: it
   * has just told the caller, who needs a core to go on.
   */
  const patienceMs = 0.2;
  type Step = (thread: number, arena: number) => void;
  const programs: Record<string, Step>[] = [];
  let memory: WebAssembly.Memory | undefined;
  let thread = 0;
  const bytesAt = (address: number, length: number) =>
    new Uint8Array(memory!.buffer, address, length);

  const serve = (seen: number): void => {
    const words = new Int32Array(memory!.buffer, 0, 64);
    let last = seen;
    for (;;) {
      const sleepAt = performance.now() + (thread === 0 ? 0 : patienceMs);
      while (Atomics.load(words, commandWord) === last && performance.now() < sleepAt);
      Atomics.wait(words, commandWord, last);
      const now = Atomics.load(words, commandWord);
      if (now === last) continue;
      last = now;
      const index = Atomics.load(words, programWord);
      if (index < 0) return;
      const stage = Atomics.load(words, stageWord) === 0 ? "prepare" : "step";
      programs[index]![stage]!(thread, Atomics.load(words, arenaWord));
      if (thread === 0) port.post({ kind: "done" });
    }
  };

  const obey = (order: Order): void => {
    switch (order.kind) {
      case "start":
        memory =
          order.memory instanceof WebAssembly.Memory
            ? order.memory
            : new WebAssembly.Memory(order.memory);
        thread = order.thread;
        break;
      case "load": {
        const instance = new WebAssembly.Instance(order.module, { env: { memory: memory! } });
        programs[order.program] = instance.exports as Record<string, Step>;
        break;
      }
      case "serve":
        serve(order.seen);
        return;
      case "run":
        programs[order.program]![order.stage]!(0, order.arena);
        break;
      case "profile": {
        const exports = programs[order.program]!;
        const times: number[][] = Array.from({ length: order.launches }, () => []);
        for (let round = 0; round < order.rounds; round++) {
          for (let i = 0; i < order.launches; i++) {
            const begin = performance.now();
            exports[`launch${i}`]!(thread, order.arena);
            times[i]!.push(performance.now() - begin);
          }
        }
        port.post({ kind: "times", times });
        return;
      }
      case "write":
        bytesAt(order.address, order.bytes.length).set(order.bytes);
        break;
      case "read":
        port.post({ kind: "bytes", bytes: bytesAt(order.address, order.length).slice() });
        return;
      case "grow":
        memory!.grow(order.pages);
        break;
    }
    port.post({ kind: "done" });
  };

  port.listen((order) => {
    try {
      obey(order);
    } catch (error) {
      port.post({ kind: "failed", message: String(error) });
    }
  });
}

/** A worker as the pool sees it. */
export interface WorkerHandle {
  post(order: Order): void;
  /** Called with every answer. */
  onAnswer: (answer: Answer) => void;
  /** Called when the worker itself breaks. */
  onFailure: (error: Error) => void;
  /** Whether the worker keeps the process alive; only runs should. */
  holdProcess(hold: boolean): void;
  terminate(): void;
}
