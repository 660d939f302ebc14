import { broadcastShapes, elementCount } from "../../core/shape.ts";
import type { Value } from "../builder.ts";
import { type Expression, input, substitute } from "../expression.ts";
import type { Graph, Node } from "../graph.ts";
import { type ElementwiseAttributes, elementwiseOp } from "../ops/elementwise.ts";
import { type ReduceAttributes, reduceOp } from "../ops/reduce.ts";
import { rewrite } from "./rewrite.ts";

/** Most inputs and outputs of one merged operation. */
const mostLeaves = 16;
const mostOutputs = 8;
/** How many earlier operations are tried as partners. */
const window = 24;

/** Operations that will be one: they stand where the first stood. */
interface Group {
  readonly key: string;
  /** Index of the node that it stands at. */
  readonly position: number;
  readonly leaves: number[];
  readonly expressions: Expression[];
  /** Values that it makes, in the order of its expressions. */
  readonly outputs: number[];
  readonly members: Node[];
}

/**
 * Joins element-wise operations of one shape, and reductions over the same axes, that read the same tensors:
 * one walk over memory instead of several. The four sums of batch norm's gradient become one kernel, and so
 * does an optimiser's update with its slots.
 *
 * A node joins an earlier group if everything it reads is there before the group, or is made by the
 * group itself; so no cycle can arise.
 */
export function mergeSiblings(source: Graph): Graph {
  const graph = leavesFirst(source);
  const groups = findGroups(graph);
  const groupOf = new Map<Node, Group>();
  for (const group of groups) for (const node of group.members) groupOf.set(node, group);
  const made = new Map<number, Value>();
  return rewrite(graph, (node, { builder, newValue }) => {
    const group = groupOf.get(node);
    if (group === undefined || group.members.length === 1) return undefined;
    if (group.members[0] === node) {
      // A group may stand before nodes whose values an earlier group makes for it.
      const operands = group.leaves.map((id) => made.get(id) ?? newValue(id));
      const names = group.members.map((member) => member.name).filter((name) => name !== "");
      const name = names[0] ?? "";
      const { expressions } = group;
      const results =
        node.op === "reduce"
          ? builder.add(
              reduceOp,
              operands,
              { ...(node.attributes as ReduceAttributes), expressions },
              name,
            )
          : builder.add(elementwiseOp, operands, { expressions }, name);
      group.outputs.forEach((id, i) => {
        made.set(id, results[i]!);
      });
    }
    return node.outputs.map((id) => made.get(id)!);
  });
}

/** The same graph with its inputs, states and constants in front, so that any group may read them. */
function leavesFirst(graph: Graph): Graph {
  const isLeaf = (node: Node) => node.inputs.length === 0;
  const nodes = [...graph.nodes.filter(isLeaf), ...graph.nodes.filter((node) => !isLeaf(node))];
  return { ...graph, nodes };
}

function findGroups(graph: Graph): Group[] {
  const position = new Int32Array(graph.values.length);
  graph.nodes.forEach((node, index) => {
    for (const id of node.outputs) position[id] = index;
  });
  const groups: Group[] = [];
  const open = new Map<string, Group[]>();
  graph.nodes.forEach((node, index) => {
    if (node.op !== "elementwise" && node.op !== "reduce") return;
    const key = groupKey(graph, node);
    const candidates = open.get(key) ?? [];
    open.set(key, candidates);
    const partner = candidates
      .slice(-window)
      .reverse()
      .find((group) => mayJoin(graph, node, group, position));
    if (partner !== undefined) {
      join(node, partner);
      // Its outputs now appear where the group stands.
      for (const id of node.outputs) position[id] = partner.position;
      return;
    }
    const group: Group = {
      key,
      position: index,
      leaves: [...node.inputs],
      expressions: [...(node.attributes as ElementwiseAttributes | ReduceAttributes).expressions],
      outputs: [...node.outputs],
      members: [node],
    };
    groups.push(group);
    candidates.push(group);
  });
  return groups;
}

function groupKey(graph: Graph, node: Node): string {
  const shape = broadcastShapes(
    node.inputs.map((id) => graph.values[id]!.shape),
    node.op,
  );
  if (node.op === "elementwise") return `elementwise ${shape}`;
  const { kind, axes, keepDims } = node.attributes as ReduceAttributes;
  return `reduce ${kind} ${axes} ${keepDims} of ${shape}`;
}

function mayJoin(graph: Graph, node: Node, group: Group, position: Int32Array): boolean {
  const fromGroup = (id: number) => group.outputs.includes(id);
  const available = node.inputs.every(
    (id) => (fromGroup(id) && node.op === "elementwise") || position[id]! < group.position,
  );
  if (!available) return false;
  const leaves = new Set([...group.leaves, ...node.inputs.filter((id) => !fromGroup(id))]);
  if (leaves.size > mostLeaves) return false;
  if (group.outputs.length + node.outputs.length > mostOutputs) return false;
  const largest = Math.max(...group.leaves.map((id) => elementCount(graph.values[id]!.shape)));
  return node.inputs.some(
    (id) =>
      fromGroup(id) ||
      (group.leaves.includes(id) && elementCount(graph.values[id]!.shape) === largest),
  );
}

function join(node: Node, group: Group): void {
  const replacements = node.inputs.map((id): Expression => {
    const inside = group.outputs.indexOf(id);
    if (inside >= 0) return group.expressions[inside]!;
    const known = group.leaves.indexOf(id);
    return input(known >= 0 ? known : group.leaves.push(id) - 1);
  });
  const { expressions } = node.attributes as ElementwiseAttributes | ReduceAttributes;
  for (const expression of expressions)
    group.expressions.push(substitute(expression, replacements));
  group.outputs.push(...node.outputs);
  group.members.push(node);
}
