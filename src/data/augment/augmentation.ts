import type { z } from "zod";
import type { RandomStream } from "../../core/random.ts";
import type { Batch } from "../batches/batches.ts";
import type { Pixels } from "../decode/pixels.ts";
import type { Geometry } from "../prepare/geometry.ts";

/**
 * A random change of one training image. It draws from its own stream only. Most keep the image's
 * size; crops bring it from its stored size to the geometry's.
 */
export interface Augmentation {
  readonly name: string;
  apply(image: Pixels, random: RandomStream, geometry: Geometry): Pixels;
}

/** Sizes a batch augmentation needs to know. */
export interface BatchLayout {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly classes: number;
}

/** A random change that mixes the images of a batch and makes their labels soft. */
export interface BatchAugmentation {
  readonly name: string;
  apply(batch: Batch<Uint8Array>, random: RandomStream, layout: BatchLayout): Batch<Uint8Array>;
}

/** A row of the table of augmentations: what it does, its options, and how to make one. */
export interface AugmentationKind<S extends z.ZodObject = z.ZodObject, R = Augmentation> {
  /** One line for help and menus. */
  readonly summary: string;
  /** Built when asked for, so that the table costs nothing where it is not used. */
  options(): S;
  create(options: z.output<S>): R;
}
