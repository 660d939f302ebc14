import { elementBytes, type TensorData } from "../../core/dtype.ts";
import { DeviceError, ShapeError } from "../../core/errors.ts";
import { elementCount, formatShape } from "../../core/shape.ts";
import type { Graph } from "../../graph/graph.ts";
import type { StateAttributes } from "../../graph/ops/leaf.ts";
import { optimize } from "../../graph/passes/index.ts";
import type {
  CompileOptions,
  Feeds,
  Fetches,
  MemoryReport,
  Program,
  Session,
  StepProfile,
} from "../../plan/backend.ts";
import { checkedFeed } from "../../plan/checkedFeed.ts";
import { align } from "../../plan/memory.ts";
import { scheduleNodes } from "../../plan/schedule.ts";
import type { MemoryLimits } from "./assembler.ts";
import { toLogical, toPhysical } from "./layout.ts";
import { control } from "./linker.ts";
import type { EngineSettings } from "./operations.ts";
import { type Pool, pageBytes } from "./pool.ts";
import { type CompiledGraph, compileGraph, type Port } from "./program.ts";

interface State {
  readonly attributes: StateAttributes;
  readonly address: number;
  /** Counts changes, so that programs know when to prepare anew; 0 while it is as it was made. */
  version: number;
}

/** A region of the arena's own, replaced by a larger one when a program needs it. */
interface Arena {
  base: number;
  bytes: number;
}

/**
 * One engine: threads, one memory with permanent places for states, constants and packed weights, and one
 * arena that all programs use in turn.
 */
export class WasmSession implements Session {
  readonly #pool: Pool;
  readonly #settings: EngineSettings;
  readonly #limits: MemoryLimits;
  readonly #states = new Map<string, State>();
  readonly #arena: Arena = { base: 0, bytes: 0 };
  /** First byte that nothing has been given yet. */
  #top: number = control.bytes;
  #programs = 0;
  #queue: Promise<unknown> = Promise.resolve();
  /** Calls that are under way or wait. */
  #pending = 0;
  #closed = false;

  constructor(pool: Pool, settings: EngineSettings, limits: MemoryLimits) {
    this.#pool = pool;
    this.#settings = settings;
    this.#limits = limits;
  }

  get states(): readonly string[] {
    return [...this.#states.keys()];
  }

  compile(source: Graph, options: CompileOptions = {}): Promise<Program> {
    return this.#exclusive(async () => {
      const graph = scheduleNodes(optimize(source));
      const fresh: State[] = [];
      let keptBytes = 0;
      const compiled = compileGraph(
        graph,
        {
          state: (attributes) => this.#declare(attributes, fresh),
          reserve: (bytes) => {
            keptBytes += permanentBytes(bytes);
            return this.#reserve(bytes);
          },
          limits: this.#limits,
        },
        this.#settings,
        options,
      );
      if (compiled.arenaBytes > this.#arena.bytes) {
        this.#arena.base = this.#reserve(compiled.arenaBytes);
        this.#arena.bytes = compiled.arenaBytes;
      }
      // New memory is zero, and so are most states: the others get their first contents.
      await this.#pool.grow(this.#top);
      for (const state of fresh) if (state.attributes.initial !== 0) await this.#fill(state);
      for (const { place, data } of compiled.constants) {
        const typed =
          data.dtype === "int32" ? Int32Array.from(data.data) : Float32Array.from(data.data);
        await this.#put(place.address, data.shape, typed);
      }
      const index = this.#programs++;
      const module = await WebAssembly.compile(compiled.linked.bytes);
      await this.#pool.load(index, module);
      const memory = {
        stateBytes: this.#stateBytes(),
        keptBytes,
        arenaBytes: compiled.arenaBytes,
      };
      return this.#program(graph, compiled, index, memory, options);
    });
  }

  measure(source: Graph, options: CompileOptions = {}): Promise<MemoryReport> {
    return this.#exclusive(async () => {
      const fresh = new Map<string, StateAttributes>();
      let keptBytes = 0;
      const memory = {
        state: (attributes: StateAttributes): number => {
          if (!this.#states.has(attributes.name)) fresh.set(attributes.name, attributes);
          return 0;
        },
        reserve: (bytes: number): number => {
          keptBytes += permanentBytes(bytes);
          return 0;
        },
        limits: this.#limits,
      };
      const graph = scheduleNodes(optimize(source));
      const { arenaBytes } = compileGraph(graph, memory, this.#settings, options);
      return { stateBytes: this.#stateBytes([...fresh.values()]), keptBytes, arenaBytes };
    });
  }

  get memoryLimitBytes(): number {
    return this.#limits.maximum * pageBytes - control.bytes;
  }

  read(name: string): Promise<TensorData> {
    return this.#exclusive(async () => {
      const { attributes, address } = this.#state(name);
      return this.#take(address, attributes);
    });
  }

  write(name: string, data: TensorData): Promise<void> {
    return this.#exclusive(async () => {
      const state = this.#state(name);
      const { shape, dtype } = state.attributes;
      if (data.length !== elementCount(shape)) {
        throw new ShapeError(
          `state "${name}" has shape ${formatShape(shape)}, ${elementCount(shape)} elements; ${data.length} were given.`,
        );
      }
      const typed =
        dtype === "int32"
          ? data instanceof Int32Array
            ? data
            : Int32Array.from(data)
          : data instanceof Float32Array
            ? data
            : Float32Array.from(data);
      await this.#put(state.address, shape, typed);
      state.version++;
    });
  }

  reset(name: string): Promise<void> {
    return this.#exclusive(async () => {
      const state = this.#state(name);
      if (state.version === 0) return;
      await this.#fill(state);
      state.version++;
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#queue.catch(() => {});
    this.#pool.close();
  }

  #program(
    graph: Graph,
    compiled: CompiledGraph,
    index: number,
    memory: MemoryReport,
    { profile = false }: CompileOptions,
  ): Program {
    let prepared: string | undefined;
    const begin = async (feeds: Feeds): Promise<number> => {
      const base = this.#arena.base;
      if (compiled.launches.prepare.length > 0) {
        const versions = compiled.prepares.map((name) => this.#state(name).version).join();
        if (versions !== prepared) {
          await this.#pool.run(index, "prepare", base);
          prepared = versions;
        }
      }
      for (const port of compiled.inputs) await this.#feed(port, base, feeds);
      for (const name of compiled.updates) this.#state(name).version++;
      return base;
    };
    const run = async (feeds: Feeds): Promise<Fetches> => {
      const base = await begin(feeds);
      await this.#pool.run(index, "step", base);
      const fetches: Fetches = {};
      for (const { name, place, type } of compiled.outputs) {
        fetches[name] = await this.#take(addressOf(place, base), type);
      }
      return fetches;
    };
    const measure = async (feeds: Feeds, rounds: number): Promise<StepProfile> => {
      const base = await begin(feeds);
      const { profiled } = compiled.launches;
      const times = await this.#pool.profile(index, base, profiled.length, rounds);
      const all = profiled.map(({ label, kernel, places }, i) => ({
        label,
        kernel: kernel.key,
        timeMs: Math.min(...times[i]!),
        flops: kernel.flops ?? 0,
        bytes: places.reduce((sum, { bytes, part }) => sum + (part?.bytes ?? bytes), 0),
      }));
      const peak = all.at(-1)!;
      return { launches: all.slice(0, -1), peakGflops: peak.flops / peak.timeMs / 1e6 };
    };
    return {
      graph,
      memory,
      run: (feeds) => this.#exclusive(() => run(feeds)),
      ...(profile
        ? { profile: (feeds, rounds) => this.#exclusive(() => measure(feeds, rounds)) }
        : {}),
    };
  }

  async #feed({ name, type, place }: Port, base: number, feeds: Feeds): Promise<void> {
    const data = checkedFeed(name, type, feeds);
    const count = elementCount(type.shape);
    const address = addressOf(place, base);
    if (data instanceof Uint8Array) {
      // Bytes come as decoders give them, N, H, W, C: the order that images have here.
      await this.#pool.write(address, count * elementBytes, (target, offset) => {
        const view =
          type.dtype === "int32"
            ? new Int32Array(target, offset, count)
            : new Float32Array(target, offset, count);
        view.set(data);
      });
      return;
    }
    await this.#put(address, type.shape, data);
  }

  /** Runs `work` after everything that was asked before. */
  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) {
      return Promise.reject(new DeviceError("this session is closed; open a new one."));
    }
    this.#pending++;
    this.#pool.hold(true);
    const result = this.#queue.then(work).finally(() => {
      this.#pending--;
      if (this.#pending === 0) this.#pool.hold(false);
    });
    this.#queue = result.catch(() => {});
    return result;
  }

  #state(name: string): State {
    const state = this.#states.get(name);
    if (state === undefined) {
      throw new DeviceError(
        `no state "${name}" in this session; there are: ${this.states.join(", ")}.`,
      );
    }
    return state;
  }

  #declare(attributes: StateAttributes, fresh: State[]): number {
    const { name, shape } = attributes;
    const known = this.#states.get(name);
    if (known === undefined) {
      const address = this.#reserve(elementCount(shape) * elementBytes);
      const state = { attributes, address, version: 0 };
      this.#states.set(name, state);
      fresh.push(state);
      return address;
    }
    if (known.attributes.shape.join() !== shape.join()) {
      throw new ShapeError(
        `state "${name}" has shape ${formatShape(known.attributes.shape)} in this session and ${formatShape(shape)} in the new graph.`,
      );
    }
    return known.address;
  }

  async #fill({ attributes, address }: State): Promise<void> {
    const count = elementCount(attributes.shape);
    await this.#pool.write(address, count * elementBytes, (target, offset) => {
      const view =
        attributes.dtype === "int32"
          ? new Int32Array(target, offset, count)
          : new Float32Array(target, offset, count);
      view.fill(attributes.initial);
    });
  }

  /** Bytes of the states of this session, and of more. */
  #stateBytes(more: readonly StateAttributes[] = []): number {
    const known = [...this.#states.values()].map(({ attributes }) => attributes);
    return [...known, ...more].reduce(
      (sum, { shape }) => sum + permanentBytes(elementCount(shape) * elementBytes),
      0,
    );
  }

  /** Permanent memory. */
  #reserve(bytes: number): number {
    const address = align(this.#top);
    const top = address + permanentBytes(bytes);
    if (top > this.#limits.maximum * pageBytes) {
      throw new DeviceError(
        `wasm: ${Math.ceil(top / 2 ** 20)} MiB of memory are needed; the limit is ${this.#limits.maximum / 16} MiB. Use a smaller batch or input.`,
      );
    }
    this.#top = top;
    return address;
  }

  async #put(address: number, shape: readonly number[], data: TensorData): Promise<void> {
    await this.#pool.write(address, data.length * elementBytes, (target, offset) => {
      if (data instanceof Int32Array) {
        toPhysical(data, shape, new Int32Array(target, offset, data.length));
      } else toPhysical(data, shape, new Float32Array(target, offset, data.length));
    });
  }

  #take(
    address: number,
    type: { readonly shape: readonly number[]; readonly dtype: string },
  ): Promise<TensorData> {
    const count = elementCount(type.shape);
    return this.#pool.read(address, count * elementBytes, (source, offset): TensorData => {
      if (type.dtype === "int32") {
        const data = new Int32Array(count);
        toLogical(new Int32Array(source, offset, count), type.shape, data);
        return data;
      }
      const data = new Float32Array(count);
      toLogical(new Float32Array(source, offset, count), type.shape, data);
      return data;
    });
  }
}

/** Bytes that a permanent buffer takes: whole cache lines, with room behind for whole vectors. */
function permanentBytes(bytes: number): number {
  return align(bytes + 64);
}

function addressOf(place: Port["place"], base: number): number {
  return place.kind === "fixed" ? place.address : base + place.address;
}
