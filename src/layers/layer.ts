import type { DType, TensorData } from "../core/dtype.ts";
import { GraphError } from "../core/errors.ts";
import { RandomStream } from "../core/random.ts";
import type { Shape } from "../core/shape.ts";
import type { GraphBuilder, Value } from "../graph/builder.ts";
import { operation } from "../graph/ops/index.ts";
import type { Initializer } from "../initializers/initializer.ts";
import { Scope } from "./scope.ts";

/** Options of a layer as plain data, so that a net can be written to a file. */
export type LayerOptions = Readonly<Record<string, unknown>>;

/** What PyTorch calls a layer, and how it sees the result. */
export interface LayerFacts {
  /** PyTorch's class: `Conv2d`. Left out where PyTorch has no module for it. */
  readonly type?: string;
  /** The order of axes in which PyTorch holds the result, where it is not ours: `[0, 2, 3, 1]` is channels last. */
  readonly view?: readonly number[];
  /** What tables call it, where that is not its path. */
  readonly label?: string;
}

/**
 * A piece of a net: a plain object that appends nodes to a graph when it is built. It holds no numbers and
 * no shapes; those come from what it is applied to.
 */
export interface Layer extends LayerFacts {
  /** Key in the table of layers. */
  readonly kind: string;
  readonly options: LayerOptions;
  build(inputs: readonly Value[], scope: Scope): Value;
}

/**
 * Makes a layer of a kind: the functional way to describe a net. The body gets the inputs and a {@link Scope}.
 *
 * @example
 * const twice = layer("twice", {}, ([x], scope) => {
 *   const y = scope.apply("conv1", conv2d({ channels: 8, kernel: 3, padding: 1 }), x!);
 *   return scope.apply("conv2", conv2d({ channels: 8, kernel: 3, padding: 1 }), y);
 * });
 */
export function layer(
  kind: string,
  options: object,
  build: (inputs: readonly Value[], scope: Scope) => Value,
  facts: LayerFacts = {},
): Layer {
  return { kind, options: options as LayerOptions, build, ...facts };
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
  /** Belongs to a head that serves training only. */
  readonly auxiliary: boolean;
  readonly initializer: Initializer;
  readonly value: Value;
}

/** One application of a layer, as `summary` prints it. */
export interface LayerRecord {
  /** Path of the module in PyTorch: `layer1.0.conv1`. A layer without a name of its own has its label, or its parent's. */
  readonly name: string;
  readonly kind: string;
  /** PyTorch's class of the module; `undefined` where PyTorch calls a function. */
  readonly type: string | undefined;
  readonly options: LayerOptions;
  readonly inputs: readonly Shape[];
  readonly output: Shape;
  /** The order of axes in which PyTorch holds the output, where it is not ours. */
  readonly view: readonly number[] | undefined;
  /** Names of the parameters and buffers of this layer itself, without those of layers inside. */
  readonly parameters: readonly string[];
  /** Multiply-adds of this layer with everything inside it. */
  readonly macs: number;
  /** Layers applied inside this one, at any depth; 0 for a leaf. */
  readonly inside: number;
  /** Part of a head that serves training only. */
  readonly auxiliary: boolean;
  /** Ids of the values that it reads and makes, to follow branches. */
  readonly inputIds: readonly number[];
  readonly outputId: number;
  /** Its nodes in the builder: from the first up to, not including, the second. */
  readonly nodes: readonly [number, number];
}

/** How a net is built. */
export interface BuildOptions {
  readonly builder: GraphBuilder;
  readonly input: Value;
  /** Batch statistics, dropout and auxiliary heads. */
  readonly training: boolean;
  /** Whether dropout and stochastic depth drop anything. Default: as `training`. */
  readonly dropout?: boolean;
  /** Which parameters stay as they are; a batch norm all of whose parameters do uses its running statistics. */
  readonly frozen?: (name: string) => boolean;
  /** The value to compute with in place of a parameter: a look-ahead point, an average. */
  readonly substitute?: (name: string, value: Value) => Value;
}

/** A further output while training, with a loss of its own. */
export interface AuxiliaryOutput {
  readonly name: string;
  readonly value: Value;
  /** Of its loss in the sum; the net's own loss has weight 1. */
  readonly weight: number;
}

/** A net as part of a graph. */
export interface BuiltNet {
  readonly output: Value;
  /** In the order of PyTorch's `state_dict`. The same whether or not the net is built for training. */
  readonly parameters: readonly ParameterDeclaration[];
  /** Empty unless the net was built for training. */
  readonly auxiliary: readonly AuxiliaryOutput[];
  /** In the order of application, a layer after those inside it. */
  readonly records: readonly LayerRecord[];
}

/** What all scopes of one build share. */
export class Build {
  readonly builder: GraphBuilder;
  readonly training: boolean;
  readonly dropout: boolean;
  readonly frozen: (name: string) => boolean;
  readonly substitute: (name: string, value: Value) => Value;
  readonly declared = new Map<string, ParameterDeclaration>();
  readonly records: LayerRecord[] = [];
  readonly auxiliary: AuxiliaryOutput[] = [];
  /** Order of the children of a path, where it is not that of their first use. */
  readonly childOrder = new Map<string, readonly string[]>();

  constructor({ builder, training, dropout, frozen, substitute }: BuildOptions) {
    this.builder = builder;
    this.training = training;
    this.dropout = dropout ?? training;
    this.frozen = frozen ?? (() => false);
    this.substitute = substitute ?? ((_, value) => value);
  }

  /** Declares a tensor under its full name. */
  declare(declaration: Omit<ParameterDeclaration, "value" | "frozen">): Value {
    const { name, shape, dtype } = declaration;
    if (this.declared.has(name)) {
      throw new GraphError(`the net declares "${name}" twice; give its layers different names.`);
    }
    const value = this.builder.state(name, shape, { dtype });
    this.declared.set(name, { ...declaration, frozen: this.frozen(name), value });
    return value;
  }

  /** Applies a layer in a scope and records it. */
  apply(applied: Layer, inputs: readonly Value[], scope: Scope): Value {
    const { builder, records } = this;
    const firstNode = builder.nodes.length;
    const position = records.length;
    const outer = builder.scope;
    builder.scope = scope.path;
    let output: Value;
    try {
      output = applied.build(inputs, scope);
    } finally {
      builder.scope = outer;
    }
    const inside = records.length - position;
    records.push({
      name: applied.label ?? scope.path,
      kind: applied.kind,
      type: applied.type,
      options: applied.options,
      inputs: inputs.map((value) => value.shape),
      output: output.shape,
      view: applied.view,
      parameters: scope.declared,
      macs: countMacs(builder, firstNode),
      inside,
      auxiliary: scope.inAuxiliary,
      inputIds: inputs.map((value) => value.id),
      outputId: output.id,
      nodes: [firstNode, builder.nodes.length],
    });
    return output;
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

/**
 * Appends a net to a graph.
 *
 * @example
 * const builder = new GraphBuilder();
 * const input = builder.input("x", [8, 3, 32, 32]);
 * const net = sequential([conv2d({ channels: 16, kernel: 3 }), relu(), globalAvgPool2d(), linear({ features: 10 })]);
 * const { output, parameters } = buildNet(net, { builder, input, training: false });
 */
export function buildNet(net: Layer, options: BuildOptions): BuiltNet {
  const build = new Build(options);
  const output = net.build([options.input], new Scope(build, ""));
  return {
    output,
    parameters: inModuleOrder([...build.declared.values()], build.childOrder),
    auxiliary: build.auxiliary,
    records: build.records,
  };
}

interface Module {
  readonly own: ParameterDeclaration[];
  readonly children: Map<string, Module>;
}

/**
 * Declarations in the order of PyTorch's `state_dict`: of each module first its own parameters, then its own
 * buffers, then its children.
 */
function inModuleOrder(
  declared: readonly ParameterDeclaration[],
  childOrder: ReadonlyMap<string, readonly string[]>,
): ParameterDeclaration[] {
  const root: Module = { own: [], children: new Map() };
  for (const declaration of declared) {
    const parts = declaration.name.split(".");
    let module = root;
    for (const part of parts.slice(0, -1)) {
      let child = module.children.get(part);
      if (child === undefined) {
        child = { own: [], children: new Map() };
        module.children.set(part, child);
      }
      module = child;
    }
    module.own.push(declaration);
  }
  const result: ParameterDeclaration[] = [];
  const visit = (module: Module, path: string) => {
    result.push(...module.own.filter(({ kind }) => kind === "parameter"));
    result.push(...module.own.filter(({ kind }) => kind === "buffer"));
    const first = childOrder.get(path) ?? [];
    const names = [...first, ...[...module.children.keys()].filter((n) => !first.includes(n))];
    for (const name of names) {
      const child = module.children.get(name);
      if (child !== undefined) visit(child, path === "" ? name : `${path}.${name}`);
    }
  };
  visit(root, "");
  return result;
}

/**
 * First contents of a net's parameters and buffers. Each draws from a stream of its own name, so that the
 * numbers do not depend on the order of declaration.
 */
export function initialize(
  parameters: readonly ParameterDeclaration[],
  seed: number,
): Record<string, TensorData> {
  return Object.fromEntries(
    parameters.map((parameter) => [parameter.name, initializeOne(parameter, seed)]),
  );
}

/** First contents of one parameter or buffer, as {@link initialize} gives them. */
export function initializeOne(
  { name, shape, dtype, initializer }: ParameterDeclaration,
  seed: number,
): TensorData {
  const numbers = initializer.fill(shape, new RandomStream(seed, `initialize ${name}`));
  return dtype === "int32" ? Int32Array.from(numbers) : numbers;
}
