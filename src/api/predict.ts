import { wasm } from "../backends/wasm/backend.ts";
import type { Pixels } from "../data/decode/pixels.ts";
import { toInput, toStored } from "../data/prepare/geometry.ts";
import { topClasses } from "../metrics/accuracy.ts";
import type { Backend } from "../plan/backend.ts";
import { type Model, openPredictor } from "../runs/model.ts";
import { likelihood } from "../train/likelihood.ts";

/** A class and how likely it is. */
export interface ClassProbability {
  readonly label: string;
  readonly probability: number;
}

/** A model that keeps its engine open and answers image after image. */
export interface Classifier {
  /** The likeliest classes of an image, best first. */
  classify(image: Pixels, top?: number): Promise<ClassProbability[]>;
  /** Frees threads and memory. */
  close(): Promise<void>;
}

/**
 * Opens a model for answering.
 *
 * @example
 * const classifier = await openClassifier(model);
 * const [best] = await classifier.classify({ width, height, channels: 3, data });
 */
export async function openClassifier(model: Model, backend: Backend = wasm()): Promise<Classifier> {
  const session = await backend.open();
  const predictor = openPredictor(model, session);
  const { classes, geometry } = model;
  return {
    async classify(image, top = 5) {
      const images = toInput(toStored(image, geometry), geometry).data;
      const batch = (async function* () {
        yield { images, count: 1 };
      })();
      let answer: ClassProbability[] = [];
      for await (const { scores } of predictor.evaluate(batch)) {
        const { probabilities } = likelihood(scores, 0, classes.length, 0);
        answer = topClasses(probabilities, top).map((index) => ({
          label: classes[index]!,
          probability: probabilities[index]!,
        }));
      }
      return answer;
    },
    close: () => session.close(),
  };
}

/** The likeliest classes of some images; for many calls open a {@link Classifier} once. */
export async function predict(
  model: Model,
  images: readonly Pixels[],
  options: { readonly top?: number; readonly backend?: Backend } = {},
): Promise<ClassProbability[][]> {
  const classifier = await openClassifier(model, options.backend);
  try {
    const answers: ClassProbability[][] = [];
    for (const image of images) answers.push(await classifier.classify(image, options.top));
    return answers;
  } finally {
    await classifier.close();
  }
}
