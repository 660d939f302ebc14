import { wasm } from "../backends/wasm/backend.ts";
import { OptionError, ShapeError } from "../core/errors.ts";
import { checkKnown } from "../core/fields.ts";
import { formatShape } from "../core/shape.ts";
import { initialize } from "../layers/layer.ts";
import { createNet, type Net, type NetOptions } from "../models/index.ts";
import type { Backend } from "../plan/backend.ts";
import { likelihood } from "../train/likelihood.ts";
import type { Normalization } from "../train/normalization.ts";
import { Predictor } from "../train/predictor.ts";
import { declarations } from "../train/stepGraph.ts";
import type { ImageBatch, Tensors } from "../train/trainer.ts";

/** A net with its numbers, and what its inputs and outputs mean: plain data, no engine. */
export interface Model {
  readonly net: Net;
  /** Names of the classes, in the order of the net's outputs. */
  readonly classes: readonly string[];
  readonly normalization: Normalization;
  /** By PyTorch's names. */
  readonly weights: Tensors;
}

/** Options of {@link createModel}. */
export interface ModelOptions extends Omit<NetOptions, "classes"> {
  /** Names of the classes, or how many there are. Default: as many as the net's source has. */
  readonly classes?: number | readonly string[];
  /** Default: pixels from 0 to 1 minus 0.5, divided by 0.25. */
  readonly normalization?: Normalization;
  /** Of the first weights. Default 0. */
  readonly seed?: number;
  /** Weights to begin with, by name; what is not among them starts fresh. */
  readonly weights?: Tensors;
}

const modelOptionNames: Record<keyof ModelOptions, true> = {
  variant: true,
  input: true,
  classes: true,
  normalization: true,
  seed: true,
  weights: true,
};

/**
 * Makes a model of a net of the catalogue, or of one's own, with fresh weights, or those given.
 *
 * @throws OptionError for an unknown net or variant, no classes, or not as many as a net of one's own has.
 * @throws ShapeError where a weight given has another shape than the net's.
 * @example
 * const model = createModel("lenet5", { classes: ["cat", "dog"], input: [1, 28, 28] });
 */
export function createModel(source: string | Net, options: ModelOptions = {}): Model {
  checkKnown("createModel", options, modelOptionNames);
  const { classes, normalization, seed = 0, weights = new Map(), ...rest } = options;
  const count = typeof classes === "object" ? classes.length : classes;
  if (count !== undefined && !(Number.isInteger(count) && count >= 1)) {
    throw new OptionError(`createModel: ${count} classes; at least 1 is needed.`);
  }
  if (typeof source !== "string" && (rest.variant !== undefined || rest.input !== undefined)) {
    throw new OptionError(
      `createModel: net "${source.name}" is complete; "variant" and "input" go with a name of the catalogue.`,
    );
  }
  const net =
    typeof source === "string"
      ? createNet(source, { ...rest, ...(count === undefined ? {} : { classes: count }) })
      : source;
  if (count !== undefined && count !== net.classes) {
    throw new OptionError(
      `createModel: ${count} classes were given; net "${net.name}" ends in ${net.classes}.`,
    );
  }
  const channels = net.input[0];
  const means = normalization ?? {
    mean: new Array<number>(channels).fill(0.5),
    std: new Array<number>(channels).fill(0.25),
  };
  const declared = declarations({
    net: net.layer,
    input: net.input,
    classes: net.classes,
    normalization: means,
  });
  const fresh = initialize(declared, seed);
  const complete = new Map(
    declared.map(({ name: parameter, shape }) => {
      const given = weights.get(parameter);
      if (given !== undefined && given.shape.join() !== shape.join()) {
        throw new ShapeError(
          `createModel: weight "${parameter}" is ${formatShape(given.shape)}; ${net.name} has it as ${formatShape(shape)}.`,
        );
      }
      return [parameter, given ?? { shape, data: fresh[parameter]! }] as const;
    }),
  );
  const labels =
    typeof classes === "object"
      ? classes
      : Array.from({ length: net.classes }, (_, index) => `class ${index}`);
  return { net, classes: labels, normalization: means, weights: complete };
}

/** The classes of one image, the likeliest first. */
export interface ImagePrediction {
  readonly label: string;
  readonly probability: number;
  readonly probabilities: readonly number[];
}

/** A model on an engine, ready to answer again and again. */
export interface Classifier {
  /** Answers for images of bytes, one after the other, each H, W, C. */
  predict(images: Uint8Array): Promise<ImagePrediction[]>;
  /** Frees threads and memory. */
  close(): Promise<void>;
}

/** Puts a model on an engine (WebAssembly unless told otherwise). */
export async function openClassifier(model: Model, backend: Backend = wasm()): Promise<Classifier> {
  const { net, classes, normalization, weights } = model;
  const session = await backend.open();
  const [channels, height, width] = net.input;
  const size = channels * height * width;
  const predictor = new Predictor({
    net: net.layer,
    input: net.input,
    classes: net.classes,
    normalization,
    weights,
    session,
  });
  return {
    async predict(images) {
      if (images.length === 0 || images.length % size !== 0) {
        throw new ShapeError(
          `predict: ${images.length} bytes are no whole images of ${height}x${width}x${channels}, ${size} bytes each.`,
        );
      }
      const count = images.length / size;
      const batch: ImageBatch = { images, count };
      const predictions: ImagePrediction[] = [];
      for await (const { scores } of predictor.evaluate(once(batch))) {
        for (let row = 0; row < count; row++) {
          const { probabilities, predicted } = likelihood(scores, row, net.classes, 0);
          predictions.push({
            label: classes[predicted]!,
            probability: probabilities[predicted]!,
            probabilities,
          });
        }
      }
      return predictions;
    },
    close: () => session.close(),
  };
}

async function* once<T>(value: T): AsyncGenerator<T> {
  yield value;
}
