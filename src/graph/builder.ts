import type { DType, TensorData } from "../core/dtype.ts";
import { GraphError, ShapeError } from "../core/errors.ts";
import { checkShape, elementCount, formatShape, type Shape } from "../core/shape.ts";
import type { Attributes, Graph, Node, TensorType } from "./graph.ts";
import type { Op } from "./op.ts";
import { constantOp, inputOp, stateOp } from "./ops/leaf.ts";

/** A tensor of a graph under construction: not numbers, but where they will come from. */
export class Value implements TensorType {
  readonly builder: GraphBuilder;
  readonly id: number;
  readonly shape: Shape;
  readonly dtype: DType;

  constructor(builder: GraphBuilder, id: number, type: TensorType) {
    this.builder = builder;
    this.id = id;
    this.shape = type.shape;
    this.dtype = type.dtype;
  }

  /** `float32[8, 64, 56, 56]`. */
  toString(): string {
    return `${this.dtype}${formatShape(this.shape)}`;
  }
}

/** Options of a state: a tensor that lives in the session between runs. */
export interface StateOptions {
  readonly dtype?: DType;
  /** Every element's value until something is written, 0 if left out. */
  readonly initial?: number;
}

/**
 * Appends nodes one by one; shapes are checked at once, at the caller's line.
 *
 * @example
 * const builder = new GraphBuilder();
 * const x = builder.input("x", [1, 3, 32, 32]);
 * builder.output("y", relu(x));
 * const graph = builder.finish();
 */
export class GraphBuilder {
  readonly #nodes: Node[] = [];
  readonly #types: TensorType[] = [];
  readonly #values: Value[] = [];
  readonly #outputs: { name: string; value: number }[] = [];
  readonly #updates: { state: number; value: number }[] = [];
  readonly #named = new Map<string, Value>();
  readonly #constants = new Map<number, Value>();
  /** Prefix of the names of new nodes: the layer being built. */
  scope = "";
  readonly #keepComposites: boolean;

  /**
   * With `keepComposites`, operations such as batch norm stay one node, for prints, summaries and
   * export; otherwise they are decomposed as they are added, ready for gradients and backends.
   */
  constructor(options: { readonly keepComposites?: boolean } = {}) {
    this.#keepComposites = options.keepComposites ?? false;
  }

  /** A tensor that each run is fed with. Asking twice for one name gives the same value. */
  input(name: string, shape: Shape, dtype: DType = "float32"): Value {
    return this.#leaf(name, { shape, dtype }, () => {
      checkShape(shape, `input "${name}"`);
      return this.add(inputOp, [], { name, shape, dtype }, name)[0]!;
    });
  }

  /** A tensor that lives in the session between runs: a weight, a running mean, an optimiser's slot. */
  state(name: string, shape: Shape, options: StateOptions = {}): Value {
    const { dtype = "float32", initial = 0 } = options;
    return this.#leaf(name, { shape, dtype }, () => {
      checkShape(shape, `state "${name}"`);
      return this.add(stateOp, [], { name, shape, dtype, initial }, name)[0]!;
    });
  }

  /** Numbers known when the graph is built. */
  constant(data: TensorData | number, shape: Shape = []): Value {
    if (typeof data === "number") {
      let known = this.#constants.get(data);
      if (known === undefined) {
        known = this.add(constantOp, [], {
          data: Float64Array.of(data),
          shape: [],
          dtype: "float32",
        })[0]!;
        this.#constants.set(data, known);
      }
      return known;
    }
    if (data.length !== elementCount(shape)) {
      throw new ShapeError(
        `constant: ${data.length} numbers do not fill shape ${formatShape(shape)}, which has ${elementCount(shape)} elements.`,
      );
    }
    const dtype = data instanceof Int32Array ? "int32" : "float32";
    return this.add(constantOp, [], { data, shape, dtype })[0]!;
  }

  /** Appends a node and returns its outputs. `name` is for people; the scope is put in front of it. */
  add<A extends Attributes>(
    op: Op<A>,
    inputs: readonly Value[],
    attributes: A,
    name = "",
  ): readonly Value[] {
    const path = this.scope === "" || name === "" ? this.scope + name : `${this.scope}.${name}`;
    const where = path === "" ? op.name : `${op.name} "${path}"`;
    for (const value of inputs) {
      if (value.builder !== this) {
        throw new GraphError(`${where}: an input ${value} belongs to another graph.`);
      }
      if (value.dtype !== "float32" && op.integers !== true) {
        throw new GraphError(`${where}: an input is ${value}; float32 is expected.`);
      }
    }
    const types = op.infer(inputs, attributes, where);
    if (op.kind === "composite" && !this.#keepComposites) {
      return this.within(name, () => op.decompose(inputs, attributes));
    }
    const outputs = types.map((type) => {
      const value = new Value(this, this.#types.push(type) - 1, type);
      this.#values.push(value);
      return value;
    });
    this.#nodes.push({
      op: op.name,
      name: path,
      inputs: inputs.map((value) => value.id),
      outputs: outputs.map((value) => value.id),
      attributes,
    });
    return outputs;
  }

  /** Makes `value` a result of every run. */
  output(name: string, value: Value): void {
    if (this.#outputs.some((output) => output.name === name)) {
      throw new GraphError(`output "${name}" is already there; give each output its own name.`);
    }
    this.#outputs.push({ name, value: value.id });
  }

  /** After each run, `state` becomes `value`. */
  update(state: Value, value: Value): void {
    if (!this.#nodes.some(({ op, outputs }) => op === "state" && outputs[0] === state.id)) {
      throw new GraphError(`update: ${state} is no state; only states can be updated.`);
    }
    if (state.shape.join() !== value.shape.join() || state.dtype !== value.dtype) {
      throw new ShapeError(`update of a state ${state}: the new value is ${value}.`);
    }
    if (this.#updates.some((update) => update.state === state.id)) {
      throw new GraphError(`a state ${state} is updated twice in one graph.`);
    }
    this.#updates.push({ state: state.id, value: value.id });
  }

  /** The value with this id. */
  value(id: number): Value {
    const value = this.#values[id];
    if (value === undefined) throw new GraphError(`there is no value ${id} in this graph.`);
    return value;
  }

  /** Nodes so far; passes that extend the graph they read (reverse mode) walk over it. */
  get nodes(): readonly Node[] {
    return this.#nodes;
  }

  /** How messages begin: `conv2d "conv1"`, or `conv2d` outside of any scope. */
  place(operation: string): string {
    return this.scope === "" ? operation : `${operation} "${this.scope}"`;
  }

  /** Runs `body` with `name` appended to the scope. */
  within<T>(name: string, body: () => T): T {
    const outer = this.scope;
    if (name !== "") this.scope = outer === "" ? name : `${outer}.${name}`;
    try {
      return body();
    } finally {
      this.scope = outer;
    }
  }

  /** The graph as data. The builder may go on; the graph does not change. */
  finish(): Graph {
    return {
      nodes: [...this.#nodes],
      values: [...this.#types],
      outputs: [...this.#outputs],
      updates: [...this.#updates],
    };
  }

  #leaf(name: string, type: TensorType, make: () => Value): Value {
    const known = this.#named.get(name);
    if (known !== undefined) {
      if (known.dtype === type.dtype && known.shape.join() === type.shape.join()) return known;
      throw new GraphError(
        `"${name}" is declared twice: as ${known} and as ${type.dtype}${formatShape(type.shape)}.`,
      );
    }
    const outer = this.scope;
    this.scope = "";
    const value = make();
    this.scope = outer;
    this.#named.set(name, value);
    return value;
  }
}
