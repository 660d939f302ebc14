import { gradients } from "../autodiff/backward.ts";
import { elementBytes } from "../core/dtype.ts";
import { elementCount } from "../core/shape.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type { Graph } from "../graph/graph.ts";
import { subtract } from "../graph/ops/binary.ts";
import { reduceSum } from "../graph/ops/reduce.ts";
import { optimize } from "../graph/passes/index.ts";
import { buildNet, type Layer } from "../layers/layer.ts";
import { lowerBound } from "../plan/memory.ts";

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
const elementwiseOps: readonly string[] = ["unary", "binary", "elementwise"];

/**
 * The largest sum of values alive at one node, results left out. A reshape is its input under another shape, and what is
 * computed element by element takes the place of an input that dies there.
 */
function mostAlive(graph: Graph): number {
  const { nodes, values } = graph;
  const bytesOf = (id: number) => elementCount(values[id]!.shape) * elementBytes;
  const lastUse = new Map<number, number>();
  nodes.forEach(({ inputs }, step) => {
    for (const id of inputs) lastUse.set(id, step);
  });
  const results = new Set([...graph.outputs, ...graph.updates].map(({ value }) => value));
  /** Values that live in one place, by the place of each value. */
  const places: { bytes: number; first: number; last: number; isResult: boolean }[] = [];
  const placeOf = new Map<number, number>();
  nodes.forEach(({ op, inputs, outputs }, step) => {
    if (leafOps.includes(op) || (op === "reshape" && !placeOf.has(inputs[0]!))) return;
    for (const id of outputs) {
      const last = lastUse.get(id) ?? step;
      const heir = inputs.find((input) => {
        const place = places[placeOf.get(input) ?? -1];
        if (place === undefined || results.has(input)) return false;
        if (op === "reshape") return true;
        const dies = place.last === step && place.bytes === bytesOf(id);
        return elementwiseOps.includes(op) && dies;
      });
      if (heir === undefined) {
        placeOf.set(id, places.length);
        places.push({ bytes: bytesOf(id), first: step, last, isResult: results.has(id) });
      } else {
        const place = placeOf.get(heir)!;
        placeOf.set(id, place);
        places[place]!.last = Math.max(places[place]!.last, last);
        places[place]!.isResult ||= results.has(id);
      }
    }
  });
  return lowerBound(places.filter(({ isResult }) => !isResult));
}
