import { elementCount } from "../../src/core/shape.ts";
import { GraphBuilder } from "../../src/graph/builder.ts";
import { type BuiltNet, buildNet, type LayerRecord } from "../../src/layers/layer.ts";
import { type CaseResult, Comparison } from "../comparison.ts";
import { type NetworkOptions, networkFor } from "./networks.ts";

export interface ModelSpecification {
  readonly case: string;
  readonly architecture: string;
  readonly options: NetworkOptions;
  readonly input_shape: readonly number[];
  readonly output_shape: readonly number[];
  /** Trainable elements. */
  readonly parameters: number;
  readonly parameter_tensors: number;
  readonly buffer_elements: number;
  readonly multiply_adds: number;
  readonly state_dict: readonly StateRow[];
  readonly modules_in_call_order: readonly (readonly [string, string, readonly number[]])[];
}

/** Name, shape, and `parameter` or `buffer`. */
export type StateRow = readonly [string, readonly number[], string];

/** The records that are modules in PyTorch and run at inference, in call order. */
export function moduleRecords(net: BuiltNet): LayerRecord[] {
  return net.records.filter(
    ({ type, inside, auxiliary }) => type !== undefined && inside === 0 && !auxiliary,
  );
}

/** The shape of a module's output as PyTorch holds it. */
export function shapeInTorch({ output, view }: LayerRecord): readonly number[] {
  return view === undefined ? output : view.map((axis) => output[axis]!);
}

/** What the net keeps, in the order of PyTorch's `state_dict`. */
export function stateDeclarations(net: BuiltNet, options: NetworkOptions) {
  const withHeads = options.aux_logits === true;
  return net.parameters.filter(({ auxiliary }) => withHeads || !auxiliary);
}

/** Compares counts, names and shapes of a whole network, without numbers. */
export async function runModelCase(specification: ModelSpecification): Promise<CaseResult> {
  const { architecture, options, input_shape: inputShape } = specification;
  const comparison = new Comparison();
  const builder = new GraphBuilder();
  const input = builder.input("image", inputShape);
  const { layer } = networkFor(architecture, options, inputShape);
  const net = buildNet(layer, { builder, input, training: false });

  const state = stateDeclarations(net, options);
  comparison.rows(
    "state_dict",
    state.map(({ name, shape, kind }) => [name, shape, kind]),
    specification.state_dict,
  );
  const sum = (kind: string) =>
    state
      .filter((row) => row.kind === kind)
      .reduce((total, { shape }) => total + elementCount(shape), 0);
  comparison.equal("parameters", sum("parameter"), specification.parameters);
  comparison.equal("buffer_elements", sum("buffer"), specification.buffer_elements);
  comparison.equal(
    "parameter_tensors",
    state.filter(({ kind }) => kind === "parameter").length,
    specification.parameter_tensors,
  );
  comparison.equal("output_shape", net.output.shape, specification.output_shape);
  const macs = net.records
    .filter(({ inside, auxiliary }) => inside === 0 && !auxiliary)
    .reduce((total, record) => total + record.macs, 0);
  comparison.equal("multiply_adds", macs, specification.multiply_adds);
  comparison.rows(
    "modules_in_call_order",
    moduleRecords(net).map((record) => [record.name, record.type, shapeInTorch(record)]),
    specification.modules_in_call_order,
  );
  return comparison.result(specification.case, architecture);
}
