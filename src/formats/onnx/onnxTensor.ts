import { UnsupportedError } from "../../core/errors.ts";
import { elementCount, formatShape, type Shape } from "../../core/shape.ts";
import { type GraphBuilder, Value } from "../../graph/builder.ts";
import { type ElementType, elementTypes } from "../elementType.ts";

/**
 * A tensor of an ONNX graph while it is imported. The engine computes float32 and int32; the type that ONNX declares
 * stays beside the value, and outputs are given in it.
 */
export interface OnnxTensor {
  readonly elementType: ElementType;
  readonly shape: Shape;
  /** Its numbers, row-major, where they are known before the graph runs: weights, shapes, what follows from them. */
  readonly numbers?: ArrayLike<number> | undefined;
  /** Where the graph computes it. What is known only becomes a constant when a node asks for it. */
  readonly value?: Value | undefined;
  /** It is, or is computed from, a state: fine-tuning changes it. */
  readonly trainable?: boolean | undefined;
  /** It is, or is computed from, an input that each run is fed with. */
  readonly fed?: boolean | undefined;
}

/** A tensor whose numbers are known. */
export interface KnownTensor extends OnnxTensor {
  readonly numbers: ArrayLike<number>;
}

/** A tensor with these numbers. */
export function known(
  numbers: ArrayLike<number>,
  shape: Shape = [numbers.length],
  elementType: ElementType = "int64",
): KnownTensor {
  return { elementType, shape, numbers };
}

/** Whether an element type holds integers only. Truth values are not among them. */
export function isIntegerType(type: ElementType): boolean {
  return elementTypes[type].dtype === "int32";
}

/** Whether a tensor has a size of 0. Its numbers are known: there are none. */
export function isEmpty(shape: Shape): boolean {
  return shape.includes(0);
}

/** The constant of the graph that has the numbers of a known tensor. */
export function constantOf(builder: GraphBuilder, tensor: KnownTensor, where: string): Value {
  const { numbers, shape, elementType } = tensor;
  if (isEmpty(shape)) {
    throw new UnsupportedError(
      `${where}: an input of shape ${formatShape(shape)} has no elements; the engine computes with tensors of at least one.`,
    );
  }
  const isInteger = isIntegerType(elementType);
  if (shape.length === 0 && !isInteger) return builder.constant(numbers[0]!);
  const data = isInteger ? Int32Array.from(numbers) : Float32Array.from(numbers);
  return builder.constant(data, shape);
}

/** What an operator makes: a tensor, or a value of the type of the node's first input. */
export type OperatorResult = OnnxTensor | Value;

/** A result with its type. */
export function typed(result: OperatorResult, elementType: ElementType): OnnxTensor {
  return result instanceof Value ? { elementType, shape: result.shape, value: result } : result;
}

/** How many numbers a tensor has. */
export function sizeOf(tensor: OnnxTensor): number {
  return elementCount(tensor.shape);
}
