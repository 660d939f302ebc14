import { gradients } from "../autodiff/backward.ts";
import { elementBytes } from "../core/dtype.ts";
import { elementCount } from "../core/shape.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type { Graph } from "../graph/graph.ts";
import { subtract } from "../graph/ops/binary.ts";
import { reduceSum } from "../graph/ops/reduce.ts";
import { optimize } from "../graph/passes/index.ts";
import { buildNet, type Layer } from "../layers/layer.ts";
import { type Lifetime, lowerBound } from "../plan/memory.ts";

/** Bytes of activations that one image needs at least. */
export interface ActivationMemory {
  /** At inference, where an activation dies with its last reader. */
  readonly forwardBytes: number;
  /** In a training step, where activations wait for the way back. */
  readonly trainingBytes: number;
}

/**
 * The least memory for activations and their gradients that a net needs for one image, forward and in a training step:
 * the most that is alive at once in the graph after folding and fusion. Weights, their gradients and the optimiser's
 * state are not activations and come on top, as do a backend's own needs (packed weights, scratch).
 */
export function activationMemory(
  net: Layer,
  input: readonly [number, number, number],
): ActivationMemory {
  return {
    forwardBytes: mostAlive(optimize(stepGraph(net, input, false))),
    trainingBytes: mostAlive(optimize(stepGraph(net, input, true))),
  };
}

function stepGraph(net: Layer, input: readonly [number, number, number], training: boolean): Graph {
  const builder = new GraphBuilder();
  const image = builder.input("x", [1, ...input]);
  const { output, parameters, auxiliary } = buildNet(net, { builder, input: image, training });
  if (!training) {
    builder.output("y", output);
    return builder.finish();
  }
  let loss = reduceSum(output);
  for (const { value } of auxiliary) loss = subtract(loss, reduceSum(value));
  const trained = parameters.filter(({ kind }) => kind === "parameter");
  const slopes = gradients(
    loss,
    trained.map(({ value }) => value),
  );
  slopes.forEach((slope, i) => {
    builder.output(`gradient ${trained[i]!.name}`, slope);
  });
  return builder.finish();
}

const leafOps: readonly string[] = ["state", "constant"];

/** The largest sum of values alive at one node, results left out. A reshape is its input under another shape. */
function mostAlive(graph: Graph): number {
  const root = graph.values.map((_, id) => id);
  const first = new Map<number, number>();
  const last = new Map<number, number>();
  graph.nodes.forEach(({ op, inputs, outputs }, step) => {
    for (const id of inputs) last.set(root[id]!, step);
    if (leafOps.includes(op)) return;
    if (op === "reshape") root[outputs[0]!] = root[inputs[0]!]!;
    else for (const id of outputs) first.set(id, step);
  });
  const results = new Set([
    ...graph.outputs.map(({ value }) => root[value]!),
    ...graph.updates.map(({ value }) => root[value]!),
  ]);
  const lifetimes: Lifetime[] = [];
  for (const [id, start] of first) {
    if (results.has(id)) continue;
    const bytes = elementCount(graph.values[id]!.shape) * elementBytes;
    lifetimes.push({ bytes, first: start, last: last.get(id) ?? start });
  }
  return lowerBound(lifetimes);
}
