/**
 * Counter-based random numbers: number `index` of stream `key` is a pure function of both, so draws
 * do not depend on the order or the thread that makes them, and a checkpoint needs no generator
 * state. The graph's `random` expression (graph/ops/expression.ts) computes the same function.
 *
 * The function is two rounds of a 32-bit integer finaliser (`lowbias32`, C. Wellons, "hash
 * prospector", bias 0.17) over the counter, keyed by two words:
 * `bits(k0, k1, i) = mix(mix(i ⊕ k0) + k1)`.
 */
import { boxMuller } from "./normal.ts";

export interface RandomKey {
  readonly k0: number;
  readonly k1: number;
}

/** `lowbias32`: a bijection of 32-bit integers in which each input bit changes each output bit half the time. */
export function mix32(value: number): number {
  let x = value | 0;
  x ^= x >>> 16;
  x = Math.imul(x, 0x7feb352d);
  x ^= x >>> 15;
  x = Math.imul(x, 0x846ca68b);
  x ^= x >>> 16;
  return x | 0;
}

/** The 32 random bits number `index` of stream `key`, as a signed integer. */
export function randomBits(key: RandomKey, index: number): number {
  return mix32((mix32((index | 0) ^ key.k0) + key.k1) | 0);
}

/** 24 bits of a word as a number in [0, 1), exact in float32. */
export function bitsToUniform(bits: number): number {
  return (bits >>> 8) / 2 ** 24;
}

/** Key of the stream `name` under `seed`; different names give unrelated streams. */
export function streamKey(seed: number, name: string): RandomKey {
  let k0 = mix32(seed | 0);
  let k1 = mix32(Math.floor(seed / 2 ** 32) ^ 0x9e3779b9);
  for (let i = 0; i < name.length; i++) {
    k0 = mix32(k0 ^ name.charCodeAt(i));
    k1 = mix32((k1 + name.charCodeAt(i)) | 0) ^ k0;
  }
  return { k0: mix32(k0 ^ k1), k1: mix32(k1) };
}

/** A named stream of random numbers read one after the other. */
export class RandomStream {
  readonly key: RandomKey;
  /** Index of the next number; save and restore it to continue a stream. */
  position: number;

  constructor(seed: number, name: string, position = 0) {
    this.key = streamKey(seed, name);
    this.position = position;
  }

  /** The next number in [0, 1), a multiple of 2⁻²⁴. */
  uniform(): number {
    return bitsToUniform(randomBits(this.key, this.position++));
  }

  /** The next integer in [0, `count`), without the bias of a plain remainder. */
  integer(count: number): number {
    const limit = Math.floor(2 ** 32 / count) * count;
    for (;;) {
      const bits = randomBits(this.key, this.position++) >>> 0;
      if (bits < limit) return bits % count;
    }
  }

  /** The next standard normal number, by the Box–Muller transform (two draws each). */
  normal(): number {
    const first = randomBits(this.key, this.position++) >>> 8;
    return boxMuller(first, randomBits(this.key, this.position++) >>> 8);
  }

  /** The next `count` normal numbers, rounded to float32, with the given mean and standard deviation. */
  normals(count: number, mean: number, deviation: number): Float32Array<ArrayBuffer> {
    const numbers = new Float32Array(count);
    const { key, position } = this;
    for (let i = 0; i < count; i++) {
      const first = randomBits(key, position + 2 * i) >>> 8;
      const second = randomBits(key, position + 2 * i + 1) >>> 8;
      numbers[i] = mean + deviation * boxMuller(first, second);
    }
    this.position += 2 * count;
    return numbers;
  }

  /** A random order of 0 … `count` − 1 (Fisher–Yates). */
  permutation(count: number): Int32Array {
    const order = Int32Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const swap = order[i]!;
      order[i] = order[j]!;
      order[j] = swap;
    }
    return order;
  }
}
