import { broadcastShapes, elementCount, sameShape } from "../../core/shape.ts";
import { constant, type Expression, expressionCost, input, substitute } from "../expression.ts";
import { type Graph, type Node, producers } from "../graph.ts";
import { type BinaryAttributes, binaryExpression } from "../ops/binary.ts";
import { type ElementwiseAttributes, elementwiseOp } from "../ops/elementwise.ts";
import type { ConstantAttributes } from "../ops/leaf.ts";
import { type ReduceAttributes, reduceOp } from "../ops/reduce.ts";
import { type UnaryAttributes, unaryExpression } from "../ops/unary.ts";
import { rewrite } from "./rewrite.ts";

/** An expression over values of the graph. */
interface Definition {
  readonly expressions: readonly Expression[];
  /** `input(i)` of the expressions is the value `leaves[i]`. */
  readonly leaves: readonly number[];
}

/** Most inputs of one fused operation: beyond this many streams prefetching no longer keeps up. */
const mostLeaves = 12;
/** A value with several users is computed by each of them if that costs at most this much … */
const cheapCost = 12;
/** … and reads at most this many tensors of full size. */
const fewTensors = 2;

/**
 * The expressions of an element-wise node over its own inputs, or `undefined` for any other node. A broadcast
 * is the identity, for whatever reads it broadcasts by itself.
 */
function pointwiseExpressions(node: Node): readonly Expression[] | undefined {
  if (node.op === "unary") return [unaryExpression(node.attributes as UnaryAttributes)];
  if (node.op === "binary") return [binaryExpression(node.attributes as BinaryAttributes)];
  if (node.op === "elementwise") return (node.attributes as ElementwiseAttributes).expressions;
  if (node.op === "broadcast") return [input(0)];
  return undefined;
}

/**
 * Joins chains of element-wise operations, and reductions with the element-wise operations in front of
 * them: a value that only such operations of its own shape read is not stored but computed where it is
 * read. With one reader that is always done, with several where it is cheap, since computing costs less
 * than a round trip through memory. Every operation still rounds to float32, so no bit changes.
 */
export function inlineElementwise(graph: Graph): Graph {
  const stored = valuesToStore(graph);
  const constants = scalarConstants(graph);
  const definitions = new Map<number, Definition>();
  return rewrite(graph, (node, { builder, newValue }) => {
    const own =
      node.op === "reduce"
        ? (node.attributes as ReduceAttributes).expressions
        : pointwiseExpressions(node);
    if (own === undefined || (node.op === "broadcast" && stored.has(node.outputs[0]!))) {
      return undefined;
    }
    const definition = define(node, own, definitions, stored, constants);
    const operands = definition.leaves.map(newValue);
    if (node.op === "reduce") {
      const attributes = node.attributes as ReduceAttributes;
      return builder.add(
        reduceOp,
        operands,
        { ...attributes, expressions: definition.expressions },
        node.name,
      );
    }
    if (node.outputs.length === 1 && !stored.has(node.outputs[0]!)) {
      definitions.set(node.outputs[0]!, definition);
      return [];
    }
    return builder.add(elementwiseOp, operands, { expressions: definition.expressions }, node.name);
  });
}

/** Rewrites expressions over a node's inputs to expressions over stored values. */
function define(
  node: Node,
  expressions: readonly Expression[],
  definitions: ReadonlyMap<number, Definition>,
  stored: ReadonlySet<number>,
  constants: ReadonlyMap<number, number>,
): Definition {
  const leaves: number[] = [];
  const isNumber = node.inputs.every((id) => constants.has(id));
  const leaf = (id: number): Expression => {
    const number = constants.get(id);
    if (number !== undefined && !isNumber) return constant(number);
    const known = leaves.indexOf(id);
    return input(known >= 0 ? known : leaves.push(id) - 1);
  };
  const replacements = node.inputs.map((id): Expression => {
    const inner = definitions.get(id);
    if (inner === undefined || stored.has(id)) return leaf(id);
    return substitute(inner.expressions[0]!, inner.leaves.map(leaf));
  });
  return { expressions: expressions.map((e) => substitute(e, replacements)), leaves };
}

/** Constants of rank 0: they become part of the expression. */
function scalarConstants(graph: Graph): Map<number, number> {
  const constants = new Map<number, number>();
  for (const node of graph.nodes) {
    if (node.op !== "constant") continue;
    const { data, shape } = node.attributes as ConstantAttributes;
    if (shape.length === 0) constants.set(node.outputs[0]!, data[0]!);
  }
  return constants;
}

/** Element-wise results that must lie in memory. */
function valuesToStore(graph: Graph): Set<number> {
  const stored = new Set<number>();
  const madeBy = producers(graph);
  const readers = new Map<number, Node[]>();
  for (const node of graph.nodes) {
    for (const id of new Set(node.inputs)) {
      const list = readers.get(id);
      if (list === undefined) readers.set(id, [node]);
      else list.push(node);
    }
  }
  for (const { value } of [...graph.outputs, ...graph.updates]) stored.add(value);
  const constants = scalarConstants(graph);
  const definitions = new Map<number, Definition>();
  for (const node of graph.nodes) {
    const expressions = pointwiseExpressions(node);
    const isReduce = node.op === "reduce";
    if (expressions === undefined && !isReduce) continue;
    const shape = operandShape(graph, node);
    // Too many streams: store what would bring the most of them.
    const inlined = node.inputs.filter((id) => definitions.has(id) && !stored.has(id));
    const leafCount = () =>
      new Set(
        node.inputs.flatMap((id) =>
          definitions.has(id) && !stored.has(id) ? definitions.get(id)!.leaves : [id],
        ),
      ).size;
    inlined.sort((a, b) => definitions.get(b)!.leaves.length - definitions.get(a)!.leaves.length);
    for (const id of inlined) {
      if (leafCount() <= mostLeaves) break;
      stored.add(id);
    }
    // Inlined broadcasts must leave an operand that has the full shape.
    const own = expressions ?? (node.attributes as ReduceAttributes).expressions;
    let definition = define(node, own, definitions, stored, constants);
    for (const id of node.inputs) {
      if (node.op === "broadcast" || sameShape(leafShape(graph, definition), shape)) break;
      if (!definitions.has(id)) continue;
      stored.add(id);
      definition = define(node, own, definitions, stored, constants);
    }
    if (isReduce) continue;
    const [output] = node.outputs as [number];
    const users = readers.get(output) ?? [];
    const mustStore =
      node.outputs.length > 1 ||
      stored.has(output) ||
      graph.values[output]!.dtype !== "float32" ||
      users.length === 0 ||
      users.some((user) => !readsElementwise(graph, user, shape));
    if (mustStore) {
      for (const id of node.outputs) stored.add(id);
      continue;
    }
    if (users.length > 1) {
      const size = elementCount(shape);
      const tensors = definition.leaves.filter(
        (id) => elementCount(graph.values[id]!.shape) === size,
      );
      const isSource = tensors.some((id) => graph.nodes[madeBy[id]!]!.op === "random");
      const cost = expressionCost(definition.expressions[0]!);
      if (cost > cheapCost || tensors.length > fewTensors || isSource) {
        stored.add(output);
        continue;
      }
    }
    definitions.set(output, definition);
  }
  return stored;
}

function leafShape(graph: Graph, { leaves }: Definition): readonly number[] {
  return broadcastShapes(
    leaves.map((id) => graph.values[id]!.shape),
    "elementwise",
  );
}

/** The common shape of a node's inputs: that of its result, before anything is reduced. */
function operandShape(graph: Graph, node: Node): readonly number[] {
  if (node.op === "broadcast") return graph.values[node.outputs[0]!]!.shape;
  return broadcastShapes(
    node.inputs.map((id) => graph.values[id]!.shape),
    node.op,
  );
}

function readsElementwise(graph: Graph, user: Node, shape: readonly number[]): boolean {
  const fits = user.op === "reduce" || pointwiseExpressions(user) !== undefined;
  return fits && sameShape(operandShape(graph, user), shape);
}
