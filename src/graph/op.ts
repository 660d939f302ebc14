import type { Value } from "./builder.ts";
import type { Attributes, TensorType } from "./graph.ts";

/**
 * An operation: its shape rule, and either a gradient (primitive operations, for which every
 * backend has a kernel) or a decomposition into other operations.
 */
export type Op<A extends Attributes = Attributes> = PrimitiveOp<A> | CompositeOp<A>;

interface OpBase<A extends Attributes> {
  /** The key in the table of operations. */
  readonly name: string;
  /** Types of the outputs, or throws a ShapeError or GraphError that starts with `where`. */
  infer(inputs: readonly TensorType[], attributes: A, where: string): readonly TensorType[];
  /** Whether inputs may be int32, which arithmetic reads as float32. Default false: all are float32. */
  readonly integers?: boolean;
  /** Multiply-adds of the operation, counted as in the literature (convolutions and products only). */
  macs?(inputs: readonly TensorType[], outputs: readonly TensorType[], attributes: A): number;
}

export interface PrimitiveOp<A extends Attributes> extends OpBase<A> {
  readonly kind: "primitive";
  /**
   * Appends the nodes that compute the gradient with respect to each input, or leaves `undefined` where
   * none flows. `"none"`: the operation is piecewise constant or has no float inputs.
   */
  readonly gradient: "none" | ((context: GradientContext<A>) => readonly (Value | undefined)[]);
}

export interface CompositeOp<A extends Attributes> extends OpBase<A> {
  readonly kind: "composite";
  /** The same outputs from simpler operations; its gradient is theirs. */
  decompose(inputs: readonly Value[], attributes: A): readonly Value[];
}

export interface GradientContext<A extends Attributes> {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: A;
  /** Gradient of the scalar with respect to each output; `undefined` where it is zero. */
  readonly gradients: readonly (Value | undefined)[];
  /** Which inputs' gradients are asked for; the others may be left `undefined`. */
  readonly needed: readonly boolean[];
}
