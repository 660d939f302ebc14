import type { TensorData } from "../../src/core/dtype.ts";
import { RandomStream } from "../../src/core/random.ts";
import { elementCount, type Shape } from "../../src/core/shape.ts";
import type { GraphBuilder, Value } from "../../src/graph/builder.ts";

/** An input of a case, and the numbers it is fed. */
export interface OpInput {
  readonly shape: Shape;
  /** Default float32. */
  readonly dtype?: "float32" | "int32";
  /** Uniform numbers between these; default −2 to 2. Integers for int32, both ends included. */
  readonly range?: readonly [number, number];
  /** Keep the numbers at least `clearance` away from these: where the slope jumps. */
  readonly avoid?: readonly number[];
  /**
   * Multiples of `step` plus `offset`, no two equal, in random order: nothing ties, neither inside this input nor
   * with another one that has another offset.
   */
  readonly distinct?: { readonly step: number; readonly offset?: number };
  /** Exactly these numbers. */
  readonly values?: readonly number[];
  /** Whether the gradient with respect to it is checked. Default: true for float32. */
  readonly gradient?: boolean;
}

/** One use of an operation, small enough to be differentiated element by element. */
export interface OpCase {
  readonly name: string;
  readonly inputs: readonly OpInput[];
  build(inputs: readonly Value[], builder: GraphBuilder): Value | readonly Value[];
  /** Largest error of a fast backend, as a share of the largest expected number. Default 1e-5. */
  readonly tolerance?: number;
  /** Why `tolerance` is not the default. */
  readonly toleranceReason?: string;
  /** Why the gradient is not compared with finite differences (it is compared between backends all the same). */
  readonly noFiniteDifferences?: string;
  /** Whether the gradient of the gradient is checked too. Default true where finite differences are. */
  readonly secondOrder?: boolean;
}

/** How far `avoid` keeps numbers away: far more than a finite difference steps. */
const clearance = 0.01;

/** What makes a case larger than it is worth differentiating element by element. */
export const tooLarge = "one difference per element would take too long";

/** The numbers of an input, the same in every run. */
export function numbersOf(input: OpInput, stream: string): TensorData {
  const { shape, dtype = "float32", range = [-2, 2], avoid = [], distinct, values } = input;
  const count = elementCount(shape);
  const random = new RandomStream(1, stream);
  const [low, high] = range;
  if (values !== undefined) {
    return dtype === "int32" ? Int32Array.from(values) : Float32Array.from(values);
  }
  if (dtype === "int32") {
    return Int32Array.from({ length: count }, () => low + random.integer(high - low + 1));
  }
  if (distinct !== undefined) {
    const { step, offset = 0 } = distinct;
    const order = random.permutation(count);
    return Float32Array.from(order, (place) => (place - Math.floor(count / 2)) * step + offset);
  }
  return Float32Array.from({ length: count }, () => {
    for (;;) {
      const value = low + (high - low) * random.uniform();
      if (avoid.every((point) => Math.abs(value - point) >= clearance)) return value;
    }
  });
}

/** Shorthand for inputs of uniform numbers. */
export function uniform(...shapes: readonly Shape[]): OpInput[] {
  return shapes.map((shape) => ({ shape }));
}
