import type { TensorData } from "../core/dtype.ts";
import { ShapeError } from "../core/errors.ts";
import { elementCount, formatShape } from "../core/shape.ts";
import type { TensorType } from "../graph/graph.ts";
import type { Feeds } from "./backend.ts";

/**
 * What is fed to an input.
 *
 * @throws ShapeError where nothing is, or numbers of another kind or count.
 */
export function checkedFeed(
  name: string,
  { shape, dtype }: TensorType,
  feeds: Feeds,
): TensorData | Uint8Array {
  const data = feeds[name];
  const count = elementCount(shape);
  if (data === undefined) {
    throw new ShapeError(`input "${name}" ${formatShape(shape)} was not fed.`);
  }
  const isNumbers = dtype === "int32" ? data instanceof Int32Array : data instanceof Float32Array;
  if (!isNumbers && !(data instanceof Uint8Array)) {
    throw new ShapeError(
      `input "${name}" is ${dtype}; ${kindOf(data)} was fed, ${dtype === "int32" ? "an Int32Array" : "a Float32Array"} or a Uint8Array is expected.`,
    );
  }
  if (data.length !== count) {
    throw new ShapeError(
      `input "${name}" has shape ${formatShape(shape)}, ${count} elements; ${data.length} were fed.`,
    );
  }
  return data;
}

/** `a Float64Array`, `an Array`: what a program without types may feed. */
function kindOf(data: object): string {
  const { name } = data.constructor;
  return /^[AEIOU]/.test(name) ? `an ${name}` : `a ${name}`;
}
