import { UnsupportedError } from "../../core/errors.ts";
import { broadcastShapes, elementCount } from "../../core/shape.ts";
import type { Expression } from "../../graph/expression.ts";
import type { Attributes, TensorType } from "../../graph/graph.ts";
import { binaryExpression } from "../../graph/ops/binary.ts";
import type { Conv2dAttributes } from "../../graph/ops/conv2d.ts";
import type { AttributesOf, PrimitiveName } from "../../graph/ops/index.ts";
import type { MatmulAttributes } from "../../graph/ops/matmul.ts";
import { unaryExpression } from "../../graph/ops/unary.ts";
import type { Features } from "./kernel.ts";
import type { KernelPlan } from "./kernelPlan.ts";
import { planArgMax } from "./kernels/argMax.ts";
import { planAxisMap } from "./kernels/axisMap.ts";
import { planConv2d } from "./kernels/conv2d.ts";
import type { Conv2dGeometry } from "./kernels/conv2dGeometry.ts";
import { planConv2dInputGradient } from "./kernels/conv2dInputGradient.ts";
import { planConv2dWeightGradient } from "./kernels/conv2dWeightGradient.ts";
import { planElementwise } from "./kernels/elementwise.ts";
import { type MatmulGeometry, planMatmul } from "./kernels/matmul.ts";
import { planGatherSwitches, planMaxPool2d } from "./kernels/maxPool2d.ts";
import { planMaxUnpool2d } from "./kernels/maxUnpool2d.ts";
import { planMoments } from "./kernels/moments.ts";
import { planOneHot } from "./kernels/oneHot.ts";
import { planRandom } from "./kernels/random.ts";
import {
  planBroadcast,
  planConcat,
  planPad,
  planReshape,
  planSlice,
  planTranspose,
  reshapeKeepsMemory,
} from "./kernels/rearrange.ts";
import { planReduce } from "./kernels/reduce.ts";
import type { WinogradChoice } from "./kernels/winogradPlan.ts";

/** How a primitive operation is computed here; `alias`: the output is the input's memory, read anew. */
type Lowering<A extends Attributes> = (
  inputs: readonly TensorType[],
  attributes: A,
  outputs: readonly TensorType[],
  features: Features,
  usage: Usage,
) => KernelPlan | "alias";

/** What the rest of the graph does with an operation, and what the session wants. */
export interface Usage {
  /** For each output whether anything reads it. */
  readonly needed: readonly boolean[];
  /** For each input whether it is the same in every run while nobody writes states: weights at inference. */
  readonly lasting: readonly boolean[];
  readonly winograd: WinogradChoice;
  /** For each input of a concatenation whether it was written into the result. */
  readonly inPlace?: readonly boolean[];
}

/** Operations that are places in memory, not computations. */
export type LeafName = "input" | "state" | "constant";

function pointwise(
  inputs: readonly TensorType[],
  expressions: readonly Expression[],
  { shape }: TensorType,
): KernelPlan {
  const outputs = expressions.map((expression) => ({ expression, dtype: "float32" as const }));
  return planElementwise({ shape, inputs, outputs });
}

/** Geometry of a convolution between an input, a weight and its attributes. */
export function convolutionGeometry(
  x: TensorType,
  weight: TensorType,
  { stride, padding, dilation, groups }: Conv2dAttributes,
): Conv2dGeometry {
  const [images, channels, h, w] = x.shape as [number, number, number, number];
  const [filters, , r, s] = weight.shape as [number, number, number, number];
  return {
    images,
    channels,
    size: [h, w],
    filters,
    kernel: [r, s],
    stride,
    padding,
    dilation,
    groups,
  };
}

/** Sizes of a matrix product of two operands; leading axes are one batch. */
export function productGeometry(
  a: TensorType,
  b: TensorType,
  { transposeA, transposeB }: MatmulAttributes,
): MatmulGeometry {
  const [rows, depth] = transposeA
    ? [a.shape.at(-1)!, a.shape.at(-2)!]
    : [a.shape.at(-2)!, a.shape.at(-1)!];
  const columns = b.shape.at(transposeB ? -2 : -1)!;
  const batch = elementCount(a.shape.slice(0, -2));
  return { batch, rows, columns, depth, transposeA, transposeB };
}

/** One row per primitive operation; a missing one is a compile error. */
const lowerings: { readonly [K in Exclude<PrimitiveName, LeafName>]: Lowering<AttributesOf<K>> } = {
  unary: ([x], attributes, [y]) => pointwise([x!], [unaryExpression(attributes)], y!),
  binary: (inputs, attributes, [y]) => pointwise(inputs, [binaryExpression(attributes)], y!),
  elementwise: (inputs, { expressions }, [y]) => pointwise(inputs, expressions, y!),
  reduce: (inputs, { kind, axes, keepDims, expressions }) =>
    planReduce({
      kind,
      shape: broadcastShapes(
        inputs.map(({ shape }) => shape),
        "reduce",
      ),
      inputs,
      axes,
      keepDims,
      outputs: expressions.map((expression) => ({ expression })),
    }),
  conv2d: ([x, weight], attributes, _, features, { lasting, winograd }) =>
    planConv2d(convolutionGeometry(x!, weight!, attributes), features, {
      winograd,
      weightsChange: !lasting[1],
    }),
  conv2dInputGradient: ([, weight], attributes, [dx], features, { lasting, winograd }) =>
    planConv2dInputGradient(convolutionGeometry(dx!, weight!, attributes), features, {
      winograd,
      weightsChange: !lasting[1],
    }),
  conv2dWeightGradient: ([x], attributes, [dw], features, { winograd }) =>
    planConv2dWeightGradient(convolutionGeometry(x!, dw!, attributes), features, { winograd }),
  matmul: ([a, b], attributes, _, features, { lasting }) =>
    planMatmul(productGeometry(a!, b!, attributes), features, { weightsChange: !lasting[1] }),
  moments: ([x], { axes }) => planMoments({ shape: x!.shape, axes, keepDims: true }),
  argMax: ([x], { axis }) => planArgMax(x!.shape, axis),
  oneHot: ([x], { classes, axis }) => planOneHot(x!.shape, classes, axis),
  random: (_, { shape, stream }) => planRandom(shape, stream),
  maxPool2d: ([x], { rows, columns }, _outputs, _features, { needed }) =>
    planMaxPool2d({ shape: x!.shape, rows, columns, switches: needed[1]! }),
  maxUnpool2d: ([dy], { rows, columns, size }) =>
    planMaxUnpool2d({ shape: [dy!.shape[0]!, dy!.shape[1]!, ...size], rows, columns }),
  gatherSwitches: ([x, switches]) => planGatherSwitches(x!.shape, switches!.shape),
  axisMap: ([x], { axis, indices, weights }) =>
    planAxisMap({ shape: x!.shape, axis, indices, weights }),
  reshape: ([x], { shape }) =>
    reshapeKeepsMemory(x!.shape, shape) ? "alias" : planReshape(x!.shape, shape),
  transpose: ([x], { permutation }) => planTranspose(x!.shape, permutation),
  broadcast: ([x], { shape }) => planBroadcast(x!.shape, shape),
  slice: ([x], { starts }, [y]) => planSlice(x!.shape, starts, y!.shape),
  pad: ([x], { before, after, value }) => planPad(x!.shape, before, after, value),
  concat: (inputs, { axis }, _outputs, _features, { inPlace }) =>
    planConcat(
      inputs.map(({ shape }) => shape),
      axis,
      inPlace,
    ),
};

/** Plans one operation by its name. */
export function lowerOperation(
  op: string,
  inputs: readonly TensorType[],
  attributes: Attributes,
  outputs: readonly TensorType[],
  features: Features,
  usage: Usage,
): KernelPlan | "alias" {
  const table: Readonly<Record<string, Lowering<never> | undefined>> = lowerings;
  const lowering = table[op];
  if (lowering === undefined) throw new UnsupportedError(`wasm: no kernel for "${op}".`);
  return lowering(inputs, attributes as never, outputs, features, usage);
}

/** A dense copy of a value. */
export function copyPlan({ shape }: TensorType): KernelPlan {
  return planBroadcast(shape, shape);
}
