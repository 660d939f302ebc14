import type { TensorData } from "../../core/dtype.ts";
import { DeviceError, ShapeError } from "../../core/errors.ts";
import { elementCount, formatShape, type Shape } from "../../core/shape.ts";
import { type Graph, type Node, useCounts } from "../../graph/graph.ts";
import type { ConstantAttributes, InputAttributes, StateAttributes } from "../../graph/ops/leaf.ts";
import { lower } from "../../graph/passes/index.ts";
import { verify } from "../../graph/verify.ts";
import type {
  Backend,
  Feeds,
  Fetches,
  MemoryReport,
  Program,
  Session,
} from "../../plan/backend.ts";
import { checkedFeed } from "../../plan/checkedFeed.ts";
import { type ReferenceKernel, referenceKernels } from "./kernels/index.ts";
import type { Tensor } from "./tensor.ts";

interface State {
  tensor: Tensor;
  readonly dtype: "float32" | "int32";
  readonly initial: number;
}

/**
 * The backend that defines every operation: plain loops over float64, one node after the other, no fusion.
 * It is some thousand times slower than `wasm` and there to check it.
 */
export function reference(): Backend {
  return {
    name: "reference",
    winograd: false,
    description: "float64, one thread, plain loops: the definition of every operation",
    open: async () => new ReferenceSession(),
  };
}

class ReferenceSession implements Session {
  readonly #states = new Map<string, State>();
  #closed = false;

  get states(): readonly string[] {
    return [...this.#states.keys()];
  }

  async compile(source: Graph): Promise<Program> {
    this.#check();
    const graph = lower(source);
    verify(graph);
    for (const node of graph.nodes) {
      if (node.op === "state") this.#declare(node.attributes as StateAttributes);
    }
    return {
      graph,
      memory: memoryOf(graph),
      run: async (feeds) => {
        this.#check();
        return this.#run(graph, feeds);
      },
    };
  }

  async measure(graph: Graph): Promise<MemoryReport> {
    this.#check();
    return memoryOf(lower(graph));
  }

  get memoryLimitBytes(): number {
    return Number.POSITIVE_INFINITY;
  }

  async read(name: string): Promise<TensorData> {
    this.#check();
    return toTensorData(this.#state(name));
  }

  async write(name: string, data: TensorData): Promise<void> {
    this.#check();
    const state = this.#state(name);
    if (data.length !== state.tensor.data.length) {
      throw new ShapeError(
        `state "${name}" has shape ${formatShape(state.tensor.shape)}, ${state.tensor.data.length} elements; ${data.length} were given.`,
      );
    }
    state.tensor = { shape: state.tensor.shape, data: new Float64Array(data) };
  }

  async reset(name: string): Promise<void> {
    this.#check();
    const state = this.#state(name);
    const { shape, data } = state.tensor;
    state.tensor = { shape, data: new Float64Array(data.length).fill(state.initial) };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#states.clear();
  }

  #check(): void {
    if (this.#closed) throw new DeviceError("this session is closed; open a new one.");
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

  #declare({ name, shape, dtype, initial }: StateAttributes): void {
    const known = this.#states.get(name);
    if (known === undefined) {
      const data = new Float64Array(elementCount(shape)).fill(initial);
      this.#states.set(name, { tensor: { shape, data }, dtype, initial });
    } else if (known.tensor.shape.join() !== shape.join()) {
      throw new ShapeError(
        `state "${name}" has shape ${formatShape(known.tensor.shape)} in this session and ${formatShape(shape)} in the new graph.`,
      );
    }
  }

  #run(graph: Graph, feeds: Feeds): Fetches {
    const values = new Map<number, Tensor>();
    const uses = useCounts(graph);
    for (const node of graph.nodes) {
      const results = this.#compute(graph, node, values, feeds);
      node.outputs.forEach((id, i) => {
        values.set(id, results[i]!);
      });
      for (const id of node.inputs) if (--uses[id]! === 0) values.delete(id);
    }
    const fetches: Fetches = {};
    for (const { name, value } of graph.outputs) {
      fetches[name] = toTensorData({
        tensor: values.get(value)!,
        dtype: graph.values[value]!.dtype,
      });
    }
    const stateNames = new Map<number, string>();
    for (const node of graph.nodes) {
      if (node.op === "state")
        stateNames.set(node.outputs[0]!, (node.attributes as StateAttributes).name);
    }
    for (const { state, value } of graph.updates) {
      this.#state(stateNames.get(state)!).tensor = values.get(value)!;
    }
    return fetches;
  }

  #compute(
    graph: Graph,
    node: Node,
    values: ReadonlyMap<number, Tensor>,
    feeds: Feeds,
  ): readonly Tensor[] {
    if (node.op === "state") return [this.#state((node.attributes as StateAttributes).name).tensor];
    if (node.op === "constant") {
      const { data, shape } = node.attributes as ConstantAttributes;
      return [{ shape, data: new Float64Array(data) }];
    }
    if (node.op === "input") return [feed(node.attributes as InputAttributes, feeds)];
    const kernels: Readonly<Record<string, ReferenceKernel<never> | undefined>> = referenceKernels;
    const kernel = kernels[node.op];
    if (kernel === undefined) throw new DeviceError(`reference: no kernel for "${node.op}".`);
    return kernel(
      node.inputs.map((id) => values.get(id)!),
      node.attributes as never,
      node.outputs.map((id) => graph.values[id]!),
    );
  }
}

function feed(input: InputAttributes, feeds: Feeds): Tensor {
  const { name, shape } = input;
  const data = checkedFeed(name, input, feeds);
  if (data instanceof Uint8Array && shape.length === 4)
    return { shape, data: toPlanes(data, shape) };
  return { shape, data: new Float64Array(data) };
}

// Bytes come as decoders give them, N, H, W, C.
function toPlanes(data: Uint8Array, shape: Shape): Float64Array {
  const [n, c, h, w] = shape as [number, number, number, number];
  const planes = new Float64Array(data.length);
  let from = 0;
  for (let image = 0; image < n; image++) {
    for (let pixel = 0; pixel < h * w; pixel++) {
      for (let channel = 0; channel < c; channel++) {
        planes[(image * c + channel) * h * w + pixel] = data[from++]!;
      }
    }
  }
  return planes;
}

function toTensorData({ tensor, dtype }: Pick<State, "tensor" | "dtype">): TensorData {
  return dtype === "int32" ? new Int32Array(tensor.data) : new Float32Array(tensor.data);
}

function memoryOf(graph: Graph): MemoryReport {
  let stateBytes = 0;
  let keptBytes = 0;
  let arenaBytes = 0;
  for (const node of graph.nodes) {
    for (const id of node.outputs) {
      const bytes = elementCount(graph.values[id]!.shape) * 8;
      if (node.op === "state") stateBytes += bytes;
      else if (node.op === "constant") keptBytes += bytes;
      else arenaBytes += bytes;
    }
  }
  return { stateBytes, keptBytes, arenaBytes };
}
