import { OptionError } from "../core/errors.ts";
import type { RandomStream } from "../core/random.ts";
import { elementCount, formatShape, type Shape } from "../core/shape.ts";

/**
 * Fills a parameter before training. Numbers are drawn in row-major logical order from the parameter's
 * own stream, so that they depend on the seed and the parameter's name alone.
 */
export type Initializer = (shape: Shape, stream: RandomStream) => Float32Array;

/** Inputs that each output adds up, and outputs that each input feeds, of a weight `[out, in, …kernel]`. */
export function fans(shape: Shape): { fanIn: number; fanOut: number } {
  const [out, inputs, ...kernel] = shape;
  if (out === undefined || inputs === undefined) {
    throw new OptionError(
      `initializer: fans need a weight [out, in, …], got ${formatShape(shape)}; use constant or uniform for vectors.`,
    );
  }
  const field = elementCount(kernel);
  return { fanIn: inputs * field, fanOut: out * field };
}

/** Draws every element by a rule. */
export function fill(shape: Shape, draw: () => number): Float32Array {
  return Float32Array.from({ length: elementCount(shape) }, draw);
}
