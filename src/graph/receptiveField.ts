import type { Graph, Node, TensorType } from "./graph.ts";
import type { AxisMapAttributes } from "./ops/axisMap.ts";
import type { Conv2dAttributes } from "./ops/conv2d.ts";
import type { MatmulAttributes } from "./ops/matmul.ts";
import type { MaxPool2dAttributes } from "./ops/maxPool2d.ts";
import type { ReduceAttributes } from "./ops/reduce.ts";
import type { TransposeAttributes } from "./ops/transpose.ts";
import type { PoolWindow } from "./poolWindows.ts";
import { kernelExtent } from "./window.ts";

/** What one element of a value sees of the image along rows and columns; padding counts as image. */
export interface ReceptiveField {
  /** Pixels from the first to the last seen, `[vertical, horizontal]`. */
  readonly size: readonly [number, number];
  /** Pixels between what neighbours see; meaningless where the plane is gone. */
  readonly jump: readonly [number, number];
}

/** The field along one direction. */
interface Extent {
  readonly size: number;
  readonly jump: number;
  /** The axis of the value that runs along this direction, −1 where it is gone. */
  readonly axis: number;
  /** What `size` grows by where all elements of a flattened plane meet. */
  readonly spread: number;
}

type Extents = readonly [Extent, Extent];

/**
 * The receptive field of every value of a graph, by its id; `undefined` where no image is seen. An operation with a
 * kernel of extent k and stride s makes `size + (k − 1)·jump` and `jump·s`; where branches meet the largest counts; what
 * pools a whole plane sees all of it, and so does everything its result is multiplied with.
 *
 * Take the graph of inference: in training, batch statistics let every pixel see every other.
 * Source: Araujo, Norris & Sim 2019, "Computing receptive fields of convolutional neural networks".
 */
export function receptiveFields(graph: Graph): readonly (ReceptiveField | undefined)[] {
  const known: (Extents | undefined)[] = new Array(graph.values.length).fill(undefined);
  for (const node of graph.nodes) {
    const field = fieldOf(node, graph.values, known);
    for (const id of node.outputs) known[id] = field;
  }
  return known.map((extents) =>
    extents === undefined
      ? undefined
      : {
          size: [extents[0].size, extents[1].size],
          jump: [extents[0].jump, extents[1].jump],
        },
  );
}

function fieldOf(
  node: Node,
  types: readonly TensorType[],
  known: readonly (Extents | undefined)[],
): Extents | undefined {
  const output = types[node.outputs[0]!]!;
  if (node.op === "input") {
    if (output.shape.length !== 4) return undefined;
    const start = (axis: number): Extent => ({ size: 1, jump: 1, axis, spread: 0 });
    return [start(2), start(3)];
  }
  const seen = node.inputs.flatMap((id) => {
    const extents = known[id];
    return extents === undefined ? [] : [{ extents, type: types[id]! }];
  });
  const [first] = seen;
  if (first === undefined) return undefined;
  const rule = rules[node.op];
  if (rule === undefined) return merge(seen, output, node);
  return [0, 1].map((direction) =>
    rule(first.extents[direction]!, { direction, node, input: first.type, types }),
  ) as unknown as Extents;
}

interface Context {
  /** 0 for rows, 1 for columns. */
  readonly direction: number;
  readonly node: Node;
  readonly input: TensorType;
  readonly types: readonly TensorType[];
}

type Rule = (before: Extent, context: Context) => Extent;

const attributesOf = <A>(node: Node): A => node.attributes as unknown as A;

/** Length of the axis that runs along the direction, 1 where it is gone. */
const lengthOf = ({ axis }: Extent, type: TensorType): number => (axis < 0 ? 1 : type.shape[axis]!);

/** All of the plane along this direction meets in each element. */
const whole = (before: Extent, length: number): Extent => ({
  ...before,
  size: before.size + (length - 1) * before.jump + before.spread,
  spread: 0,
});

const convolution: Rule = (before, { direction, node, types }) => {
  const { stride, dilation } = attributesOf<Conv2dAttributes>(node);
  const kernel = types[node.inputs[1]!]!.shape[2 + direction]!;
  const extent = kernelExtent(kernel, dilation[direction]!);
  return {
    ...before,
    size: before.size + (extent - 1) * before.jump,
    jump: before.jump * stride[direction]!,
  };
};

/** A transposed convolution: an element sees only every stride-th place of the kernel. */
const transposedConvolution: Rule = (before, { direction, node, types }) => {
  const { stride, dilation } = attributesOf<Conv2dAttributes>(node);
  const kernel = types[node.inputs[1]!]!.shape[2 + direction]!;
  const seen = Math.ceil(kernelExtent(kernel, dilation[direction]!) / stride[direction]!);
  return {
    ...before,
    size: before.size + (seen - 1) * before.jump,
    jump: before.jump / stride[direction]!,
  };
};

const pooling: Rule = (before, { direction, node, input }) => {
  const { rows, columns } = attributesOf<MaxPool2dAttributes>(node);
  const windows = direction === 0 ? rows : columns;
  const spans = windows.map(
    (w: PoolWindow) => [w.start, w.start + (w.count - 1) * w.step] as const,
  );
  return spanning(before, spans, lengthOf(before, input));
};

/**
 * Every output reads from the first to the last place of its span. Spans at a border are cut off, so the step is the
 * largest between neighbouring starts or ends; where the plane grows it is a fraction.
 */
function spanning(
  before: Extent,
  spans: readonly (readonly [number, number])[],
  length: number,
): Extent {
  const longest = Math.max(0, ...spans.map(([first, last]) => last - first));
  const steps = spans
    .slice(1)
    .flatMap(([first, last], i) => [first - spans[i]![0], last - spans[i]![1]]);
  const step = spans.length > length ? length / spans.length : Math.max(...steps);
  return {
    ...before,
    size: before.size + longest * before.jump,
    jump: before.jump * (spans.length <= 1 ? length : step),
  };
}

const axisMap: Rule = (before, { node, input }) => {
  const { axis, indices } = attributesOf<AxisMapAttributes>(node);
  if (axis !== before.axis) return before;
  const spans = indices
    .filter((row) => row.length > 0)
    .map((row) => [Math.min(...row), Math.max(...row)] as const);
  return spanning(before, spans, lengthOf(before, input));
};

const reduction: Rule = (before, { node, input }) => {
  const { axes, keepDims = true } = attributesOf<Partial<ReduceAttributes> & { axes: number[] }>(
    node,
  );
  const length = lengthOf(before, input);
  const reduced = axes.includes(before.axis);
  const after = reduced ? { ...whole(before, length), jump: before.jump * length } : before;
  if (keepDims) return after;
  const shift = axes.filter((axis) => axis < before.axis).length;
  return { ...after, axis: reduced || before.axis < 0 ? -1 : before.axis - shift };
};

/** Normalisation over axes or groups: every pixel sees what it is normalised with. */
const normalization: Rule = (before, { node, input }) => {
  const { axes } = attributesOf<{ readonly axes?: readonly number[] }>(node);
  const met = axes === undefined || axes.includes(before.axis);
  return met ? whole(before, lengthOf(before, input)) : before;
};

const argMax: Rule = (before, { node }) => {
  const { axis } = attributesOf<{ readonly axis: number }>(node);
  return { ...before, axis: axis < before.axis ? before.axis - 1 : before.axis };
};

const product: Rule = (before, { node, input }) => {
  const { transposeA } = attributesOf<MatmulAttributes>(node);
  const met = before.axis === input.shape.length - (transposeA ? 2 : 1);
  return whole(before, met ? lengthOf(before, input) : 1);
};

const transpose: Rule = (before, { node }) => {
  const { permutation } = attributesOf<TransposeAttributes>(node);
  return { ...before, axis: before.axis < 0 ? -1 : permutation.indexOf(before.axis) };
};

/** An axis that keeps its length and what lies behind it goes on; any other is flattened. */
const reshape: Rule = (before, { node, input, types }) => {
  if (before.axis < 0) return before;
  const { shape } = types[node.outputs[0]!]!;
  const behind = (sizes: readonly number[], axis: number) =>
    sizes.slice(axis + 1).reduce((a, b) => a * b, 1);
  const length = lengthOf(before, input);
  const inner = behind(input.shape, before.axis);
  const axis = shape.findIndex((size, i) => size === length && behind(shape, i) === inner);
  if (axis >= 0) return { ...before, axis };
  return { ...before, axis: -1, spread: before.spread + (length - 1) * before.jump };
};

const rules: Readonly<Record<string, Rule>> = {
  conv2d: convolution,
  conv2dInputGradient: transposedConvolution,
  maxPool2d: pooling,
  avgPool2d: pooling,
  axisMap,
  reduce: reduction,
  moments: reduction,
  layerNorm: normalization,
  groupNorm: normalization,
  argMax,
  matmul: product,
  transpose,
  reshape,
};

/** Element by element, or side by side: the largest of all inputs, which broadcast. */
function merge(
  seen: readonly { readonly extents: Extents; readonly type: TensorType }[],
  output: TensorType,
  node: Node,
): Extents {
  const aligned = node.op === "oneHot" ? 0 : output.shape.length;
  return [0, 1].map((direction): Extent => {
    const parts = seen.map(({ extents, type }) => {
      const extent = extents[direction]!;
      const shift = aligned === 0 ? 0 : aligned - type.shape.length;
      return {
        extent,
        length: lengthOf(extent, type),
        axis: extent.axis < 0 ? -1 : extent.axis + shift,
      };
    });
    const longest = parts.reduce((a, b) => (b.length > a.length ? b : a));
    return {
      size: Math.max(...parts.map(({ extent }) => extent.size)),
      jump: Math.max(
        ...parts.filter(({ length }) => length === longest.length).map(({ extent }) => extent.jump),
      ),
      axis: Math.max(...parts.map(({ axis }) => axis)),
      spread: Math.max(...parts.map(({ extent }) => extent.spread)),
    };
  }) as unknown as Extents;
}
