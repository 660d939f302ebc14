import { OptionError, ShapeError } from "../core/errors.ts";
import type { Layer } from "../layers/layer.ts";
import type { PublishedWeights } from "./publishedWeights.ts";

/** Sizes of an image as a net takes it: channels, height, width. */
export type ImageShape = readonly [number, number, number];

/** What the head and the first layer of a net depend on. */
export interface NetTarget {
  /** Number of classes. */
  readonly classes: number;
  readonly input: ImageShape;
}

/** What rows of every family may say about themselves; the family's own values hold where they do not. */
export interface NetVariant {
  readonly input?: ImageShape;
  readonly classes?: number;
  /** Smallest height and width that the net can be built for. */
  readonly minimum?: number;
  /** Where this form comes from, if not from the family's paper. */
  readonly source?: string;
  /** What its output is made for: scores, of which the largest wins, or penalties, of which the smallest does. */
  readonly loss?: NetLoss;
}

/** The loss that a net's output is made for. */
export type NetLoss = "crossEntropy" | "rbfLoss";

/** A table of nets that one function builds from rows of numbers. */
export interface NetFamily<V extends NetVariant = NetVariant> {
  readonly paper: string;
  readonly year: number;
  readonly input: ImageShape;
  readonly classes: number;
  /** Smallest height and width that the nets can be built for. */
  readonly minimum: number;
  /** Net, then variant; the first variant is the default. */
  readonly nets: Readonly<Record<string, Readonly<Record<string, V>>>>;
  /** Small nets of the same parts, reached as variants of any net of the family, not listed: for tests. */
  readonly tests: Readonly<Record<string, V>>;
  /** Weights that others published for these nets. */
  weights?(): readonly PublishedWeights[];
  build(variant: V, target: NetTarget): Layer;
}

/** Options of {@link makeNet} and `createNet`. */
export interface NetOptions {
  /** Default: the net's first. */
  readonly variant?: string;
  /** Default: those of the net's source. */
  readonly classes?: number;
  /** `[C, H, W]`. Default: that of the net's source. */
  readonly input?: ImageShape;
}

/** An architecture, ready to be built: no numbers yet. */
export interface Net {
  readonly name: string;
  readonly variant: string;
  readonly layer: Layer;
  readonly input: ImageShape;
  readonly classes: number;
  /** Smallest height and width that it can be built for. */
  readonly minimumInput: number;
  readonly paper: string;
  readonly year: number;
  /** The loss that its output is made for; under `rbfLoss` the smallest output is the likeliest class. */
  readonly loss: NetLoss;
  /** The content of the net file that it was read from (models/netFile.ts), where it was. */
  readonly file?: object;
}

/**
 * The net `name` of a family, for a bundle that shall hold one family only; `createNet` of models/index.ts knows
 * them all.
 *
 * @throws OptionError for a variant that there is not, or classes that are no positive integer.
 * @throws ShapeError for an input below the net's minimum.
 */
export function makeNet<V extends NetVariant>(
  family: NetFamily<V>,
  name: string,
  options: NetOptions = {},
): Net {
  const variants = family.nets[name];
  if (variants === undefined) {
    throw new OptionError(
      `unknown net "${name}". This family has ${Object.keys(family.nets).join(", ")}.`,
    );
  }
  const { variant = Object.keys(variants)[0]! } = options;
  const row = variants[variant] ?? family.tests[variant];
  if (row === undefined) {
    throw new OptionError(
      `net "${name}" has no variant "${variant}". It has ${Object.keys(variants).join(", ")}.`,
    );
  }
  const { classes = row.classes ?? family.classes, input = row.input ?? family.input } = options;
  const minimumInput = row.minimum ?? family.minimum;
  checkTarget({ classes, input }, minimumInput, `net "${name}"`);
  return {
    name,
    variant,
    layer: family.build(row, { classes, input }),
    input,
    classes,
    minimumInput,
    paper: row.source ?? family.paper,
    year: family.year,
    loss: row.loss ?? "crossEntropy",
  };
}

function checkTarget({ classes, input }: NetTarget, minimum: number, where: string): void {
  if (!Number.isInteger(classes) || classes < 1) {
    throw new OptionError(`${where}: ${classes} classes: expected an integer of at least 1.`);
  }
  const [channels, height, width] = input;
  if (input.length !== 3 || input.some((size) => !Number.isInteger(size) || size < 1)) {
    throw new ShapeError(
      `${where}: input [${input.join(", ")}]: expected channels, height and width, each an integer of at least 1.`,
    );
  }
  if (Math.min(height, width) < minimum) {
    throw new ShapeError(
      `${where}: input ${height}x${width}x${channels} is too small; it takes ${minimum}x${minimum} and more. Enlarge the images or choose another net.`,
    );
  }
}
