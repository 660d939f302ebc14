import { elementBytes } from "../core/dtype.ts";
import { elementCount, type Shape } from "../core/shape.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type { Graph } from "../graph/graph.ts";
import { operation } from "../graph/ops/index.ts";
import type { StateAttributes } from "../graph/ops/leaf.ts";
import { receptiveFields } from "../graph/receptiveField.ts";
import { buildNet, type Layer, type LayerOptions, type LayerRecord } from "../layers/layer.ts";
import type { ImageShape } from "./net.ts";

/** One line of the literature's table. */
export interface LayerSummary {
  /** Path of the layer: `layer1.0.conv1`. */
  readonly name: string;
  readonly kind: string;
  readonly options: LayerOptions;
  /** Without the batch: `[C, H, W]` or `[n]`. */
  readonly output: Shape;
  /** Shapes of what it reads, without the batch. */
  readonly inputs: readonly Shape[];
  /** Trained numbers: weights and biases. */
  readonly params: number;
  readonly weights: number;
  readonly biases: number;
  /** Of the parameters that are no biases. */
  readonly weightShapes: readonly Shape[];
  /** Multiply-adds for one image. */
  readonly macs: number;
  /** Pixels of the image that one element sees from side to side, the larger of height and width; 0 where it sees none. */
  readonly receptiveField: number;
  /** Bytes that its output takes; 0 where it can be written over the input. */
  readonly activationBytes: number;
  /** All its parameters are frozen. */
  readonly frozen: boolean;
  /** Positions in the table of the lines that it reads from; −1 is the image. */
  readonly from: readonly number[];
  /** Paths and kinds of the layers it lies in, the outermost first. */
  readonly within: readonly { readonly name: string; readonly kind: string }[];
}

/** A net's table and its sums. */
export interface NetSummary {
  readonly net: string;
  readonly variant: string;
  /** `[C, H, W]`. */
  readonly input: ImageShape;
  readonly layers: readonly LayerSummary[];
  readonly params: number;
  readonly weights: number;
  readonly biases: number;
  /** Trained numbers of heads that serve training only; not in the sums above. */
  readonly auxiliaryParams: number;
  /** Numbers that are kept but not trained. */
  readonly buffers: number;
  readonly macs: number;
  /** Outputs of all layers for one image, each once, those that can be written over their input left out. */
  readonly activationBytes: number;
  /** Layers with weights on the longest way through the net. */
  readonly depth: number;
}

/** What can be summarised: a net of the catalogue, or a layer of one's own with a name. */
export interface Summarizable {
  readonly name: string;
  readonly variant?: string;
  readonly layer: Layer;
  readonly input: ImageShape;
}

/** Options of {@link summarize}. */
export interface SummaryOptions {
  /** Which parameters stay as they are. Default: none. */
  readonly frozen?: (name: string) => boolean;
}

/** Layers whose output can take the place of their input, or is the same numbers under another shape. */
const inPlace: readonly string[] = ["activation", "prelu", "dropout", "stochasticDepth", "flatten"];

/**
 * The table of a net: for each layer that holds no others its output, parameters, multiply-adds, receptive field and
 * memory, for one image at inference. No weights are made.
 *
 * @example
 * const { layers, params } = summarize(createNet("alexnet", { variant: "deck" }));
 */
export function summarize(net: Summarizable, options: SummaryOptions = {}): NetSummary {
  const builder = new GraphBuilder({ keepComposites: true });
  const image = builder.input("x", [1, ...net.input]);
  const built = buildNet(net.layer, {
    builder,
    input: image,
    training: false,
    ...(options.frozen === undefined ? {} : { frozen: options.frozen }),
  });
  const graph = builder.finish();
  const fields = receptiveFields(graph);
  const declared = new Map(built.parameters.map((p) => [p.name, p]));
  const rows: LayerSummary[] = [];
  const sources = new Sources(graph, image.id);
  const parents = enclosing(built.records);
  built.records.forEach((record, position) => {
    const { outputId, inputIds, output, auxiliary } = record;
    if (record.inside > 0 || auxiliary) return;
    const own = record.parameters.map((name) => declared.get(name)!);
    const trained = own.filter(({ kind }) => kind === "parameter");
    const weights = trained.filter(({ name }) => !isBias(name));
    const weightCount = countElements(weights);
    const params = countElements(trained);
    const unchanged = inputIds.includes(outputId) || inPlace.includes(record.kind);
    rows.push({
      name: record.name,
      kind: record.kind,
      options: record.options,
      output: output.slice(1),
      inputs: record.inputs.map((shape) => shape.slice(1)),
      params,
      weights: weightCount,
      biases: params - weightCount,
      weightShapes: weights.map(({ shape }) => shape),
      macs: record.macs,
      receptiveField: Math.max(0, ...(fields[outputId]?.size ?? [])),
      activationBytes: unchanged ? 0 : elementCount(output) * elementBytes,
      frozen: trained.length > 0 && trained.every(({ frozen }) => frozen),
      from: sources.of(inputIds),
      within: parents[position]!,
    });
    sources.add(outputId, rows.length - 1);
  });
  const auxiliary = built.parameters.filter((p) => p.auxiliary && p.kind === "parameter");
  const buffers = built.parameters.filter((p) => !p.auxiliary && p.kind === "buffer");
  return {
    net: net.name,
    variant: net.variant ?? "",
    input: net.input,
    layers: rows,
    auxiliaryParams: countElements(auxiliary),
    buffers: countElements(buffers),
    ...totals(rows),
  };
}

/**
 * The table of a graph that came without layers, such as one read from ONNX: a line for each operation that computes.
 * Its states and large constants count as parameters of the operation that reads them first.
 *
 * @throws nothing of its own; a graph without an image input has receptive fields of 0.
 */
export function summarizeGraph(graph: Graph, name: string, input: ImageShape): NetSummary {
  const fields = receptiveFields(graph);
  const rows: LayerSummary[] = [];
  const counted = new Set<number>();
  const image = graph.nodes.find(({ op }) => op === "input")?.outputs[0] ?? -1;
  const sources = new Sources(graph, image);
  const leaves = new Map<number, string>();
  /** For values that are made of states and constants alone, those they are made of. */
  const madeOf = new Map<number, readonly number[]>();
  for (const node of graph.nodes) {
    const [outputId] = node.outputs as readonly [number];
    if (leafOps.includes(node.op)) {
      if (node.op === "input") continue;
      leaves.set(outputId, (node.attributes as Partial<StateAttributes>).name ?? "");
      madeOf.set(outputId, [outputId]);
      continue;
    }
    const reads = node.inputs.filter((id) => !madeOf.has(id));
    const origins = [...new Set(node.inputs.flatMap((id) => madeOf.get(id) ?? []))];
    if (reads.length === 0) {
      for (const id of node.outputs) madeOf.set(id, origins);
      continue;
    }
    const own = origins.filter((id) => !counted.has(id) && graph.values[id]!.shape.length > 0);
    for (const id of own) counted.add(id);
    const shapes = own.map((id) => graph.values[id]!.shape);
    const isWeight = (id: number) => !isBias(leaves.get(id)!) && graph.values[id]!.shape.length > 1;
    const count = (ids: readonly number[]) =>
      ids.reduce((sum, id) => sum + elementCount(graph.values[id]!.shape), 0);
    const params = count(own);
    const weights = count(own.filter(isWeight));
    const types = (ids: readonly number[]) => ids.map((id) => graph.values[id]!);
    const output = graph.values[outputId]!.shape;
    rows.push({
      name: node.name === "" ? node.op : node.name,
      kind: node.op,
      options: node.attributes,
      output: output.slice(1),
      inputs: reads.map((id) => graph.values[id]!.shape.slice(1)),
      params,
      weights,
      biases: params - weights,
      weightShapes: shapes.filter((shape) => shape.length > 1),
      macs:
        operation(node.op)?.macs?.(types(node.inputs), types(node.outputs), node.attributes) ?? 0,
      receptiveField: Math.max(0, ...(fields[outputId]?.size ?? [])),
      activationBytes:
        node.op === "unary" || node.op === "reshape" ? 0 : elementCount(output) * elementBytes,
      frozen: false,
      from: sources.of(reads),
      within: [],
    });
    for (const id of node.outputs) sources.add(id, rows.length - 1);
  }
  return {
    net: name,
    variant: "",
    input,
    layers: rows,
    auxiliaryParams: 0,
    buffers: 0,
    ...totals(rows),
  };
}

const leafOps: readonly string[] = ["input", "state", "constant", "random"];

/** By PyTorch's names, and those that files of Caffe2 (`conv1_b_0`) and Keras (`conv1/bias:0`) have. */
function isBias(name: string): boolean {
  return /(^|[./_])(bias|beta|b)(_0|:0)?$/.test(name);
}

function countElements(tensors: readonly { readonly shape: Shape }[]): number {
  return tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0);
}

function totals(rows: readonly LayerSummary[]) {
  const sum = (of: (row: LayerSummary) => number) => rows.reduce((s, row) => s + of(row), 0);
  return {
    params: sum((row) => row.params),
    weights: sum((row) => row.weights),
    biases: sum((row) => row.biases),
    macs: sum((row) => row.macs),
    activationBytes: sum((row) => row.activationBytes),
    depth: longestWay(rows),
  };
}

/** Convolutions and products with weights on the longest way from the image to the last line. */
function longestWay(rows: readonly LayerSummary[]): number {
  const depths: number[] = [];
  for (const { from, weights, macs } of rows) {
    const before = Math.max(0, ...from.map((i) => (i < 0 ? 0 : depths[i]!)));
    depths.push(before + (weights > 0 && macs > 0 ? 1 : 0));
  }
  return depths.at(-1) ?? 0;
}

/** For each record the layers it lies in. A layer comes after those inside it, which are as many as it says. */
function enclosing(
  records: readonly LayerRecord[],
): readonly (readonly { readonly name: string; readonly kind: string }[])[] {
  const within: { name: string; kind: string }[][] = records.map(() => []);
  for (let i = records.length - 1; i >= 0; i--) {
    const { name, kind, inside } = records[i]!;
    for (let j = i - inside; j < i; j++) within[j]!.push({ name, kind });
  }
  return within;
}

/** Finds the lines of the table that a value comes from, past nodes that belong to no line. */
class Sources {
  readonly #graph: Graph;
  readonly #producer = new Map<number, number>();
  /** The line that made a value last: a layer may give back what it was given. */
  readonly #line = new Map<number, number>();

  constructor(graph: Graph, image: number) {
    this.#graph = graph;
    graph.nodes.forEach((node, i) => {
      for (const id of node.outputs) this.#producer.set(id, i);
    });
    this.#line.set(image, -1);
  }

  add(value: number, line: number): void {
    this.#line.set(value, line);
  }

  of(values: readonly number[]): number[] {
    const found = new Set<number>();
    const seen = new Set<number>();
    const visit = (id: number) => {
      if (seen.has(id)) return;
      seen.add(id);
      const line = this.#line.get(id);
      if (line !== undefined) {
        found.add(line);
        return;
      }
      for (const before of this.#graph.nodes[this.#producer.get(id)!]!.inputs) visit(before);
    };
    for (const id of values) visit(id);
    return [...found].sort((a, b) => a - b);
  }
}
