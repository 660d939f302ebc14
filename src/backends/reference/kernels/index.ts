import type { Attributes, TensorType } from "../../../graph/graph.ts";
import type { AttributesOf, PrimitiveName } from "../../../graph/ops/index.ts";
import type { Tensor } from "../tensor.ts";
import { axisMap } from "./axisMap.ts";
import { conv2d, conv2dInputGradient, conv2dWeightGradient } from "./conv2d.ts";
import { broadcast, concat, pad, reshape, slice, transpose } from "./copies.ts";
import { binary, elementwise, random, unary } from "./elementwise.ts";
import { argMax, oneHot } from "./indices.ts";
import { matmul } from "./matmul.ts";
import { gatherSwitches, maxPool2d, maxUnpool2d } from "./maxPool2d.ts";
import { moments, reduce } from "./reduce.ts";

/** Computes a node: the plainest code that is obviously its definition, in float64. */
export type ReferenceKernel<A extends Attributes> = (
  inputs: readonly Tensor[],
  attributes: A,
  outputs: readonly TensorType[],
) => readonly Tensor[];

/** What the session provides instead of a kernel. */
type Leaf = "input" | "state" | "constant";

/** One kernel per primitive operation; a missing one is a compile error. */
export const referenceKernels: {
  readonly [K in Exclude<PrimitiveName, Leaf>]: ReferenceKernel<AttributesOf<K>>;
} = {
  random,
  unary,
  binary,
  elementwise,
  reduce,
  moments,
  argMax,
  oneHot,
  matmul,
  conv2d,
  conv2dInputGradient,
  conv2dWeightGradient,
  maxPool2d,
  maxUnpool2d,
  gatherSwitches,
  axisMap,
  reshape,
  transpose,
  broadcast,
  slice,
  pad,
  concat,
};
