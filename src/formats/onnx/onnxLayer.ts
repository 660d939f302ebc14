import { base64Decode } from "@bufbuild/protobuf/wire";
import { OptionError, ShapeError, UnsupportedError } from "../../core/errors.ts";
import { checkOptions, integer, optional, text } from "../../core/fields.ts";
import { elementCount, formatShape } from "../../core/shape.ts";
import type { Value } from "../../graph/builder.ts";
import { reshape } from "../../graph/ops/reshape.ts";
import { transpose } from "../../graph/ops/transpose.ts";
import { constant } from "../../initializers/basic.ts";
import type { Initializer } from "../../initializers/initializer.ts";
import { kaimingUniform } from "../../initializers/scaled.ts";
import { type Layer, layer } from "../../layers/layer.ts";
import type { Scope } from "../../layers/scope.ts";
import { findHead, withClasses } from "./classifier.ts";
import { declaredInputs } from "./graphInputs.ts";
import { type ImportHost, importInto } from "./importGraph.ts";
import { describeNode } from "./nodeKind.ts";
import type { GraphProto, ModelProto } from "./proto/messages.generated.ts";
import { decodeModel } from "./proto/model.ts";

/** Options of {@link onnxLayer}. */
export interface OnnxLayerOptions {
  /** An ONNX file in base64, its weights detached. */
  readonly model: string;
  /** Default: as many as the model has. */
  readonly classes?: number;
}

/**
 * A whole ONNX classifier as a layer: `x [N, C, H, W] → scores [N, classes]`. Its float initializers are the layer's
 * parameters, under their own names, so that it is trained, frozen and saved as any other; running statistics of batch
 * norm are buffers, and batch norm and dropout act as at inference in training, too. A softmax at the end is left out:
 * losses have their own.
 *
 * With other `classes` the last product or convolution gets weights for as many.
 *
 * @throws {@link UnsupportedError} for an operator that is not imported, or a model that is no classifier of images.
 */
export function onnxLayer(options: OnnxLayerOptions): Layer {
  checkOptions("onnx", options, { model: text(), classes: optional(integer(1)) });
  const { classes } = options;
  const original = decodeModel(bytesOf(options.model), "onnx layer");
  const model =
    classes === undefined ? original : withClasses(original, graphOf(original), classes);
  const graph = graphOf(model);
  const { tensor } = findHead(graph);
  return layer("onnx", options, ([x], scope) => build(model, graph, tensor, x!, scope));
}

function bytesOf(base64: string): Uint8Array {
  try {
    return base64Decode(base64);
  } catch {
    throw new OptionError("onnx: model is no base64 text.");
  }
}

function graphOf(model: ModelProto): GraphProto {
  // decodeModel refuses files without one.
  return model.graph!;
}

/** The only input of a classifier, and whether its channels come last. */
export function imageInput(graph: GraphProto): {
  readonly name: string;
  readonly sizes: readonly (number | string)[];
  readonly channelsLast: boolean;
} {
  const inputs = declaredInputs(graph);
  const [first] = inputs;
  const sizes = first?.sizes ?? [];
  if (first === undefined || inputs.length !== 1 || sizes.length !== 4) {
    const texts = inputs.map(({ name, sizes: s }) => `"${name}" ${formatSizes(s ?? [])}`);
    throw new UnsupportedError(
      `onnx: inputs ${texts.join(", ") || "none"}; a net takes one input of images, [N, C, H, W].`,
    );
  }
  const isChannels = (size: number | string | undefined) =>
    typeof size === "number" && size >= 1 && size <= 4;
  const channelsLast = !isChannels(sizes[1]) && isChannels(sizes[3]);
  return { name: first.name, sizes, channelsLast };
}

function formatSizes(sizes: readonly (number | string)[]): string {
  return `[${sizes.map((size) => (size === "" ? "?" : size)).join(", ")}]`;
}

function build(
  model: ModelProto,
  graph: GraphProto,
  scores: string,
  x: Value,
  scope: Scope,
): Value {
  const { name, sizes, channelsLast } = imageInput(graph);
  const image = channelsLast ? transpose(x, [0, 2, 3, 1]) : x;
  const [count = 1] = x.shape;
  const fits = sizes.every((size, axis) => {
    return axis === 0 || typeof size === "string" || size === image.shape[axis];
  });
  if (!fits) {
    throw new ShapeError(
      `onnx: input ${formatShape(x.shape)}; the model takes ${formatSizes(sizes)}.`,
    );
  }
  const host = new LayerHost(graph, image, scope, {
    declared: typeof sizes[0] === "number" ? sizes[0] : count,
    actual: count,
  });
  const shapes = { [name]: image.shape };
  const { outputs } = importInto(host, model, { shapes, outputs: [scores] });
  const { value, shape } = outputs[0]!;
  if (value === undefined || elementCount(shape) % count !== 0) {
    throw new UnsupportedError(
      `onnx: output "${scores}" ${formatShape(shape)} does not depend on the images; it is no classifier.`,
    );
  }
  return reshape(value, [count, -1]);
}

/** Makes layers of nodes and parameters of weights. */
class LayerHost implements ImportHost {
  readonly batch: NonNullable<ImportHost["batch"]>;
  readonly #image: Value;
  readonly #initial: ReadonlyMap<string, Initializer>;
  #scope: Scope;
  /** Products whose bias is added by a node of its own: the result of each, and the name of the bias. */
  readonly #biases: ReadonlyMap<string, string>;
  /** Weights that were lifted for the node at hand. */
  #lifted: string[] = [];
  /** Weights that tensors are made of and that no layer has counted yet. */
  readonly #uncounted = new Map<string, readonly string[]>();

  constructor(
    graph: GraphProto,
    image: Value,
    scope: Scope,
    batch: NonNullable<ImportHost["batch"]>,
  ) {
    this.#image = image;
    this.#scope = scope;
    this.batch = batch;
    this.#initial = factors(graph);
    this.#biases = biasesOfProducts(graph);
  }

  get builder() {
    return this.#scope.builder;
  }

  input(): Value {
    return this.#image;
  }

  weight({ name, shape, role }: Parameters<ImportHost["weight"]>[0]): Value {
    this.#lifted.push(name);
    const drawn = shape.length > 1 ? kaimingUniform() : constant(0);
    const initial = this.#initial.get(name) ?? drawn;
    return role === "statistic"
      ? this.#scope.buffer(name, shape, initial)
      : this.#scope.parameter(name, shape, initial);
  }

  node: ImportHost["node"] = (node, inputs, append) => {
    const uncounted = node.input.flatMap((name) => this.#uncounted.get(name) ?? []);
    this.#lifted = [];
    if (inputs.length === 0) {
      // It prepares weights (another form, another order); the layer that uses them counts them.
      const prepared = append();
      for (const name of node.output) this.#uncounted.set(name, [...uncounted, ...this.#lifted]);
      return prepared;
    }
    for (const name of node.input) this.#uncounted.delete(name);
    const bias = this.#biases.get(node.output[0] ?? "");
    if (bias !== undefined) uncounted.push(bias);
    // One layer with the product before it.
    if (node.opType === "Add" && node.input.some((name) => this.#biases.has(name))) return append();
    const outer = this.#scope;
    let results: ReturnType<typeof append> | undefined;
    const { kind, options, label } = describeNode(node);
    const inner = layer(
      kind,
      options,
      (values, scope) => {
        this.#scope = scope;
        scope.adopt(uncounted);
        results = append();
        return results[0]?.value ?? values[0]!;
      },
      { label },
    );
    try {
      outer.inline(inner, ...inputs);
    } finally {
      this.#scope = outer;
    }
    return results!;
  };
}

/** Factors and variances of normalisation, which begin at 1. */
function factors(graph: GraphProto): Map<string, Initializer> {
  const found = new Map<string, Initializer>();
  for (const { opType, input } of graph.node) {
    if (!opType.endsWith("Normalization")) continue;
    for (const index of [1, 4]) found.set(input[index] ?? "", constant(1));
  }
  return found;
}

/** For each `MatMul` that nothing but an `Add` of a vector of weights reads: that vector, by the product's name. */
function biasesOfProducts(graph: GraphProto): Map<string, string> {
  const vectors = new Set(
    graph.initializer.filter(({ dims }) => dims.length === 1).map(({ name }) => name),
  );
  const products = new Set(
    graph.node.filter(({ opType }) => opType === "MatMul").map(({ output }) => output[0] ?? ""),
  );
  const uses = new Map<string, number>();
  for (const { input } of graph.node) {
    for (const name of input) uses.set(name, (uses.get(name) ?? 0) + 1);
  }
  const found = new Map<string, string>();
  for (const { opType, input } of graph.node) {
    const product = input.find((name) => products.has(name) && uses.get(name) === 1);
    const bias = input.find((name) => vectors.has(name) && uses.get(name) === 1);
    if (opType === "Add" && product !== undefined && bias !== undefined) found.set(product, bias);
  }
  return found;
}
