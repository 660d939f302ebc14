import { type Shape, sameShape } from "../core/shape.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type { Graph } from "../graph/graph.ts";
import { buildNet, type LayerRecord, type ParameterDeclaration } from "../layers/layer.ts";
import type { Net } from "../models/net.ts";
import type { PublishedWeights } from "../models/publishedWeights.ts";
import { matchTensors, type TensorMatch } from "./matchTensors.ts";

interface Shaped {
  readonly shape: Shape;
}

/** How the tensors of a file fit a net, and how that was found out. */
export interface WeightFit extends TensorMatch {
  /** `names`: as the file calls them or as a publisher is known to; `order`: by their order in the file. */
  readonly by: "names" | "order";
  /** The row of the net's published weights whose names they have. */
  readonly published: PublishedWeights | undefined;
  /** Names of the net's last layer with weights: what depends on the classes. */
  readonly head: ReadonlySet<string>;
  /**
   * Running means of the net, with the file's bias that each takes up: a convolution in front of a norm may have one
   * there and none here, and `norm(x + b)` is the norm of x with a mean smaller by b.
   */
  readonly absorbed: ReadonlyMap<string, string>;
}

/** What {@link fitWeights} is told beside the tensors. */
export interface FitOptions {
  /** The net's published weights; see `publishedWeights`. */
  readonly published?: readonly PublishedWeights[];
  /** Whether the file lists its layers in the order in which they compute. Default false. */
  readonly ordered?: boolean;
}

/**
 * Finds the file's tensor for every tensor of a net:
 * 1. by names, as they are and as publishers of weights for this net are known to call them;
 * 2. where that leaves gaps and the file has an order, by order, with every shape as proof. Where two branches of the
 *    net have the same shapes the order proves nothing, and it is not tried.
 *
 * Shapes may differ in ones: a linear layer is a convolution of 1x1, and a depthwise kernel whose file does not say that
 * it is one is read as [1, C, R, S], not [C, 1, R, S].
 */
export function fitWeights(
  net: Net,
  given: ReadonlyMap<string, Shaped>,
  options: FitOptions = {},
): WeightFit {
  const { published = [], ordered = false } = options;
  const { parameters, layers, graph } = layersWithWeights(net);
  const expected = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  const head = new Set(layers.findLast(({ auxiliary }) => !auxiliary)?.parameters ?? []);
  const file = withoutBatchCounts(joinScales(given));
  const norms = normsBehind(layers);
  const fitBy = (row: PublishedWeights | undefined): WeightFit => {
    const names = renamed(file, row);
    const fit = matchTensors(expected, names);
    const absorbed = absorbedBiases(fit, names, norms);
    const left = fit.unexpected.filter((name) => !absorbed.has(name));
    return {
      ...original({ ...fit, unexpected: left }, names),
      missing: fit.missing.filter((name) => !isBatchCount(name)),
      by: "names",
      published: row,
      head,
      absorbed: new Map([...absorbed].map(([bias, mean]) => [mean, names.get(bias)!.source])),
    };
  };
  const plain = fitBy(undefined);
  let best: WeightFit = { ...plain, published: published.find(({ rename }) => !rename) };
  for (const row of published.filter(({ rename }) => rename)) {
    const found = fitBy(row);
    if (found.matched.size > best.matched.size) best = found;
  }
  if (isComplete(best) || !ordered) return best;
  const inOrder = matchInOrder(layers, expected, file, graph);
  if (inOrder === undefined) return best;
  return {
    ...inOrder,
    by: "order",
    published: undefined,
    head,
    absorbed: new Map(),
    prefix: "",
  };
}

/** Names of convolutions and linear layers with that of the running mean of the norm that alone reads them. */
function normsBehind(layers: readonly WeightedLayer[]): ReadonlyMap<string, string> {
  const makers = new Map(layers.map(({ record }) => [record.outputId, record.name]));
  const found = new Map<string, string>();
  for (const { record } of layers) {
    const before = makers.get(record.inputIds[0]!);
    const mean = `${record.name}.running_mean`;
    if (before !== undefined && record.parameters.includes(mean)) found.set(before, mean);
  }
  return found;
}

/** Biases of the file that no layer of the net has, with the running mean behind them. */
function absorbedBiases(
  { unexpected, matched, prefix }: TensorMatch,
  names: ReadonlyMap<string, NamedTensor>,
  norms: ReadonlyMap<string, string>,
): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of unexpected) {
    const own = name.startsWith(prefix) ? name.slice(prefix.length) : name;
    const mean = own.endsWith(".bias") ? norms.get(ownerOf(own)) : undefined;
    const source = mean === undefined ? undefined : names.get(matched.get(mean) ?? "");
    if (source !== undefined && sameShape(source.shape, names.get(name)!.shape)) {
      found.set(name, mean!);
    }
  }
  return found;
}

/** Whether every tensor of the net has one of the file. */
export function isComplete({ missing, misshapen }: TensorMatch): boolean {
  return missing.length === 0 && misshapen.length === 0;
}

/** Whether nothing but the last layer lacks its tensors: they are for other classes. */
export function differsInHead({ missing, misshapen, head, matched }: WeightFit): boolean {
  const without = [...missing, ...misshapen.map(({ name }) => name)];
  return without.length > 0 && matched.size > 0 && without.every((name) => head.has(name));
}

/** A layer that declares tensors itself. */
interface WeightedLayer {
  readonly parameters: readonly string[];
  readonly auxiliary: boolean;
  readonly record: LayerRecord;
}

/** The layers with weights in the order of computation, and the graph they are in. */
function layersWithWeights(net: Net): {
  readonly parameters: readonly ParameterDeclaration[];
  readonly layers: readonly WeightedLayer[];
  readonly graph: Graph;
} {
  const builder = new GraphBuilder({ keepComposites: true });
  const input = builder.input("x", [1, ...net.input]);
  const { parameters, records } = buildNet(net.layer, { builder, input, training: false });
  const layers = records
    .filter((record) => record.parameters.length > 0)
    .map((record) => ({ parameters: record.parameters, auxiliary: record.auxiliary, record }));
  return { parameters, layers, graph: builder.finish() };
}

/** Where flattened maps enter linear layers: name of the layer and what was flattened, as Keras has it, [H, W, C]. */
export function flattenedLayers(net: Net): ReadonlyMap<string, readonly [number, number, number]> {
  const builder = new GraphBuilder({ keepComposites: true });
  const input = builder.input("x", [1, ...net.input]);
  const { records } = buildNet(net.layer, { builder, input, training: false });
  const flat = new Map<number, readonly [number, number, number]>();
  const found = new Map<string, readonly [number, number, number]>();
  for (const { kind, name, inputs, inputIds, outputId } of records) {
    const [shape] = inputs;
    const [from] = inputIds;
    if (kind === "flatten" && shape?.length === 4) {
      flat.set(outputId, [shape[2]!, shape[3]!, shape[1]!]);
    } else if (kind === "linear") {
      const maps = flat.get(from!);
      if (maps !== undefined && maps[0] * maps[1] > 1) found.set(name, maps);
    } else if (["activation", "dropout"].includes(kind)) {
      const maps = flat.get(from!);
      if (maps !== undefined) flat.set(outputId, maps);
    }
  }
  return found;
}

/** `fc.weight` → `fc`. */
function ownerOf(tensor: string): string {
  return tensor.slice(0, Math.max(0, tensor.lastIndexOf(".")));
}

function isBatchCount(name: string): boolean {
  return name.endsWith("num_batches_tracked");
}

function withoutBatchCounts<T>(tensors: ReadonlyMap<string, T>): Map<string, T> {
  return new Map([...tensors].filter(([name]) => !isBatchCount(name)));
}

interface NamedTensor extends Shaped {
  /** What the file calls it. */
  readonly source: string;
}

/** Caffe keeps a batch norm in two layers, statistics and scale: here they are one, by the name of the first. */
function joinScales(given: ReadonlyMap<string, Shaped>): Map<string, NamedTensor> {
  const groups = groupByOwner(given);
  const result = new Map<string, NamedTensor>();
  let statistics: { readonly owner: string; readonly length: string } | undefined;
  for (const [owner, tensors] of groups) {
    const roles = [...tensors.keys()].map((name) => name.slice(owner.length + 1)).sort();
    const first = [...tensors.values()][0]!.shape;
    const isScale = roles.join() === "bias,weight" && statistics?.length === first.join();
    const name = isScale ? statistics!.owner : owner;
    for (const [full, { shape }] of tensors) {
      const role = owner === "" ? full : full.slice(owner.length + 1);
      result.set(name === "" ? role : `${name}.${role}`, { shape, source: full });
    }
    const isStatistics = roles.join() === "running_mean,running_var";
    statistics = isStatistics ? { owner, length: first.join() } : undefined;
  }
  return result;
}

function groupByOwner<T>(tensors: ReadonlyMap<string, T>): Map<string, Map<string, T>> {
  const groups = new Map<string, Map<string, T>>();
  for (const [name, tensor] of tensors) {
    const owner = ownerOf(name);
    const group = groups.get(owner) ?? new Map<string, T>();
    group.set(name, tensor);
    groups.set(owner, group);
  }
  return groups;
}

/** The file's tensors by the names that the net would give them. */
function renamed(
  file: ReadonlyMap<string, NamedTensor>,
  row: PublishedWeights | undefined,
): Map<string, NamedTensor> {
  if (row?.rename === undefined) return new Map(file);
  return new Map(
    [...file].map(([name, tensor]) => {
      const owner = ownerOf(name);
      const ours = row.rename!(owner);
      return [ours === undefined ? name : ours + name.slice(owner.length), tensor] as const;
    }),
  );
}

/** A match in the names of the file, with shapes that differ in ones counted as equal. */
function original(fit: TensorMatch, names: ReadonlyMap<string, NamedTensor>): TensorMatch {
  const sourceOf = (name: string) => names.get(name)?.source ?? name;
  const matched = new Map([...fit.matched].map(([ours, name]) => [ours, sourceOf(name)]));
  const misshapen: TensorMatch["misshapen"][number][] = [];
  for (const row of fit.misshapen) {
    if (!sameNumbers(row.expected, row.given)) misshapen.push(row);
    else {
      const name = names.has(fit.prefix + row.name) ? fit.prefix + row.name : row.name;
      matched.set(row.name, sourceOf(name));
    }
  }
  return { ...fit, matched, misshapen, unexpected: fit.unexpected.map(sourceOf) };
}

/** Whether two shapes differ in nothing but ones, so that the numbers lie in the same order. */
function sameNumbers(a: Shape, b: Shape): boolean {
  const short = (shape: Shape) => shape.filter((size) => size !== 1);
  return sameShape(short(a), short(b));
}

function matchInOrder(
  layers: readonly WeightedLayer[],
  expected: ReadonlyMap<string, ParameterDeclaration>,
  file: ReadonlyMap<string, NamedTensor>,
  graph: Graph,
): Omit<TensorMatch, "prefix"> | undefined {
  const wanted = layers
    .filter(({ auxiliary }) => !auxiliary)
    .map(({ parameters, record }) => ({
      record,
      tensors: new Map(
        parameters
          .filter((name) => !isBatchCount(name))
          .map((name) => [name.slice(record.name.length + 1), expected.get(name)!]),
      ),
    }));
  const there = [...groupByOwner(file)].map(
    ([owner, tensors]) =>
      new Map([...tensors].map(([name, tensor]) => [name.slice(owner.length + 1), tensor])),
  );
  if (wanted.length !== there.length || hasTwins(wanted, graph)) return undefined;
  const matched = new Map<string, string>();
  for (const [i, { tensors }] of wanted.entries()) {
    const found = there[i]!;
    if (found.size !== tensors.size) return undefined;
    for (const [role, { name, shape }] of tensors) {
      const tensor = found.get(role);
      if (tensor === undefined || !sameNumbers(tensor.shape, shape)) return undefined;
      matched.set(name, tensor.source);
    }
  }
  return { matched, missing: [], unexpected: [], misshapen: [] };
}

/** Whether two layers beside each other, neither of which feeds the other, have tensors of the same shapes. */
function hasTwins(
  layers: readonly {
    readonly record: LayerRecord;
    readonly tensors: ReadonlyMap<string, Shaped>;
  }[],
  graph: Graph,
): boolean {
  const before = new Map<number, ReadonlySet<number>>();
  const places = new Map(layers.map(({ record }, i) => [record.outputId, i]));
  for (const node of graph.nodes) {
    const all = new Set<number>();
    for (const id of node.inputs) for (const place of before.get(id) ?? []) all.add(place);
    for (const id of node.outputs) {
      const own = places.get(id);
      before.set(id, own === undefined ? all : new Set([...all, own]));
    }
  }
  const signature = (i: number) =>
    [...layers[i]!.tensors].map(([role, { shape }]) => `${role}:${shape.join("x")}`).join();
  return layers.some(({ record }, i) =>
    layers.slice(0, i).some((_, j) => {
      if (signature(i) !== signature(j)) return false;
      return before.get(record.outputId)?.has(j) !== true;
    }),
  );
}
