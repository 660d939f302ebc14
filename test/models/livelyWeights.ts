import { RandomStream } from "../../src/core/random.ts";
import { uniform } from "../../src/initializers/basic.ts";
import { kaimingNormal } from "../../src/initializers/scaled.ts";
import type { ParameterDeclaration } from "../../src/layers/layer.ts";

/**
 * Weights that let a signal through nets of a few channels, where those of the papers (deviation 0.01, layer scale 1e-6)
 * would move by less than the last digit in a few steps.
 */
export function livelyWeights({
  name,
  shape,
  kind,
  initializer,
}: ParameterDeclaration): Float32Array {
  const stream = new RandomStream(11, name);
  if (kind === "buffer") return initializer.fill(shape, stream);
  const isVector = shape.filter((size) => size > 1).length < 2;
  if (!isVector) return kaimingNormal().fill(shape, stream);
  const [base, spread] = name.endsWith("bias") ? [0.1, 0.05] : [1, 0.25];
  return uniform({ low: base - spread, high: base + spread }).fill(shape, stream);
}
