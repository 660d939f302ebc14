import { create } from "@bufbuild/protobuf";
import { GraphError, UnsupportedError } from "../../../core/errors.ts";
import type { Attributes, Graph, Node } from "../../../graph/graph.ts";
import { producers, useCounts } from "../../../graph/graph.ts";
import type { CompositeOp } from "../../../graph/op.ts";
import { type CompositeName, compositeOps } from "../../../graph/ops/index.ts";
import type { ConstantAttributes, InputAttributes } from "../../../graph/ops/leaf.ts";
import { removeDeadCode } from "../../../graph/passes/deadCode.ts";
import { rewrite } from "../../../graph/passes/rewrite.ts";
import type { ElementType } from "../../elementType.ts";
import { biasOf } from "../../fusedBias.ts";
import type { WritableTensor } from "../../tensorFile.ts";
import { dataTypes } from "../proto/dataTypes.ts";
import {
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "../proto/messages.generated.ts";
import { makeTensorProto } from "../proto/tensorData.ts";
import { NodeList } from "./nodeList.ts";
import type { NodeWriter, OpenShape } from "./nodeWriter.ts";
import { openShapes } from "./openShapes.ts";
import { hasOperator, nodeWriters } from "./operations.ts";

/** What to write into an ONNX model. */
export interface OnnxExport {
  /** The graph for a number of images; only sizes may depend on it. Composite operations should be kept. */
  build(batch: number): Graph;
  /** Numbers of the graph's states, by name; they become initializers of the same names. */
  readonly states: ReadonlyMap<string, WritableTensor>;
  /** Of the graph. */
  readonly name: string;
  /** Inputs that are images of bytes, `[N, H, W, C]` uint8, where the graph takes `[N, C, H, W]` floats. */
  readonly byteImages?: readonly string[];
  /** Text that travels with the model. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly producer?: { readonly name: string; readonly version: string };
}

/** The operator set that is written, and the version of the format that goes with it. */
const operatorSet = 18;
const irVersion = 8;

/**
 * Writes a graph as an ONNX model of operator set 18 whose batch may have any size.
 *
 * Composite operations that ONNX has (`BatchNormalization`, `AveragePool`, `LRN`, …) stay one operator, and the bias behind a
 * convolution or a matrix product becomes part of it. States keep their names.
 *
 * @throws UnsupportedError naming the node that ONNX cannot say, or that depends on the batch in other ways than by its size.
 * @throws GraphError where a state has no numbers.
 */
export function exportGraph(options: OnnxExport): ModelProto {
  const [graph, larger] = [2, 3].map((batch) => prepare(options.build(batch)));
  const writing = new GraphWriting(graph!, openShapes(graph!, larger!), options);
  return writing.run();
}

/** Composites without an operator in ONNX are taken apart; what no output needs is left out. */
function prepare(graph: Graph): Graph {
  const whole = rewrite(graph, (node, { newValue }) => {
    if (!Object.hasOwn(compositeOps, node.op)) return undefined;
    const name = node.op as CompositeName;
    const keep = hasOperator[name] as (attributes: Attributes, x: Graph["values"][0]) => boolean;
    const inputs = node.inputs.map(newValue);
    if (keep(node.attributes, inputs[0]!)) return undefined;
    const op = compositeOps[name] as CompositeOp<Attributes>;
    return inputs[0]!.builder.within(node.name, () => op.decompose(inputs, node.attributes));
  });
  return removeDeadCode(whole);
}

class GraphWriting {
  readonly #graph: Graph;
  readonly #shapes: readonly OpenShape[];
  readonly #options: OnnxExport;
  readonly #list: NodeList;
  /** Name of the ONNX tensor of each value that has been written. */
  readonly #names = new Map<number, string>();

  constructor(graph: Graph, shapes: readonly OpenShape[], options: OnnxExport) {
    this.#graph = graph;
    this.#shapes = shapes;
    this.#options = options;
    this.#list = new NodeList([
      ...leafNames(graph),
      ...graph.outputs.map(({ name }) => name),
      ...options.states.keys(),
    ]);
  }

  run(): ModelProto {
    const { name, metadata = {}, producer } = this.#options;
    const inputs: ValueInfoProto[] = [];
    const done = new Set<Node>();
    const makers = producers(this.#graph);
    const uses = useCounts(this.#graph);
    // Weights can be named from the start, so that a bias declared late can still become part of its operator.
    for (const { op, attributes, outputs } of this.#graph.nodes) {
      if (op === "state") this.#names.set(outputs[0]!, String(attributes.name));
    }
    for (const node of this.#graph.nodes) {
      if (done.has(node) || node.op === "state") continue;
      if (node.op === "input") inputs.push(this.#input(node));
      else if (node.op === "constant") this.#constant(node);
      else {
        const bias = biasOf(node, this.#graph, makers, uses, (id) => this.#names.has(id));
        if (bias !== undefined) done.add(bias.sum);
        this.#node(node, bias);
      }
    }
    const outputs = this.#outputs();
    const nodes = neededNodes(this.#list.nodes, outputs);
    const graph = create(GraphProtoSchema, {
      name,
      node: nodes,
      initializer: this.#initializers(nodes),
      input: inputs,
      output: outputs,
    });
    return create(ModelProtoSchema, {
      irVersion: BigInt(irVersion),
      opsetImport: [create(OperatorSetIdProtoSchema, { version: BigInt(operatorSet) })],
      ...(producer === undefined
        ? {}
        : { producerName: producer.name, producerVersion: producer.version }),
      graph,
      metadataProps: Object.entries(metadata).map(([key, value]) =>
        create(StringStringEntryProtoSchema, { key, value }),
      ),
    });
  }

  #input(node: Node): ValueInfoProto {
    const { name, dtype } = node.attributes as InputAttributes;
    const [id] = node.outputs as [number];
    const shape = this.#shapes[id]!;
    if (this.#options.byteImages?.includes(name) !== true) {
      this.#names.set(id, name);
      return valueInfo(name, dtype, shape);
    }
    const [n, c, h, w] = shape as [OpenShape[0], OpenShape[0], OpenShape[0], OpenShape[0]];
    const floats = this.#list.add("Cast", [name], name, { to: { int: dataTypes.float32 } });
    const planes = this.#list.add("Transpose", [floats], name, { perm: { ints: [0, 3, 1, 2] } });
    this.#names.set(id, planes);
    return valueInfo(name, "uint8", [n, h, w, c]);
  }

  #constant(node: Node): void {
    const { data, shape } = node.attributes as ConstantAttributes;
    const numbers = data instanceof Float64Array ? Float32Array.from(data) : data;
    const isNumber = shape.length === 0 && numbers instanceof Float32Array;
    const name = isNumber
      ? this.#list.number(numbers[0]!)
      : this.#list.tensor(numbers, shape, node.name);
    this.#names.set(node.outputs[0]!, name);
  }

  #node(node: Node, bias: ReturnType<typeof biasOf>): void {
    const where = `onnx: ${node.op} "${node.name}"`;
    const write = nodeWriters[node.op as keyof typeof nodeWriters] as NodeWriter<Attributes>;
    const results = write({
      attributes: node.attributes,
      inputs: node.inputs.map((id) => this.#name(id, where)),
      types: node.inputs.map((id) => this.#graph.values[id]!),
      outputs: node.outputs.map((id) => this.#shapes[id]!),
      path: node.name,
      where,
      list: this.#list,
      bias: bias === undefined ? undefined : this.#name(bias.value, where),
    });
    const outputs = bias === undefined ? node.outputs : bias.sum.outputs;
    outputs.forEach((id, i) => {
      const name = results[i];
      if (name !== undefined) this.#names.set(id, name);
    });
  }

  #name(id: number, where: string): string {
    const name = this.#names.get(id);
    if (name === undefined) {
      throw new UnsupportedError(`${where}: it reads a result that is not written to ONNX.`);
    }
    return name;
  }

  /** Gives results the names of the graph's outputs. */
  #outputs(): ValueInfoProto[] {
    const renamed = new Map<string, string>();
    const made = new Set(this.#list.nodes.flatMap(({ output }) => output));
    const infos = this.#graph.outputs.map(({ name, value }) => {
      const tensor = this.#name(value, `onnx: output "${name}"`);
      if (made.has(tensor) && !renamed.has(tensor)) renamed.set(tensor, name);
      else {
        const copy = this.#list.add("Identity", [tensor], name);
        renamed.set(copy, name);
      }
      return valueInfo(name, this.#graph.values[value]!.dtype, this.#shapes[value]!);
    });
    for (const node of this.#list.nodes) {
      node.input = node.input.map((name) => renamed.get(name) ?? name);
      node.output = node.output.map((name) => renamed.get(name) ?? name);
    }
    return infos;
  }

  /** The weights and constants that the nodes read, in the order in which they read them. */
  #initializers(nodes: readonly NodeProto[]) {
    const states = new Set(
      this.#graph.nodes
        .filter(({ op }) => op === "state")
        .map(({ attributes }) => String(attributes.name)),
    );
    const read = new Set(nodes.flatMap(({ input }) => input));
    return [...read].flatMap((name) => {
      const constant = this.#list.constants.get(name);
      if (constant !== undefined) return [constant];
      if (!states.has(name)) return [];
      const tensor = this.#options.states.get(name);
      if (tensor === undefined) throw new GraphError(`onnx: state "${name}" has no numbers.`);
      return [makeTensorProto(name, tensor)];
    });
  }
}

function leafNames(graph: Graph): string[] {
  return graph.nodes
    .filter(({ op }) => op === "input" || op === "state")
    .map(({ attributes }) => String(attributes.name));
}

/** The nodes on which the outputs depend. */
function neededNodes(nodes: readonly NodeProto[], outputs: readonly ValueInfoProto[]): NodeProto[] {
  const needed = new Set(outputs.map(({ name }) => name));
  const kept = [...nodes].reverse().filter((node) => {
    if (!node.output.some((name) => needed.has(name))) return false;
    for (const name of node.input) needed.add(name);
    return true;
  });
  return kept.reverse();
}

function valueInfo(name: string, elementType: ElementType, shape: OpenShape): ValueInfoProto {
  const dimensions = shape.map((size) => {
    if (typeof size === "number") {
      const value = { case: "dimValue" as const, value: BigInt(size) };
      return create(TensorShapeProto_DimensionSchema, { value });
    }
    const name = size.perImage === 1 ? "batch" : `batch_times_${size.perImage}`;
    return create(TensorShapeProto_DimensionSchema, {
      value: { case: "dimParam", value: name },
    });
  });
  const tensorType = create(TypeProto_TensorSchema, {
    elemType: dataTypes[elementType],
    shape: create(TensorShapeProtoSchema, { dim: dimensions }),
  });
  const type = create(TypeProtoSchema, { tensorType });
  return create(ValueInfoProtoSchema, { name, type });
}
