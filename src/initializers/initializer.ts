import { OptionError } from "../core/errors.ts";
import type { RandomStream } from "../core/random.ts";
import { elementCount, formatShape, type Shape } from "../core/shape.ts";

/**
 * A rule that fills a parameter before training: a plain object, so that a net that names it can be written
 * to a file. Numbers are drawn in row-major logical order from the parameter's own stream, so that they depend
 * on the seed and the parameter's name alone.
 */
export interface Initializer {
  /** Key in the table of initialisers. */
  readonly kind: string;
  readonly options: Readonly<Record<string, number | string>>;
  fill(shape: Shape, stream: RandomStream): Float32Array;
}

/** Inputs that each output adds up, and outputs that each input feeds, of a weight `[out, in, …kernel]`. */
export function fans(shape: Shape): { readonly fanIn: number; readonly fanOut: number } {
  const [out, inputs, ...kernel] = shape;
  if (out === undefined || inputs === undefined) {
    throw new OptionError(
      `initializer: fans need a weight [out, in, …], got ${formatShape(shape)}; use constant or uniform for vectors.`,
    );
  }
  const field = elementCount(kernel);
  return { fanIn: inputs * field, fanOut: out * field };
}

/** Draws every element by the same rule. */
export function drawEach(shape: Shape, draw: () => number): Float32Array {
  const numbers = new Float32Array(elementCount(shape));
  for (let i = 0; i < numbers.length; i++) numbers[i] = draw();
  return numbers;
}
