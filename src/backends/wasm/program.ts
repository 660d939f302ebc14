import { elementBytes } from "../../core/dtype.ts";
import { GraphError } from "../../core/errors.ts";
import { elementCount } from "../../core/shape.ts";
import type { Graph, Node, TensorType } from "../../graph/graph.ts";
import type { ConstantAttributes, InputAttributes, StateAttributes } from "../../graph/ops/leaf.ts";
import type { CompileOptions } from "../../plan/backend.ts";
import { align, type Lifetime, planArena } from "../../plan/memory.ts";
import type { MemoryLimits } from "./assembler.ts";
import type { Join } from "./joins.ts";
import type { KernelPlan } from "./kernelPlan.ts";
import { type LinkedProgram, link, type Place, type PlacedLaunch } from "./linker.ts";
import { copyPlan } from "./lowering.ts";
import {
  type EngineSettings,
  lastingValues,
  type Operation,
  planOperations,
} from "./operations.ts";
import { peakKernel } from "./peak.ts";

/** Where a program reads its feeds or leaves its fetches. */
export interface Port {
  readonly name: string;
  readonly type: TensorType;
  readonly place: Place;
}

/** A graph turned into a module, with everything that a session needs to run it. */
export interface CompiledGraph {
  readonly linked: LinkedProgram;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** Numbers to be written before the first run. */
  readonly constants: readonly { readonly place: Place; readonly data: ConstantAttributes }[];
  /** States that the results of the `prepare` stage depend on; empty where there is nothing to prepare. */
  readonly prepares: readonly string[];
  /** States that a run changes. */
  readonly updates: readonly string[];
  readonly arenaBytes: number;
  readonly launches: {
    readonly prepare: readonly PlacedLaunch[];
    readonly step: readonly PlacedLaunch[];
    /** What a profile times one by one: the step's launches and, last, {@link peakKernel}. Empty without profile. */
    readonly profiled: readonly PlacedLaunch[];
  };
}

/** What compilation asks of the session that owns the memory. */
export interface Memory {
  /** Address of a state, reserved at the first call. */
  state(attributes: StateAttributes): number;
  /** Address of new permanent memory. */
  reserve(bytes: number): number;
  readonly limits: MemoryLimits;
}

interface BufferInfo {
  readonly bytes: number;
  /** Set for permanent memory. */
  readonly address: number | undefined;
  /** Set for some channels of another buffer: its number, and the first channel. */
  readonly part?: { readonly whole: number; readonly first: number };
  first: number;
  last: number;
}

interface PlannedCall {
  readonly kernel: PlacedLaunch["kernel"];
  readonly buffers: readonly number[];
  readonly writes: readonly number[];
  readonly label: string;
}

/** Bytes behind every buffer that kernels may read, never use: whole vectors at the end of a tensor. */
const slackBytes = 64;

/**
 * Turns a graph of primitive operations into launches on placed buffers and links them.
 *
 * What depends only on constants and on states that this graph does not update goes to the `prepare` stage, which
 * runs when those states have changed; its results are permanent. The rest is the `step` stage in one
 * arena. Time runs through the launches of both stages, so that the arena serves both. A `lean` program prepares nothing
 * from states.
 */
export function compileGraph(
  graph: Graph,
  memory: Memory,
  settings: EngineSettings,
  { profile = false, lean = false }: CompileOptions = {},
): CompiledGraph {
  return new Compilation(graph, memory, settings, lean).result(profile);
}

class Compilation {
  readonly #graph: Graph;
  readonly #memory: Memory;
  readonly #settings: EngineSettings;
  readonly #operations: readonly Operation[];
  /** For each value, the value in whose buffer it lies: itself, or what it is another view of. */
  readonly #owner: number[];
  /** For each owner, the index of the last operation that reads it or a view of it; infinite for results. */
  readonly #lastRead: number[];
  readonly #buffers: BufferInfo[] = [];
  /** Buffer of each owner. */
  readonly #home = new Map<number, number>();
  readonly #prepared: ReadonlySet<number>;
  readonly #prepare: PlannedCall[] = [];
  readonly #step: PlannedCall[] = [];
  readonly #stateNames = new Map<number, string>();
  /** The state that each value will replace. */
  readonly #replaces: ReadonlyMap<number, number>;
  readonly #updatedStates: ReadonlySet<number>;
  readonly #constants: { buffer: number; data: ConstantAttributes }[] = [];
  readonly #outputs: { name: string; value: number; buffer: number }[] = [];

  constructor(graph: Graph, memory: Memory, settings: EngineSettings, lean: boolean) {
    this.#graph = graph;
    this.#memory = memory;
    this.#settings = settings;
    this.#replaces = new Map(graph.updates.map(({ state, value }) => [value, state]));
    this.#updatedStates = new Set(graph.updates.map(({ state }) => state));
    this.#prepared = lastingValues(graph, !lean);
    this.#operations = planOperations(graph, settings, this.#prepared);
    this.#owner = graph.values.map((_, id) => id);
    for (const { plan, inputs, outputs } of this.#operations) {
      if (plan === "alias") this.#owner[outputs[0]!] = this.#owner[inputs[0]!]!;
    }
    this.#lastRead = new Array<number>(graph.values.length).fill(-1);
    this.#operations.forEach(({ inputs }, index) => {
      for (const id of inputs) this.#lastRead[this.#owner[id]!] = index;
    });
    for (const { value } of [...graph.outputs, ...graph.updates]) {
      this.#lastRead[this.#owner[value]!] = Number.POSITIVE_INFINITY;
    }
  }

  result(profile: boolean): CompiledGraph {
    this.#operations.forEach((operation, index) => {
      this.#lower(operation, index);
    });
    this.#fetchOutputs();
    this.#applyUpdates();
    return this.#finish(profile);
  }

  #type(value: number): TensorType {
    return this.#graph.values[value]!;
  }

  #bytes(value: number): number {
    return elementCount(this.#type(value).shape) * elementBytes + slackBytes;
  }

  #buffer(value: number): number {
    return this.#home.get(this.#owner[value]!)!;
  }

  #newBuffer(bytes: number, address?: number): number {
    return this.#buffers.push({ bytes, address, first: Number.POSITIVE_INFINITY, last: -1 }) - 1;
  }

  #permanent(bytes: number): number {
    return this.#newBuffer(bytes, this.#memory.reserve(bytes));
  }

  #lower(operation: Operation, index: number): void {
    const { node, inputs, outputs, plan } = operation;
    if (plan === "leaf") {
      this.#leaf(node, outputs[0]!);
      return;
    }
    const early = outputs.every((id) => this.#prepared.has(id));
    if (plan === "alias") return;
    for (const id of outputs) {
      // What is joined in place was given its memory with the first of its parts.
      if (this.#home.has(id)) continue;
      const buffer = early
        ? this.#permanent(this.#bytes(id))
        : this.#outputBuffer(operation, id, index);
      this.#home.set(id, buffer);
    }
    this.#plan(
      plan,
      inputs.map((id) => this.#buffer(id)),
      outputs.map((id) => this.#buffer(id)),
      node.name === "" ? node.op : `${node.op} ${node.name}`,
      early ? this.#prepare : this.#step,
      inputs.map((id) => this.#prepared.has(id)),
    );
  }

  #leaf(node: Node, value: number): void {
    const bytes = this.#bytes(value);
    if (node.op === "state") {
      const attributes = node.attributes as StateAttributes;
      this.#stateNames.set(value, attributes.name);
      this.#home.set(value, this.#newBuffer(bytes, this.#memory.state(attributes)));
    } else if (node.op === "constant") {
      const buffer = this.#permanent(bytes);
      this.#home.set(value, buffer);
      this.#constants.push({ buffer, data: node.attributes as ConstantAttributes });
    } else {
      this.#home.set(value, this.#newBuffer(bytes));
    }
  }

  /**
   * The buffer for an output: the state it will replace, where nothing reads the old contents afterwards; an
   * input, where the operation goes element by element and the input dies here; else a new one.
   */
  #outputBuffer(operation: Operation, value: number, index: number): number {
    if (operation.join !== undefined) return this.#partBuffer(operation.join, value);
    const taken = new Set(operation.outputs.map((id) => this.#home.get(id)));
    const state = this.#replaces.get(value);
    if (state !== undefined && this.#mayReplace(operation, state, index)) {
      const buffer = this.#buffer(state);
      if (!taken.has(buffer)) return buffer;
    }
    if (operation.elementwise) {
      for (const id of operation.inputs) {
        const buffer = this.#buffer(id);
        const inArena = this.#buffers[buffer]!.address === undefined;
        if (inArena && !taken.has(buffer) && this.#mayReplace(operation, id, index)) return buffer;
      }
    }
    return this.#newBuffer(this.#bytes(value));
  }

  /** A part of the buffer of a joined value, which is made with the first of its parts. */
  #partBuffer({ whole, first }: Join, value: number): number {
    let buffer = this.#home.get(whole);
    if (buffer === undefined) {
      buffer = this.#newBuffer(this.#bytes(whole));
      this.#home.set(whole, buffer);
    }
    const bytes = this.#bytes(value);
    const times = { first: Number.POSITIVE_INFINITY, last: -1 };
    return (
      this.#buffers.push({ bytes, address: undefined, part: { whole: buffer, first }, ...times }) -
      1
    );
  }

  /** Whether an output of operation number `index` may lie where `old` lies: not read later, and now at the same places only. */
  #mayReplace(operation: Operation, old: number, index: number): boolean {
    const owner = this.#owner[old]!;
    if (this.#lastRead[owner]! > index) return false;
    const readers = operation.inputs.filter((id) => this.#owner[id] === owner);
    if (readers.length === 0) return true;
    const shape = this.#type(operation.outputs[0]!).shape.join();
    return operation.elementwise && readers.every((id) => this.#type(id).shape.join() === shape);
  }

  /** An output that shows a state which this graph updates is copied, for it must show the old numbers. */
  #fetchOutputs(): void {
    for (const { name, value } of this.#graph.outputs) {
      let buffer = this.#buffer(value);
      if (this.#updatedStates.has(this.#owner[value]!)) {
        const copy = this.#newBuffer(this.#bytes(value));
        this.#plan(copyPlan(this.#type(value)), [buffer], [copy], `output ${name}`, this.#step);
        buffer = copy;
      }
      this.#outputs.push({ name, value, buffer });
    }
  }

  /** Copies new contents into states that could not be written in place, after every read. */
  #applyUpdates(): void {
    const pending = this.#graph.updates
      .map(({ state, value }) => ({ value, from: this.#buffer(value), to: this.#buffer(state) }))
      .filter(({ from, to }) => from !== to)
      .map(({ value, from, to }) => {
        if (!this.#updatedStates.has(this.#owner[value]!)) return { value, from, to };
        const old = this.#newBuffer(this.#bytes(value));
        this.#plan(copyPlan(this.#type(value)), [from], [old], "update", this.#step);
        return { value, from: old, to };
      });
    for (const { value, from, to } of pending) {
      this.#plan(copyPlan(this.#type(value)), [from], [to], "update", this.#step);
    }
  }

  #plan(
    plan: KernelPlan,
    inputs: readonly number[],
    outputs: readonly number[],
    label: string,
    stage: PlannedCall[],
    preparedInputs: readonly boolean[] = [],
  ): void {
    const temporaries = new Map<string, number>();
    const early = new Set(
      plan.calls
        .filter((call) => isPreparation(call, preparedInputs))
        .flatMap((call) => call.writes.map((i) => call.buffers[i]!)),
    );
    for (const { name, bytes } of plan.temporaries) {
      const size = bytes + slackBytes;
      const lasting = stage === this.#step && early.has(name);
      temporaries.set(name, lasting ? this.#permanent(size) : this.#newBuffer(size));
    }
    for (const call of plan.calls) {
      const buffers = call.buffers.map((name) => {
        const operand = /^(input|output)(\d+)$/.exec(name);
        const buffer =
          operand === null
            ? temporaries.get(name)
            : (operand[1] === "input" ? inputs : outputs)[Number(operand[2])];
        if (buffer === undefined) {
          throw new GraphError(
            `wasm: ${label}: the plan names a buffer "${name}" that is not there.`,
          );
        }
        return buffer;
      });
      const target = isPreparation(call, preparedInputs) ? this.#prepare : stage;
      target.push({ kernel: call.kernel, buffers, writes: call.writes, label });
    }
  }

  #finish(profile: boolean): CompiledGraph {
    const graph = this.#graph;
    const { threads, features } = this.#settings;
    const calls = [...this.#prepare, ...this.#step];
    calls.forEach((call, time) => {
      for (const buffer of call.buffers) this.#touch(buffer, time);
    });
    const stepBegins = this.#prepare.length;
    const end = calls.length;
    for (const node of graph.nodes) {
      if (node.op === "input") this.#touch(this.#buffer(node.outputs[0]!), stepBegins);
    }
    for (const { buffer } of this.#outputs) this.#touch(buffer, end);
    const peak = { kernel: peakKernel(threads), buffers: [], writes: [], label: "peak" };
    const profiled: readonly PlannedCall[] = profile ? [...this.#step, peak] : [];
    const scratchBytes = align(
      Math.max(0, ...[...calls, ...profiled].map(({ kernel }) => kernel.scratchBytes ?? 0)),
    );
    const scratch = this.#newBuffer(scratchBytes * threads + slackBytes);
    this.#touch(scratch, 0);
    this.#touch(scratch, end);

    const inArena = this.#buffers.flatMap((info, i) =>
      info.address === undefined && info.part === undefined && info.last >= 0 ? [i] : [],
    );
    const lifetimes = inArena.map((i): Lifetime => this.#buffers[i]!);
    const arena = planArena(lifetimes);
    const offsets = new Map(inArena.map((buffer, i) => [buffer, arena.offsets[i]!]));
    const placeOf = (buffer: number): Place => {
      const { address, bytes, part } = this.#buffers[buffer]!;
      if (part !== undefined) {
        const whole = placeOf(part.whole);
        const offset = part.first * elementBytes;
        return {
          kind: whole.kind,
          address: whole.address + offset,
          bytes: whole.bytes - offset,
          part: { ...part, bytes },
        };
      }
      return address === undefined
        ? { kind: "arena", address: offsets.get(buffer) ?? 0, bytes }
        : { kind: "fixed", address, bytes };
    };
    const placed = (call: PlannedCall): PlacedLaunch => ({
      kernel: call.kernel,
      places: call.buffers.map(placeOf),
      writes: call.writes,
      label: call.label,
    });
    const launches = {
      prepare: this.#prepare.map(placed),
      step: this.#step.map(placed),
      profiled: profiled.map(placed),
    };
    const linked = link(
      launches,
      { place: placeOf(scratch), bytesPerThread: scratchBytes },
      threads,
      features,
      this.#memory.limits,
    );
    const port = (name: string, value: number, buffer: number): Port => ({
      name,
      type: this.#type(value),
      place: placeOf(buffer),
    });
    const preparedStates = [...this.#stateNames].filter(([value]) => this.#prepared.has(value));
    return {
      linked,
      inputs: graph.nodes
        .filter((node) => node.op === "input")
        .map((node) => {
          const [value] = node.outputs as [number];
          return port((node.attributes as InputAttributes).name, value, this.#buffer(value));
        }),
      outputs: this.#outputs.map(({ name, value, buffer }) => port(name, value, buffer)),
      constants: this.#constants.map(({ buffer, data }) => ({ place: placeOf(buffer), data })),
      prepares: this.#prepare.length === 0 ? [] : preparedStates.map(([, name]) => name),
      updates: graph.updates.map(({ state }) => this.#stateNames.get(state)!),
      arenaBytes: arena.bytes,
      launches,
    };
  }

  #touch(buffer: number, time: number): void {
    const info = this.#buffers[buffer]!;
    if (info.part !== undefined) this.#touch(info.part.whole, time);
    info.first = Math.min(info.first, time);
    info.last = Math.max(info.last, time);
  }
}

/** A call that a plan marks as preparation, all of whose operands are known before the step. */
function isPreparation(
  call: KernelPlan["calls"][number],
  preparedInputs: readonly boolean[],
): boolean {
  if (call.preparation !== true) return false;
  return call.buffers.every((name) => {
    const operand = /^input(\d+)$/.exec(name);
    return operand === null || preparedInputs[Number(operand[1])] === true;
  });
}
