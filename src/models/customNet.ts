import { OptionError, ShapeError } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import { GraphBuilder } from "../graph/builder.ts";
import { buildNet, type Layer } from "../layers/layer.ts";
import type { ImageShape, Net, NetLoss } from "./net.ts";

/** Options of {@link customNet}. */
export interface CustomNetOptions {
  /** What it is called in summaries and runs. */
  readonly name: string;
  readonly layer: Layer;
  /** `[C, H, W]`. */
  readonly input: ImageShape;
  /** Default `crossEntropy`. */
  readonly loss?: NetLoss;
  /** Smallest height and width that it takes. Default 1; sizes that do not fit fail with the arithmetic anyway. */
  readonly minimumInput?: number;
  /** Where the idea comes from. */
  readonly paper?: string;
  readonly year?: number;
}

/**
 * A net of one's own that goes wherever one of the catalogue goes. It is built once, without weights: that tells how
 * many classes it has, and what does not fit is said at once.
 *
 * @throws ShapeError where the layers do not fit the input, or do not end in `[N, classes]`.
 * @example
 * const net = customNet({
 *   name: "tiny",
 *   input: [1, 28, 28],
 *   layer: sequential([flatten(), linear({ features: 10 })]),
 * });
 */
export function customNet(options: CustomNetOptions): Net {
  const { name, layer, input, loss = "crossEntropy" } = options;
  if (input.length !== 3 || input.some((size) => !Number.isInteger(size) || size < 1)) {
    throw new OptionError(
      `net "${name}": input [${input.join(", ")}]: expected channels, height and width, each an integer of at least 1.`,
    );
  }
  const builder = new GraphBuilder();
  const image = builder.input("x", [1, ...input]);
  const { shape } = buildNet(layer, { builder, input: image, training: false }).output;
  if (shape.length !== 2) {
    throw new ShapeError(
      `net "${name}": its layers end in ${formatShape(shape)}; a classifier ends in [N, classes]: add a global pooling or flatten, and a linear layer.`,
    );
  }
  return {
    name,
    variant: "own",
    layer,
    input,
    classes: shape[1]!,
    minimumInput: options.minimumInput ?? 1,
    paper: options.paper ?? "",
    year: options.year ?? 0,
    loss,
  };
}
