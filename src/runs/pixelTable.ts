import { type Pixels, withChannels } from "../data/decode/pixels.ts";
import { resize } from "../data/decode/resize.ts";
import { toInput } from "../data/prepare/geometry.ts";
import type { PreparedSet } from "../data/prepare/prepareImages.ts";
import type { PixelTable } from "../train/baselines.ts";

const side = 16;

/** Images of a part of a prepared set, reduced to 16x16; an even choice of at most `limit`. */
export async function pixelTable(
  prepared: PreparedSet,
  indices: readonly number[],
  limit: number,
): Promise<PixelTable> {
  const chosen = evenChoice(indices, limit);
  const { channels } = prepared.geometry;
  const images = new Uint8Array(chosen.length * side * side * channels);
  const labels = new Int32Array(chosen.length);
  for (const [i, index] of chosen.entries()) {
    const small = await smallImage(prepared, index, side);
    images.set(withChannels(small, channels).data, i * side * side * channels);
    labels[i] = prepared.set.items[index]!.label;
  }
  return { images, labels, count: chosen.length, width: side, height: side, channels };
}

/** At most `limit` of the indices, evenly over all. */
export function evenChoice(indices: readonly number[], limit: number): readonly number[] {
  if (indices.length <= limit) return indices;
  return Array.from(
    { length: limit },
    (_, i) => indices[Math.floor((i * indices.length) / limit)]!,
  );
}

async function smallImage(prepared: PreparedSet, index: number, size: number): Promise<Pixels> {
  const image = toInput(await prepared.pixels(index), prepared.geometry);
  return resize(image, size, size, "box");
}
