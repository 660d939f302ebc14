import { elementCount, sameShape } from "../../core/shape.ts";
import { input as inputElement, substitute } from "../../graph/expression.ts";
import { type Graph, type Node, useCounts } from "../../graph/graph.ts";
import type { Conv2dAttributes } from "../../graph/ops/conv2d.ts";
import type { ElementwiseAttributes } from "../../graph/ops/elementwise.ts";
import type { MatmulAttributes } from "../../graph/ops/matmul.ts";
import { findJoins, type Join } from "./joins.ts";
import type { Features } from "./kernel.ts";
import type { KernelPlan } from "./kernelPlan.ts";
import { planConv2d, takesPitch } from "./kernels/conv2d.ts";
import type { ExtraOperand } from "./kernels/gemmEpilogue.ts";
import { planMatmul } from "./kernels/matmul.ts";
import type { WinogradChoice } from "./kernels/winogradPlan.ts";
import { convolutionGeometry, lowerOperation, productGeometry } from "./lowering.ts";

/** A node, or several in one, with the kernels that compute it. */
export interface Operation {
  readonly node: Node;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly plan: KernelPlan | "alias" | "leaf";
  /** Goes element by element, so that an output may take the place of an input of its shape. */
  readonly elementwise: boolean;
  /** The output is written into the value that it is going to be a part of. */
  readonly join?: Join;
}

/** What a session computes with. Threads and features change no result; the method of convolution does. */
export interface EngineSettings {
  readonly threads: number;
  readonly features: Features;
  readonly winograd: WinogradChoice;
}

/**
 * Plans every node of a graph. An element-wise operation that alone reads the result of a convolution or matrix product is applied
 * while that result is still in registers or cache (bias, activation, residual sum), so the
 * product has no operation of its own. Where only a concatenation of channels reads that, it is written where it belongs. `lasting` are the values that are the same in every run.
 */
export function planOperations(
  graph: Graph,
  settings: EngineSettings,
  lasting: ReadonlySet<number>,
): Operation[] {
  const soleReader = findSoleReaders(graph);
  const uses = useCounts(graph);
  const joins = findJoins(graph, lasting);
  const absorbed = new Map<Node, Operation>();
  const skipped = new Set<Node>();
  for (const node of graph.nodes) {
    if (node.op !== "conv2d" && node.op !== "matmul") continue;
    const reader = soleReader.get(node.outputs[0]!);
    if (reader === undefined || absorbed.has(reader)) continue;
    const operation = fuseEpilogue(graph, node, reader, settings, lasting, joins);
    if (operation !== undefined) {
      absorbed.set(reader, operation);
      skipped.add(node);
    }
  }
  const inPlace = new Set<number>();
  for (const { join, outputs } of absorbed.values())
    if (join !== undefined) inPlace.add(outputs[0]!);
  return graph.nodes.flatMap((node): Operation[] => {
    if (skipped.has(node)) return [];
    return [absorbed.get(node) ?? planNode(graph, node, settings, uses, lasting, inPlace)];
  });
}

/**
 * Values that depend on constants and on states that this graph does not update, and on nothing else; without `states`
 * on constants alone. A broadcast is written faster than it is read, so none is kept.
 */
export function lastingValues(graph: Graph, states: boolean): Set<number> {
  const updated = new Set(graph.updates.map(({ state }) => state));
  const lasting = new Set<number>();
  for (const { op, inputs, outputs } of graph.nodes) {
    const isLasting =
      op === "constant" ||
      (op === "state" && states && !updated.has(outputs[0]!)) ||
      (op !== "broadcast" && inputs.length > 0 && inputs.every((id) => lasting.has(id)));
    if (isLasting) for (const id of outputs) lasting.add(id);
  }
  return lasting;
}

function planNode(
  graph: Graph,
  node: Node,
  { features, winograd }: EngineSettings,
  uses: Int32Array,
  lasting: ReadonlySet<number>,
  inPlace: ReadonlySet<number>,
): Operation {
  const { inputs, outputs } = node;
  const leaf = node.op === "input" || node.op === "state" || node.op === "constant";
  const type = (id: number) => graph.values[id]!;
  const plan = leaf
    ? "leaf"
    : lowerOperation(node.op, inputs.map(type), node.attributes, outputs.map(type), features, {
        needed: outputs.map((id) => uses[id]! > 0),
        lasting: inputs.map((id) => lasting.has(id)),
        winograd,
        inPlace: inputs.map((id) => inPlace.has(id)),
      });
  const elementwise = node.op === "elementwise" || node.op === "unary" || node.op === "binary";
  return { node, inputs, outputs, plan, elementwise };
}

/** The one element-wise node with one output that reads a value, where nothing else does. */
function findSoleReaders(graph: Graph): Map<number, Node> {
  const readers = new Map<number, Node | "several">();
  for (const node of graph.nodes) {
    for (const id of new Set(node.inputs)) readers.set(id, readers.has(id) ? "several" : node);
  }
  for (const { value } of [...graph.outputs, ...graph.updates]) readers.set(value, "several");
  const sole = new Map<number, Node>();
  for (const [id, reader] of readers) {
    if (reader !== "several" && reader.op === "elementwise" && reader.outputs.length === 1) {
      sole.set(id, reader);
    }
  }
  return sole;
}

function fuseEpilogue(
  graph: Graph,
  product: Node,
  reader: Node,
  { features, winograd }: EngineSettings,
  lasting: ReadonlySet<number>,
  joins: ReadonlyMap<number, Join>,
): Operation | undefined {
  const [result] = product.outputs as [number];
  const type = graph.values[result]!;
  if (!sameShape(type.shape, graph.values[reader.outputs[0]!]!.shape)) return undefined;
  const others = reader.inputs.filter((id) => id !== result);
  const extras: ExtraOperand[] = [];
  for (const id of others) {
    const kind = operandKind(graph, id, type.shape, product.op === "conv2d" ? 1 : -1);
    if (kind === undefined) return undefined;
    extras.push(kind);
  }
  const renumbered = reader.inputs.map((id) =>
    inputElement(id === result ? 0 : 1 + others.indexOf(id)),
  );
  const [source] = (reader.attributes as ElementwiseAttributes).expressions;
  const expression = substitute(source!, renumbered);
  const [a, b] = product.inputs as [number, number];
  const [left, right] = [graph.values[a]!, graph.values[b]!];
  const options = { epilogue: { expression, extras }, weightsChange: !lasting.has(b) };
  const fused = {
    node: product,
    inputs: [a, b, ...others],
    outputs: reader.outputs,
    elementwise: false,
  };
  if (product.op === "matmul") {
    const geometry = productGeometry(left, right, product.attributes as MatmulAttributes);
    return { ...fused, plan: planMatmul(geometry, features, options) };
  }
  const geometry = convolutionGeometry(left, right, product.attributes as Conv2dAttributes);
  const candidate = joins.get(reader.outputs[0]!);
  const join = takesPitch(geometry) && !extras.includes("full") ? candidate : undefined;
  const pitch = join === undefined ? {} : { pitch: join.pitch };
  const plan = planConv2d(geometry, features, { ...options, winograd, ...pitch });
  return { ...fused, plan, ...(join === undefined ? {} : { join }) };
}

function operandKind(
  graph: Graph,
  id: number,
  result: readonly number[],
  channelAxis: number,
): ExtraOperand | undefined {
  const { shape, dtype } = graph.values[id]!;
  if (dtype !== "float32") return undefined;
  if (elementCount(shape) === 1) return "scalar";
  if (sameShape(shape, result)) return "full";
  const aligned = [...new Array<number>(result.length - shape.length).fill(1), ...shape];
  const channel = channelAxis < 0 ? result.length + channelAxis : channelAxis;
  const perChannel = aligned.every((size, axis) => size === (axis === channel ? result[axis] : 1));
  return perChannel ? "channel" : undefined;
}
