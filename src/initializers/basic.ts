import type { Initializer } from "./initializer.ts";
import { fill } from "./initializer.ts";

/** Every element `value`. */
export function constant(value: number): Initializer {
  return (shape) => fill(shape, () => value);
}

/** Uniform in [low, high). */
export function uniform(low: number, high: number): Initializer {
  return (shape, stream) => fill(shape, () => low + (high - low) * stream.uniform());
}

/** Normal with the given mean and standard deviation. */
export function normal(mean: number, deviation: number): Initializer {
  return (shape, stream) => fill(shape, () => mean + deviation * stream.normal());
}

/**
 * Normal, drawn again until within `limit` standard deviations of the mean (2 if left out, as Keras and timm);
 * the deviation given is that before cutting off.
 */
export function truncatedNormal(mean: number, deviation: number, limit = 2): Initializer {
  return (shape, stream) =>
    fill(shape, () => {
      for (;;) {
        const z = stream.normal();
        if (Math.abs(z) <= limit) return mean + deviation * z;
      }
    });
}
