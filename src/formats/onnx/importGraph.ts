import type { DType, TensorData } from "../../core/dtype.ts";
import { FormatError, ShapeError, UnsupportedError } from "../../core/errors.ts";
import { checkShape, formatShape, type Shape } from "../../core/shape.ts";
import { GraphBuilder, type Value } from "../../graph/builder.ts";
import type { Graph } from "../../graph/graph.ts";
import { type ElementType, elementTypes } from "../elementType.ts";
import { ownValue } from "../ownValue.ts";
import { isDetached } from "./detach.ts";
import { declaredInputs, inputShape, type SizeOptions } from "./graphInputs.ts";
import { type ImportScope, NodeContext, UnknownNumbersError } from "./nodeContext.ts";
import {
  constantOf,
  isEmpty,
  isIntegerType,
  type KnownTensor,
  type OnnxTensor,
  sizeOf,
  typed,
} from "./onnxTensor.ts";
import { operators } from "./ops/index.ts";
import type { Operator } from "./ops/operator.ts";
import type { GraphProto, ModelProto, NodeProto, TensorProto } from "./proto/messages.generated.ts";
import { tensorData, tensorHeader } from "./proto/tensorData.ts";

/** Options of {@link importGraph}. */
export interface ImportOptions extends SizeOptions {
  /**
   * Numbers of inputs that may decide shapes, by name. An input is folded into the graph only where a shape depends on it;
   * all others are fed to each run.
   */
  readonly numbers?: Readonly<Record<string, TensorData>>;
  /** Tensors to compute in place of the model's outputs, inner ones too. */
  readonly outputs?: readonly string[];
}

/** A tensor at the border of an imported graph. */
export interface ImportedTensor {
  readonly name: string;
  readonly shape: Shape;
  /** The type that the model declares. */
  readonly elementType: ElementType;
}

/** A tensor that each run is fed with. */
export interface ImportedInput extends ImportedTensor {
  /** The type that the engine takes. */
  readonly dtype: DType;
}

/** A result of the model. */
export interface ImportedOutput extends ImportedTensor {
  /** Its numbers, where they do not depend on what is fed: the graph then has no such output. */
  readonly numbers?: TensorData;
}

/** A graph made from an ONNX model, and the weights to write into its states. */
export interface ImportedGraph {
  readonly graph: Graph;
  readonly states: ReadonlyMap<string, TensorData>;
  /** What the graph reads. Inputs that no output depends on are not among them, nor those folded into it. */
  readonly inputs: readonly ImportedInput[];
  readonly outputs: readonly ImportedOutput[];
  /** Inputs whose numbers became part of the graph, because shapes depend on them. */
  readonly folded: readonly string[];
}

/** A float initializer. */
export interface ImportedWeight {
  readonly name: string;
  readonly shape: Shape;
  /** Undefined where the model was written without them. */
  readonly numbers: Float32Array | undefined;
  /** `statistic`s, the running means and variances of batch norm, are kept but not trained. */
  readonly role: "weight" | "statistic";
}

/** Where an import puts what it makes. */
export interface ImportHost {
  readonly builder: GraphBuilder;
  /** Images that the graph is built for in place of the `declared` ones that shapes in the file are written for. */
  readonly batch?: { readonly declared: number; readonly actual: number };
  input(input: ImportedInput): Value;
  weight(weight: ImportedWeight): Value;
  /** Appends a node by calling `build`; `inputs` are those it reads that depend on what is fed. */
  node<T extends readonly (OnnxTensor | undefined)[]>(
    node: NodeProto,
    inputs: readonly Value[],
    build: () => T,
  ): T;
}

/** What an import leaves beside the nodes in its host's builder. */
export interface ImportedTensors {
  readonly inputs: readonly ImportedInput[];
  readonly outputs: readonly (ImportedOutput & { readonly value?: Value })[];
}

/** Numbers that an import may hold beside the weights, so that a small file cannot fill the memory. */
const maxHeldNumbers = 2 ** 21;

/** Nodes that a model may have, and inputs that a node may list: ten times what nets of images need. */
const maxNodes = 20_000;
const maxNodeInputs = 4096;

/** Axes that a tensor may have. */
const maxRank = 16;

/** Tensors with more elements than this are left to the graph, even where they could be computed at import. */
const maxFoldedSize = 2 ** 16;

/**
 * Makes a graph of an ONNX model (operator sets 1 to 25). Float initializers become states under their names, so that
 * they can be trained further; shape arithmetic is computed here. Batch norm and dropout act as at inference.
 *
 * @throws {@link UnsupportedError} naming the node whose operator or option is not imported; {@link FormatError} for
 * a model that breaks a rule of the format; {@link ShapeError} where shapes do not go together.
 * @example
 * const { graph, states, inputs } = importGraph(await readModel(source), { dimensions: { batch: 8 } });
 */
export function importGraph(model: ModelProto, options: ImportOptions = {}): ImportedGraph {
  if (model.graph === undefined) throw new FormatError("onnx: no graph; it is no ONNX model.");
  const folded = new Set<string>();
  for (;;) {
    const states = new Map<string, TensorData>();
    const builder = new GraphBuilder();
    const host: ImportHost = {
      builder,
      input: ({ name, shape, dtype }) => builder.input(name, shape, dtype),
      weight({ name, shape, numbers }) {
        states.set(name, numbers!);
        return builder.state(name, shape);
      },
      node: (_node, _inputs, build) => build(),
    };
    try {
      const { inputs, outputs } = new GraphImport(model, model.graph, options, folded, host).run();
      for (const { name, value } of outputs) if (value !== undefined) builder.output(name, value);
      const plain = outputs.map(({ value: _, ...output }) => output);
      const graph = builder.finish();
      return { graph, states, inputs, outputs: plain, folded: [...folded] };
    } catch (error) {
      if (!(error instanceof UnknownNumbersError)) throw error;
      const behind = inputsBehind(model.graph, error.tensor);
      const { numbers = {} } = options;
      const more = behind.filter((name) => !folded.has(name));
      if (more.length === 0 || more.some((name) => !Object.hasOwn(numbers, name))) throw error;
      for (const name of more) folded.add(name);
    }
  }
}

/** Appends an ONNX model to what a host builds. */
export function importInto(
  host: ImportHost,
  model: ModelProto,
  options: ImportOptions,
): ImportedTensors {
  if (model.graph === undefined) throw new FormatError("onnx: no graph; it is no ONNX model.");
  return new GraphImport(model, model.graph, options, new Set(), host).run();
}

/** The inputs of the graph on whose numbers a tensor depends. */
function inputsBehind(graph: GraphProto, tensor: string): string[] {
  const producers = producersOf(graph);
  const inputs = new Set(declaredInputs(graph).map(({ name }) => name));
  const seen = new Set<string>([tensor]);
  for (const name of seen) {
    const node = producers.get(name);
    if (node === undefined || node.opType === "Shape" || node.opType === "Size") continue;
    for (const input of node.input) seen.add(input);
  }
  return [...seen].filter((name) => inputs.has(name));
}

function producersOf(graph: GraphProto): Map<string, NodeProto> {
  const producers = new Map<string, NodeProto>();
  for (const node of graph.node) for (const name of node.output) producers.set(name, node);
  return producers;
}

/** One attempt at an import, under a set of inputs whose numbers are taken as known. */
class GraphImport implements ImportScope {
  readonly #host: ImportHost;
  readonly #model: ModelProto;
  readonly #graph: GraphProto;
  readonly #options: ImportOptions;
  readonly #folded: ReadonlySet<string>;
  readonly #tensors = new Map<string, OnnxTensor>();
  readonly #initializers = new Map<string, TensorProto>();
  readonly #values = new Map<string, Value>();
  readonly #statistics: ReadonlySet<string>;
  readonly #inputs = new Map<string, ImportedInput>();
  readonly #operators = operators();
  #held = 0;

  constructor(
    model: ModelProto,
    graph: GraphProto,
    options: ImportOptions,
    folded: ReadonlySet<string>,
    host: ImportHost,
  ) {
    this.#host = host;
    this.#model = model;
    this.#graph = graph;
    this.#options = options;
    this.#folded = folded;
    this.#statistics = new Set(
      graph.node
        .filter(({ opType }) => opType === "BatchNormalization")
        .flatMap(({ input }) => input.slice(3)),
    );
  }

  get builder(): GraphBuilder {
    return this.#host.builder;
  }

  get batch(): ImportHost["batch"] {
    return this.#host.batch;
  }

  run(): ImportedTensors {
    this.#declare();
    const names = this.#options.outputs ?? this.#graph.output.map(({ name }) => name);
    const nodes = neededNodes(this.#graph, names);
    if (nodes.length > maxNodes) {
      throw new UnsupportedError(
        `onnx: ${nodes.length} nodes; at most ${maxNodes} are imported. Is the model unrolled?`,
      );
    }
    const opsets = new Map(
      this.#model.opsetImport.map(({ domain, version }) => [plainDomain(domain), Number(version)]),
    );
    for (const node of nodes) this.#importNode(node, opsets.get(plainDomain(node.domain)) ?? 1);
    const outputs = [...new Set(names)].map((name) => this.#output(name));
    return { inputs: [...this.#inputs.values()], outputs };
  }

  tensor(name: string, where: string): OnnxTensor {
    const known = this.#tensors.get(name) ?? this.#initializer(name);
    if (known !== undefined) return known;
    throw new FormatError(
      `${where}: there is no tensor "${name}" yet; expected an input, an initializer or the output of an earlier node.`,
    );
  }

  value(name: string, where: string): Value {
    const ready = this.#values.get(name);
    if (ready !== undefined) return ready;
    const tensor = this.tensor(name, where);
    const value = tensor.value ?? this.#lift(name, tensor, where);
    this.#values.set(name, value);
    return value;
  }

  charge(numbers: number, where: string): void {
    this.#held += numbers;
    if (!(this.#held <= maxHeldNumbers)) {
      throw new UnsupportedError(
        `${where}: the import would hold ${this.#held} numbers beside the weights; at most ${maxHeldNumbers} are allowed.`,
      );
    }
  }

  #declare(): void {
    for (const tensor of this.#graph.initializer) {
      if (this.#initializers.has(tensor.name)) {
        throw new FormatError(`onnx: initializer "${tensor.name}" occurs twice.`);
      }
      this.#initializers.set(tensor.name, tensor);
    }
    if (this.#graph.sparseInitializer.length > 0) {
      throw new UnsupportedError("onnx: sparse initializers are not imported; save them dense.");
    }
    const { numbers = {} } = this.#options;
    for (const input of declaredInputs(this.#graph)) {
      const { name, elementType, sizes } = input;
      // Another batch than the file's may take the first axis.
      const open =
        this.batch === undefined ? sizes : sizes?.map((size, a) => (a === 0 ? "" : size));
      const shape = inputShape({ ...input, sizes: open }, this.#options);
      const isKnown = this.#folded.has(name) || isEmpty(shape);
      const tensor = {
        elementType,
        shape,
        numbers: isKnown ? (numbers[name] ?? new Float32Array(0)) : undefined,
        fed: !isKnown,
      };
      checkCount(tensor, `onnx: input "${name}"`);
      this.#keep(name, tensor, `onnx: input "${name}"`);
    }
  }

  #initializer(name: string): OnnxTensor | undefined {
    const proto = this.#initializers.get(name);
    if (proto === undefined) return undefined;
    const where = `onnx: initializer "${name}"`;
    const { shape, elementType } = tensorHeader(proto, where);
    const numbers = isDetached(proto) ? undefined : tensorData(proto, where);
    // Scalars are settings (an exponent, a bound), which nobody trains.
    const isFloat = elementType !== "bool" && elementTypes[elementType].dtype === "float32";
    const trainable = shape.length > 0 && !isEmpty(shape) && isFloat;
    const tensor = { elementType, shape, numbers, trainable };
    this.#keep(name, tensor, where);
    return tensor;
  }

  #keep(name: string, tensor: OnnxTensor, where: string): void {
    const { shape } = tensor;
    checkShape(shape, where, 0);
    if (shape.length > maxRank) {
      throw new UnsupportedError(
        `${where}: ${shape.length} axes; at most ${maxRank} are imported.`,
      );
    }
    this.#tensors.set(name, tensor);
  }

  /** A value for a tensor that no node of the graph computes: a state, a constant or an input. */
  #lift(name: string, tensor: OnnxTensor, where: string): Value {
    const { shape, elementType, numbers } = tensor;
    if (this.#initializers.has(name) && tensor.trainable) {
      const role = this.#statistics.has(name) ? "statistic" : "weight";
      return this.#host.weight({
        name,
        shape,
        numbers: numbers as Float32Array | undefined,
        role,
      });
    }
    if (numbers === undefined) {
      const { dtype } = elementTypes[elementType];
      const input = { name, shape, elementType, dtype };
      this.#inputs.set(name, input);
      return this.#host.input(input);
    }
    return constantOf(this.builder, { ...tensor, numbers }, where);
  }

  #importNode(node: NodeProto, opset: number): void {
    const context = new NodeContext(node, opset, this);
    const domain = plainDomain(node.domain);
    const operator = ownValue(ownValue(this.#operators, domain) ?? {}, node.opType);
    if (operator === undefined) {
      throw new UnsupportedError(
        `${context.where}: the operator ${domain === "" ? "" : `${domain}.`}${node.opType} is not imported.`,
      );
    }
    if (node.input.length > maxNodeInputs) {
      throw new UnsupportedError(
        `${context.where}: ${node.input.length} inputs; at most ${maxNodeInputs} are imported.`,
      );
    }
    const results = this.#results(node, operator, context);
    node.output.forEach((name, index) => {
      if (name === "") return;
      const result = results[index];
      if (result === undefined) {
        throw new UnsupportedError(
          `${context.where}: output ${index}, "${name}", is not computed.`,
        );
      }
      if (this.#tensors.has(name) || this.#initializers.has(name)) {
        throw new FormatError(`${context.where}: there is a tensor "${name}" already.`);
      }
      this.#keep(name, result, `${context.where}: output "${name}"`);
    });
  }

  #results(
    node: NodeProto,
    operator: Operator,
    context: NodeContext,
  ): readonly (OnnxTensor | undefined)[] {
    const inputs = context.tensors();
    const trainable = inputs.some((input) => input.trainable);
    const small = inputs.every((input) => sizeOf(input) <= maxFoldedSize);
    const folded = small ? operator.evaluate?.(context) : undefined;
    if (folded !== undefined && (!trainable || operator.build === undefined)) return folded;
    if (operator.build === undefined) {
      const name = inputs.findIndex((input) => input.numbers === undefined);
      context.known(Math.max(0, name));
      throw new UnsupportedError(
        `${context.where}: its inputs are too large to compute at import.`,
      );
    }
    const { build } = operator;
    const type = inputs[0]?.elementType ?? "float32";
    const fed = inputs.some((input) => input.fed);
    const read = context.indices().filter((index) => context.tensor(index).fed);
    return this.#host.node(
      node,
      read.map((index) => context.raw(index)),
      () => {
        const built = build(context);
        return (Array.isArray(built) ? built : [built]).map((result, index) => {
          if (result === undefined) return undefined;
          const tensor = typed(result, type);
          return { ...tensor, numbers: folded?.[index]?.numbers ?? tensor.numbers, trainable, fed };
        });
      },
    );
  }

  #output(name: string): ImportedTensors["outputs"][number] {
    const where = `onnx: output "${name}"`;
    const { shape, elementType, numbers, value } = this.tensor(name, where);
    if (numbers !== undefined && value === undefined && !this.#initializers.has(name)) {
      const isInteger = isIntegerType(elementType);
      const data = isInteger ? Int32Array.from(numbers) : Float32Array.from(numbers);
      return { name, shape, elementType, numbers: data };
    }
    return { name, shape, elementType, value: this.value(name, where) };
  }
}

/** The standard operators have two names for their domain. */
function plainDomain(domain: string): string {
  return domain === "ai.onnx" ? "" : domain;
}

/** The nodes on which some tensors depend, in the order of the file. */
function neededNodes(graph: GraphProto, names: readonly string[]): NodeProto[] {
  const producers = producersOf(graph);
  const needed = new Set<NodeProto>();
  const seen = new Set<string>(names);
  for (const name of seen) {
    const node = producers.get(name);
    if (node === undefined || needed.has(node)) continue;
    needed.add(node);
    for (const input of node.input) seen.add(input);
  }
  return graph.node.filter((node) => needed.has(node));
}

function checkCount(tensor: OnnxTensor, where: string): asserts tensor is KnownTensor {
  const { numbers, shape } = tensor;
  if (numbers !== undefined && numbers.length !== sizeOf(tensor)) {
    throw new ShapeError(
      `${where}: ${numbers.length} numbers were given; shape ${formatShape(shape)} takes ${sizeOf(tensor)}.`,
    );
  }
}
