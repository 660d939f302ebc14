import { elementCount } from "../../src/core/shape.ts";

/** Streams of the formula beside the tensors of the state. */
export const streams = { image: 1_000_000, activations: 2_000_000, gradients: 3_000_000 } as const;

function mix(value: number): number {
  let x = value;
  x ^= x >>> 16;
  x = Math.imul(x, 0x7feb352d);
  x ^= x >>> 15;
  x = Math.imul(x, 0x846ca68b);
  x ^= x >>> 16;
  return x;
}

/** `unit(seed, stream, i)`: numbers in [−1, 1) that stand in for stored weights. */
export function units(seed: number, stream: number): (i: number) => number {
  const key = mix((stream + Math.imul(seed, 0x9e3779b9)) | 0);
  return (i) => (mix((key + i) | 0) >>> 8) / 2 ** 23 - 1;
}

/** `base` and `scale` of a tensor of the state, by its name and shape. */
export function spread(name: string, shape: readonly number[]): readonly [number, number] {
  const role = name.slice(name.lastIndexOf(".") + 1);
  if (role === "layer_scale") return [0.1, 0.05];
  if (shape.length >= 2) {
    const fanIn = shape.slice(1).reduce((product, size) => product * size, 1);
    return [0, Math.sqrt(6 / fanIn)];
  }
  if (role === "running_var" || role === "weight") return [1, 0.25];
  if (role === "bias" || role === "running_mean") return [0, 0.1];
  if (role === "num_batches_tracked") return [0, 0];
  throw new Error(`the formula says nothing of "${name}"`);
}

/** Contents of tensor number `position` of the state, or the first `count` of them. */
export function formulaWeights(
  seed: number,
  position: number,
  name: string,
  shape: readonly number[],
  count = elementCount(shape),
): Float32Array {
  const [base, scale] = spread(name, shape);
  const unit = units(seed, position);
  const data = new Float32Array(count);
  for (let i = 0; i < count; i++) data[i] = base + scale * unit(i);
  return data;
}
