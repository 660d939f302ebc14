import { UnsupportedError } from "../../core/errors.ts";
import { detached, withInitializers } from "./detach.ts";
import type { GraphProto, ModelProto, NodeProto } from "./proto/messages.generated.ts";

/** A weight of the last layer, and which of its axes counts the classes. */
interface HeadWeight {
  readonly name: string;
  readonly axis: number;
}

/** Where a classifier's scores come from. */
export interface Head {
  /** The tensor of scores: the first output, or what goes into the softmax before it. */
  readonly tensor: string;
  /** Empty where no weights are found that make the scores. */
  readonly weights: readonly HeadWeight[];
  readonly classes: number | undefined;
}

/** Operators that change the form of scores, and no score against another. */
const forms: readonly string[] = ["Cast", "Dropout", "Flatten", "Identity", "Reshape", "Squeeze"];

/** Operators between the last weights and the scores. */
const behindWeights: readonly string[] = [...forms, "AveragePool", "GlobalAveragePool", "Relu"];

/** Finds the scores of a classifier and the weights that make them. */
export function findHead(graph: GraphProto): Head {
  const producers = new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node])));
  const output = graph.output[0]?.name ?? "";
  const tensor = beforeSoftmax(output, producers) ?? output;
  const weights = weightsBefore(tensor, graph, producers);
  const dims = graph.initializer.find(({ name }) => name === weights[0]?.name)?.dims;
  const classes = dims?.[weights[0]?.axis ?? 0];
  return { tensor, weights, classes: classes === undefined ? undefined : Number(classes) };
}

/** What goes into a softmax at the end, where there is one. */
function beforeSoftmax(
  output: string,
  producers: ReadonlyMap<string, NodeProto>,
): string | undefined {
  let name = output;
  for (let steps = 0; steps <= producers.size; steps++) {
    const node = producers.get(name);
    if (node === undefined) return undefined;
    if (node.opType === "Softmax" || node.opType === "LogSoftmax") return node.input[0];
    if (!forms.includes(node.opType)) return undefined;
    name = node.input[0] ?? "";
  }
  return undefined;
}

function weightsBefore(
  scores: string,
  graph: GraphProto,
  producers: ReadonlyMap<string, NodeProto>,
): HeadWeight[] {
  const ranks = new Map(graph.initializer.map(({ name, dims }) => [name, dims.length]));
  const found: HeadWeight[] = [];
  const add = (name: string | undefined, axis: number) => {
    const rank = ranks.get(name ?? "");
    if (rank !== undefined && rank > axis) found.push({ name: name!, axis });
    return rank !== undefined;
  };
  let name = scores;
  for (let steps = 0; steps <= producers.size; steps++) {
    const node = producers.get(name);
    const [first = "", second = "", third] = node?.input ?? [];
    switch (node?.opType) {
      case "Conv":
        if (!add(second, 0)) return [];
        add(third, 0);
        return found;
      case "Gemm": {
        const transposed = node.attribute.some(({ name: n, i }) => n === "transB" && i !== 0n);
        if (!add(second, transposed ? 0 : 1)) return [];
        add(third, (ranks.get(third ?? "") ?? 1) - 1);
        return found;
      }
      case "MatMul":
        return add(second, 1) ? found : [];
      case "Add": {
        const [bias, rest] = ranks.has(first) ? [first, second] : [second, first];
        if (!add(bias, (ranks.get(bias) ?? 1) - 1)) return [];
        name = rest;
        break;
      }
      default:
        if (node === undefined || !behindWeights.includes(node.opType)) return [];
        name = first;
    }
  }
  return [];
}

/**
 * The model with a last layer for another number of classes, whose weights are detached; the same model where it has as
 * many already, or where only its build tells how many.
 */
export function withClasses(model: ModelProto, graph: GraphProto, classes: number): ModelProto {
  const head = findHead(graph);
  if (head.classes === undefined || head.classes === classes) return model;
  const axes = new Map(head.weights.map(({ name, axis }) => [name, axis]));
  return withInitializers(model, (tensor) => {
    const axis = axes.get(tensor.name);
    if (axis === undefined) return tensor;
    if (Number(tensor.dims[axis]) !== head.classes) {
      throw new UnsupportedError(
        `onnx: "${tensor.name}" of the last layer is ${tensor.dims.join("x")}, not ${head.classes} along axis ${axis}; its classes cannot be changed.`,
      );
    }
    return detached(
      tensor,
      tensor.dims.map((size, a) => (a === axis ? BigInt(classes) : size)),
    );
  });
}
