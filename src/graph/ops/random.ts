import { GraphError } from "../../core/errors.ts";
import { type RandomKey, streamKey } from "../../core/random.ts";
import type { Shape } from "../../core/shape.ts";
import type { GraphBuilder, Value } from "../builder.ts";
import type { PrimitiveOp } from "../op.ts";

export type RandomAttributes = {
  readonly shape: Shape;
  /** Combined by exclusive or with the key that each run is fed. */
  readonly stream: RandomKey;
};

/** Name of the int32 `[2]` input that seeds every random node of a run; feed a new key each step. */
export const randomKeyInput = "randomKey";

/**
 * Uniform numbers in [0, 1): element e is `uniform(bits(key ⊕ stream, e))` of core/random.ts.
 * Elements are counted in the order N, H, W, C for images (rank 4), row-major otherwise, so that a
 * channels-last backend counts along memory; the numbers themselves are the same everywhere.
 */
export const randomOp: PrimitiveOp<RandomAttributes> = {
  name: "random",
  kind: "primitive",
  integers: true,
  infer([key], { shape }, where) {
    if (key!.dtype !== "int32" || key!.shape.join() !== "2") {
      throw new GraphError(`${where}: the key must be int32[2], not ${key!.dtype}[${key!.shape}].`);
    }
    return [{ shape, dtype: "float32" }];
  },
  gradient: "none",
};

/** Uniform numbers of the stream `name`, new in every run that is fed a new key. */
export function randomUniform(builder: GraphBuilder, name: string, shape: Shape): Value {
  const key = builder.input(randomKeyInput, [2], "int32");
  return builder.add(randomOp, [key], { shape, stream: streamKey(0, name) }, name)[0]!;
}
