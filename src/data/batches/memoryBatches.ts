import { OptionError } from "../../core/errors.ts";
import { createDataSet, type DataSet } from "../manifest.ts";
import type { Geometry } from "../prepare/geometry.ts";
import { type Batches, type BatchOptions, createBatches } from "./batches.ts";

/** Images that are in memory already. */
export interface MemoryImages {
  /** Bytes, one image after the other, each row by row with its channels together (H, W, C). */
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  /** Index of each image's class. */
  readonly labels: ArrayLike<number>;
  readonly classes: readonly string[];
}

/**
 * Batches of images in memory, with the options of {@link createBatches}.
 *
 * @throws OptionError where the bytes are not as many as the labels and the size say, or a label has no class.
 */
export function memoryBatches(images: MemoryImages, options: BatchOptions): Batches<Uint8Array> {
  const { pixels, width, height, channels, labels, classes } = images;
  const size = width * height * channels;
  if (pixels.length !== labels.length * size) {
    throw new OptionError(
      `memoryBatches: ${pixels.length} bytes for ${labels.length} images of ${height}x${width}x${channels}; expected ${labels.length * size}.`,
    );
  }
  const at = (index: number) => ({
    width,
    height,
    channels,
    data: pixels.subarray(index * size, (index + 1) * size),
  });
  const set: DataSet = createDataSet({
    name: "memory",
    format: "memory",
    classes,
    items: Array.from({ length: labels.length }, (_, index) => {
      const label = classes[labels[index]!];
      if (label === undefined) {
        throw new OptionError(
          `memoryBatches: image ${index} has label ${labels[index]}; there are ${classes.length} classes.`,
        );
      }
      const source = { kind: "pixels" as const, pixels: () => at(index) };
      return { id: `memory#${index}`, label, source };
    }),
  });
  const geometry: Geometry = { width, height, channels };
  const prepared = { set, geometry, facts: [], bad: [], pixels: at };
  return createBatches(prepared, options);
}
