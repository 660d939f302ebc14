import type { TensorData } from "../../core/dtype.ts";
import { FormatError, UnsupportedError } from "../../core/errors.ts";
import { GraphBuilder, type Value } from "../../graph/builder.ts";
import type { Graph } from "../../graph/graph.ts";
import { NodeContext, type ValueSource } from "./nodeContext.ts";
import { importerOf } from "./ops/index.ts";
import type { ModelProto } from "./proto/messages.generated.ts";
import { tensorData, tensorHeader } from "./proto/tensorData.ts";

/** A tensor that the graph is fed with. */
export interface ImportInput {
  readonly shape: readonly number[];
  readonly dtype: "float32" | "int32";
  /** Its numbers, for an input that decides shapes: it is folded into the graph. */
  readonly known?: TensorData;
}

/** A graph made from an ONNX model, and the weights to write into its states. */
export interface ImportedGraph {
  readonly graph: Graph;
  readonly states: ReadonlyMap<string, TensorData>;
  readonly outputShapes: ReadonlyMap<string, readonly number[]>;
}

/**
 * Makes a graph of an ONNX model. Float initializers become states, so that they can be trained further.
 * @throws {@link UnsupportedError} naming the node whose operator is not known.
 */
export function importGraph(
  model: ModelProto,
  inputs: Readonly<Record<string, ImportInput>>,
): ImportedGraph {
  const proto = model.graph;
  if (proto === undefined) throw new FormatError("onnx: no graph; it is no ONNX model.");
  const builder = new GraphBuilder();
  const values = new Map<string, Value>();
  const known = new Map<string, TensorData>();
  const states = new Map<string, TensorData>();
  for (const tensor of proto.initializer) {
    const where = `onnx: initializer "${tensor.name}"`;
    const { shape } = tensorHeader(tensor, where);
    const data = tensorData(tensor, where);
    known.set(tensor.name, data);
    if (data instanceof Float32Array) {
      values.set(tensor.name, builder.state(tensor.name, shape));
      states.set(tensor.name, data);
    }
  }
  for (const [name, { shape, dtype, known: data }] of Object.entries(inputs)) {
    if (data === undefined) values.set(name, builder.input(name, shape, dtype));
    else known.set(name, data);
  }
  const source: ValueSource = {
    known: (name) => known.get(name),
    value(name, where) {
      const value = values.get(name);
      if (value !== undefined) return value;
      throw new FormatError(
        `${where}: there is no tensor "${name}" yet; expected an input, a float initializer or the output of an earlier node.`,
      );
    },
  };
  const opset = Number(model.opsetImport.find(({ domain }) => domain === "")?.version ?? 1n);
  for (const node of proto.node) {
    const context = new NodeContext(node, opset, source);
    const importer = node.domain === "" ? importerOf(node.opType) : undefined;
    if (importer === undefined) {
      throw new UnsupportedError(`${context.where}: the operator ${node.opType} is not imported.`);
    }
    context.limitOutputs(1);
    values.set(node.output[0] ?? "", importer(context));
  }
  const outputShapes = new Map<string, readonly number[]>();
  for (const { name } of proto.output) {
    const value = source.value(name, "onnx: output");
    builder.output(name, value);
    outputShapes.set(name, value.shape);
  }
  return { graph: builder.finish(), states, outputShapes };
}
