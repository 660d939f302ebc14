import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TensorData } from "../../src/core/dtype.ts";
import type { Shape } from "../../src/core/shape.ts";
import { bytesSource } from "../../src/formats/byteSource.ts";
import { readSafetensors } from "../../src/formats/safetensors/read.ts";

/** A tensor of a vector file, read. */
export interface Vector {
  readonly shape: Shape;
  readonly data: TensorData;
}

/** The tensors beside a specification. */
export type Vectors = ReadonlyMap<string, Vector>;

/** Reads every tensor of `<folder>/<file>`. */
export async function readVectors(folder: string, file: string): Promise<Vectors> {
  const { tensors } = await readSafetensors(bytesSource(await readFile(join(folder, file)), file));
  const vectors = new Map<string, Vector>();
  for (const [name, stored] of tensors) {
    vectors.set(name, { shape: stored.shape, data: await stored.read() });
  }
  return vectors;
}

/** The tensor of that name, or throws. */
export function vector(vectors: Vectors, name: string): Vector {
  const found = vectors.get(name);
  if (found === undefined) throw new Error(`the vector file has no tensor "${name}"`);
  return found;
}
