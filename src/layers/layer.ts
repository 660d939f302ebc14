import type { DType, TensorData } from "../core/dtype.ts";
import { GraphError } from "../core/errors.ts";
import { RandomStream } from "../core/random.ts";
import { elementCount, type Shape } from "../core/shape.ts";
import type { GraphBuilder, Value } from "../graph/builder.ts";
import { operation } from "../graph/ops/index.ts";
import { randomUniform } from "../graph/ops/random.ts";
import type { Initializer } from "../initializers/initializer.ts";

/** Options of a layer as plain data, so that a net can be written to a file. */
export type LayerOptions = Readonly<Record<string, unknown>>;

/**
 * A piece of a net: a plain object that appends nodes to a graph when it is built. It holds no numbers and
 * no shapes; those come from what it is applied to.
 */
export interface Layer {
  /** Key in the table of layers. */
  readonly kind: string;
  readonly options: LayerOptions;
  build(inputs: readonly Value[], scope: Scope): Value;
}

/** Makes a layer of a kind. */
export function layer(
  kind: string,
  options: LayerOptions,
  build: (inputs: readonly Value[], scope: Scope) => Value,
): Layer {
  return { kind, options, build };
}

/** A tensor that a net keeps between runs. */
export interface ParameterDeclaration {
  /** As PyTorch names it: `layer1.0.conv1.weight`. */
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  /** `parameter`s are trained; `buffer`s (running statistics) follow along. */
  readonly kind: "parameter" | "buffer";
  /** Stays as it is while the rest is trained. */
  readonly frozen: boolean;
  readonly initializer: Initializer;
  readonly value: Value;
}

/** One application of a layer, as `summary` prints it. */
export interface LayerRecord {
  readonly name: string;
  readonly kind: string;
  readonly options: LayerOptions;
  readonly inputs: readonly Shape[];
  readonly output: Shape;
  /** Names of the parameters and buffers of this layer itself, without those of layers inside. */
  readonly parameters: readonly string[];
  /** Multiply-adds of this layer with everything inside it. */
  readonly macs: number;
  /** Layers applied inside this one; 0 for a leaf. */
  readonly inside: number;
  /** Ids of the values that it reads and makes, to follow branches. */
  readonly inputIds: readonly number[];
  readonly outputId: number;
}

/** How a net is built. */
export interface BuildOptions {
  readonly builder: GraphBuilder;
  readonly input: Value;
  /** Batch statistics, dropout and auxiliary heads. */
  readonly training: boolean;
  /** Which parameters stay as they are; a batch norm all of whose parameters do uses its running statistics. */
  readonly frozen?: (name: string) => boolean;
  /** The value to compute with in place of a parameter: a look-ahead point, an average. */
  readonly substitute?: (name: string, value: Value) => Value;
}

/** A net as part of a graph. */
export interface BuiltNet {
  readonly output: Value;
  /** In the order of declaration, which is PyTorch's `state_dict` order for the nets that it has. */
  readonly parameters: readonly ParameterDeclaration[];
  /** Further outputs while training (GoogLeNet's heads), with the weight of their loss. */
  readonly auxiliary: readonly {
    readonly name: string;
    readonly value: Value;
    readonly weight: number;
  }[];
  readonly records: readonly LayerRecord[];
}

/** What all scopes of one build share. */
interface Build extends BuildOptions {
  readonly declared: Map<string, ParameterDeclaration>;
  readonly records: LayerRecord[];
  readonly auxiliary: { name: string; value: Value; weight: number }[];
}

/** Where a layer stands while its net is being built: it gives names, parameters and randomness. */
export class Scope {
  readonly #build: Build;
  readonly path: string;
  readonly #own: string[] = [];

  constructor(build: Build, path: string) {
    this.#build = build;
    this.path = path;
  }

  get builder(): GraphBuilder {
    return this.#build.builder;
  }

  get training(): boolean {
    return this.#build.training;
  }

  /** Names of the parameters and buffers that were declared in this very scope. */
  get declared(): readonly string[] {
    return this.#own;
  }

  /** Whether the parameter `name` of this layer is frozen. */
  isFrozen(name: string): boolean {
    return this.#build.frozen?.(this.#join(name)) ?? false;
  }

  /** A trained tensor. */
  parameter(name: string, shape: Shape, initializer: Initializer): Value {
    const value = this.#declare(name, shape, "float32", "parameter", initializer);
    return this.#build.substitute?.(this.#join(name), value) ?? value;
  }

  /** A tensor that is kept but not trained; change it with {@link update}. */
  buffer(name: string, shape: Shape, initial = 0, dtype: DType = "float32"): Value {
    return this.#declare(name, shape, dtype, "buffer", (s) =>
      new Float32Array(elementCount(s)).fill(initial),
    );
  }

  /** While training, what a buffer will be after this step. */
  update(buffer: Value, value: Value): void {
    if (this.training) this.builder.update(buffer, value);
  }

  /** Uniform numbers of this layer's own stream. */
  random(name: string, shape: Shape): Value {
    return randomUniform(this.builder, this.#join(name), shape);
  }

  /** Applies a layer under a name of its own. */
  apply(name: string, applied: Layer, ...inputs: readonly Value[]): Value {
    const path = this.#join(name);
    const scope = new Scope(this.#build, path);
    const { builder, records } = this.#build;
    const nodesBefore = builder.nodes.length;
    const position = records.length;
    const output = scopedBuild(builder, path, () => applied.build(inputs, scope));
    const inside = records.length - position;
    records.push({
      name: path,
      kind: applied.kind,
      options: applied.options,
      inputs: inputs.map((value) => value.shape),
      output: output.shape,
      parameters: scope.declared,
      macs: countMacs(builder, nodesBefore),
      inside,
      inputIds: inputs.map((value) => value.id),
      outputId: output.id,
    });
    return output;
  }

  /** While training, a further output with a loss of its own. */
  auxiliary(name: string, value: Value, weight: number): void {
    this.#build.auxiliary.push({ name: this.#join(name), value, weight });
  }

  #join(name: string): string {
    if (this.path === "") return name;
    return name === "" ? this.path : `${this.path}.${name}`;
  }

  #declare(
    name: string,
    shape: Shape,
    dtype: DType,
    kind: "parameter" | "buffer",
    initializer: Initializer,
  ): Value {
    const path = this.#join(name);
    const { declared, frozen } = this.#build;
    if (declared.has(path)) {
      throw new GraphError(`the net declares "${path}" twice; give its layers different names.`);
    }
    const value = this.builder.state(path, shape, { dtype });
    declared.set(path, {
      name: path,
      shape,
      dtype,
      kind,
      frozen: frozen?.(path) ?? false,
      initializer,
      value,
    });
    this.#own.push(path);
    return value;
  }
}

/** Nodes are named by their layer's full path, not by a nest of scopes. */
function scopedBuild<T>(builder: GraphBuilder, path: string, body: () => T): T {
  const outer = builder.scope;
  builder.scope = path;
  try {
    return body();
  } finally {
    builder.scope = outer;
  }
}

/** Multiply-adds of the nodes from `start` on. */
function countMacs(builder: GraphBuilder, start: number): number {
  let total = 0;
  for (const node of builder.nodes.slice(start)) {
    const op = operation(node.op);
    if (op?.macs === undefined) continue;
    total += op.macs(
      node.inputs.map((id) => builder.value(id)),
      node.outputs.map((id) => builder.value(id)),
      node.attributes,
    );
  }
  return total;
}

/** Appends a net to a graph. */
export function buildNet(net: Layer, options: BuildOptions): BuiltNet {
  const build: Build = { ...options, declared: new Map(), records: [], auxiliary: [] };
  const output = net.build([options.input], new Scope(build, ""));
  return {
    output,
    parameters: [...build.declared.values()],
    auxiliary: build.auxiliary,
    records: build.records,
  };
}

/**
 * First contents of a net's parameters and buffers. Each draws from a stream of its own name, so that the
 * numbers do not depend on the order of declaration.
 */
export function initialize(
  parameters: readonly ParameterDeclaration[],
  seed: number,
): Record<string, TensorData> {
  const contents: Record<string, TensorData> = {};
  for (const { name, shape, dtype, initializer } of parameters) {
    const numbers = initializer(shape, new RandomStream(seed, `initialize ${name}`));
    contents[name] = dtype === "int32" ? Int32Array.from(numbers) : numbers;
  }
  return contents;
}
