import { UnsupportedError } from "../../core/errors.ts";
import { broadcastShapes } from "../../core/shape.ts";
import type { Attributes, TensorType } from "../../graph/graph.ts";
import { binaryExpression } from "../../graph/ops/binary.ts";
import type { Conv2dAttributes } from "../../graph/ops/conv2d.ts";
import type { AttributesOf, PrimitiveName } from "../../graph/ops/index.ts";
import { unaryExpression } from "../../graph/ops/unary.ts";
import type { Features } from "./kernel.ts";
import type { KernelPlan } from "./kernelPlan.ts";
import { planConv2d } from "./kernels/conv2d.ts";
import type { Conv2dGeometry } from "./kernels/conv2dGeometry.ts";
import { planElementwise } from "./kernels/elementwise.ts";
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

/** How a primitive operation is computed here; `alias`: the output is the input's memory, read anew. */
type Lowering<A extends Attributes> = (
  inputs: readonly TensorType[],
  attributes: A,
  outputs: readonly TensorType[],
  features: Features,
) => KernelPlan | "alias";

/** Operations that are places in memory, not computations. */
export type LeafName = "input" | "state" | "constant";

const elementwise: Lowering<AttributesOf<"elementwise">> = (inputs, { expressions }, outputs) =>
  planElementwise({
    shape: outputs[0]!.shape,
    inputs,
    outputs: expressions.map((expression) => ({ expression, dtype: "float32" })),
  });

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

/** One row per primitive operation; a missing one is a compile error. */
const lowerings: { readonly [K in Exclude<PrimitiveName, LeafName>]: Lowering<AttributesOf<K>> } = {
  unary: (inputs, attributes, outputs, features) =>
    elementwise(inputs, { expressions: [unaryExpression(attributes)] }, outputs, features),
  binary: (inputs, attributes, outputs, features) =>
    elementwise(inputs, { expressions: [binaryExpression(attributes)] }, outputs, features),
  elementwise,
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
  conv2d: ([x, weight], attributes, _, features) =>
    planConv2d(convolutionGeometry(x!, weight!, attributes), features),
  reshape: ([x], { shape }) =>
    reshapeKeepsMemory(x!.shape, shape) ? "alias" : planReshape(x!.shape, shape),
  transpose: ([x], { permutation }) => planTranspose(x!.shape, permutation),
  broadcast: ([x], { shape }) => planBroadcast(x!.shape, shape),
  slice: ([x], { starts }, [y]) => planSlice(x!.shape, starts, y!.shape),
  pad: ([x], { before, after, value }) => planPad(x!.shape, before, after, value),
  concat: (inputs, { axis }) =>
    planConcat(
      inputs.map(({ shape }) => shape),
      axis,
    ),
};

/** Plans one operation by its name. */
export function lowerOperation(
  op: string,
  inputs: readonly TensorType[],
  attributes: Attributes,
  outputs: readonly TensorType[],
  features: Features,
): KernelPlan | "alias" {
  const table: Readonly<Record<string, Lowering<never> | undefined>> = lowerings;
  const lowering = table[op];
  if (lowering === undefined) throw new UnsupportedError(`wasm: no kernel for "${op}".`);
  return lowering(inputs, attributes as never, outputs, features);
}

/** A dense copy of a value. */
export function copyPlan({ shape }: TensorType): KernelPlan {
  return planBroadcast(shape, shape);
}
