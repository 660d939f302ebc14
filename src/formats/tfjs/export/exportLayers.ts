import { GraphError } from "../../../core/errors.ts";
import type { Shape } from "../../../core/shape.ts";
import type { Attributes, Graph, Node } from "../../../graph/graph.ts";
import { producers, useCounts } from "../../../graph/graph.ts";
import { removeDeadCode } from "../../../graph/passes/deadCode.ts";
import { biasOf, type FusedBias } from "../../fusedBias.ts";
import { LayerList, type VariableOrigin } from "./layerList.ts";
import {
  isNonNegative,
  type LayerContext,
  layerWriters,
  type Operand,
  refusal,
} from "./operations.ts";

/** A graph as a Keras model: its topology, and where its variables come from. */
export interface WrittenLayers {
  /** `modelTopology` of a `model.json`. */
  readonly topology: unknown;
  readonly variables: ReadonlyMap<string, VariableOrigin>;
}

/**
 * Writes a graph of one image input and one output as a functional Keras model, for `tf.loadLayersModel`. Images are
 * `[N, H, W, C]` there; a flattened image keeps our order by a `Permute` before it. Explicit padding is a layer of its own.
 *
 * @param graph for one image, with composite operations whole
 * @throws UnsupportedError naming the layer that layers models do not have.
 */
export function exportLayers(graph: Graph, name: string): WrittenLayers {
  return new Writing(removeDeadCode(graph)).run(name);
}

class Writing {
  readonly #graph: Graph;
  readonly #list = new LayerList();
  readonly #operands = new Map<number, Operand>();

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  run(name: string): WrittenLayers {
    const makers = producers(this.#graph);
    const uses = useCounts(this.#graph);
    const done = new Set<Node>();
    const inputs: string[] = [];
    for (const node of this.#graph.nodes) if (node.op === "state") this.#state(node);
    for (const node of this.#graph.nodes) {
      if (done.has(node) || node.op === "state") continue;
      if (node.op === "input") inputs.push(this.#input(node));
      else if (!this.#weightView(node)) {
        const isReady = (id: number) => this.#operands.get(id)?.weight !== undefined;
        const bias = biasOf(node, this.#graph, makers, uses, isReady);
        if (bias !== undefined) done.add(bias.sum);
        this.#node(node, bias);
      }
    }
    const outputs = this.#graph.outputs.map(({ value }) => this.#operands.get(value)?.layer);
    const [output] = outputs;
    if (inputs.length !== 1 || outputs.length !== 1 || output === undefined) {
      throw new GraphError(
        `tfjs: ${inputs.length} inputs and ${outputs.length} outputs; one of each can be written.`,
      );
    }
    const config = {
      name,
      layers: this.#list.layers,
      input_layers: inputs.map((layer) => [layer, 0, 0]),
      output_layers: [[output, 0, 0]],
    };
    return {
      topology: {
        keras_version: "2.15.0",
        backend: "tensorflow",
        model_config: { class_name: "Functional", config },
      },
      variables: this.#list.variables,
    };
  }

  #state({ outputs, attributes }: Node): void {
    const [id] = outputs as [number];
    const { shape } = this.#graph.values[id]!;
    const weight = { state: String(attributes.name), shape };
    this.#operands.set(id, { shape, layer: undefined, weight, nonNegative: false });
  }

  #input({ outputs, attributes }: Node): string {
    const [id] = outputs as [number];
    const { shape } = this.#graph.values[id]!;
    const [, c, h, w] = shape as [number, number, number, number];
    const sizes = shape.length === 4 ? [h, w, c] : shape.slice(1);
    const layer = this.#list.add("InputLayer", String(attributes.name), [], {
      batch_input_shape: [null, ...sizes],
      dtype: "float32",
      sparse: false,
    });
    this.#operands.set(id, { shape, layer, weight: undefined, nonNegative: false });
    return layer;
  }

  /** A weight under another shape is still that weight. */
  #weightView(node: Node): boolean {
    if (node.op !== "reshape") return false;
    const weight = this.#operands.get(node.inputs[0]!)?.weight;
    if (weight === undefined) return false;
    const [id] = node.outputs as [number];
    const { shape } = this.#graph.values[id]!;
    this.#operands.set(id, {
      shape,
      layer: undefined,
      weight: { state: weight.state, shape },
      nonNegative: false,
    });
    return true;
  }

  #node(node: Node, bias: FusedBias | undefined): void {
    const { op, attributes } = node;
    const path = node.name;
    const refuse = (why: string): never => {
      throw refusal(op, path, why);
    };
    if (op === "constant") return;
    const operands = node.inputs.map(
      (id) => this.#operands.get(id) ?? refuse("it reads a number or a result that is no layer's"),
    );
    const write = layerWriters[op as keyof typeof layerWriters] as (
      context: LayerContext<Attributes>,
    ) => string;
    const shape: Shape = this.#graph.values[node.outputs[0]!]!.shape;
    const layer = write({
      attributes,
      operands,
      output: shape,
      bias: bias === undefined ? undefined : this.#operands.get(bias.value)!.weight!.state,
      path,
      list: this.#list,
      refuse,
    });
    const [output] = (bias?.sum ?? node).outputs as [number];
    const nonNegative = isNonNegative(op, attributes, operands);
    this.#operands.set(output, { shape, layer, weight: undefined, nonNegative });
  }
}
