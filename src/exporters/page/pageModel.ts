import type { Geometry } from "../../data/prepare/geometry.ts";
import type { Graph } from "../../graph/graph.ts";
import type { StateAttributes } from "../../graph/ops/leaf.ts";
import type { Backend } from "../../plan/backend.ts";
import { likelihood } from "../../train/likelihood.ts";
import { fromBase64 } from "./base64.ts";
import { graphFromJson } from "./graphJson.ts";

/** Ids of what the page carries, in elements of type text that a browser leaves alone. */
export const pageParts = {
  model: "striate-model",
  weights: "striate-weights",
  jpeg: "striate-jpeg",
  webp: "striate-webp",
} as const;

/** A model as a page carries it: plain JSON, and the weights as base64 beside it. */
export interface PageModel {
  readonly net: string;
  readonly variant: string;
  readonly classes: readonly string[];
  readonly geometry: Geometry;
  /** Probability below which "none of these" is the better answer. */
  readonly threshold: number | null;
  /** The evaluation graph for one image, from `images` to `scores`, as text. */
  readonly graph: string;
  readonly golden: {
    readonly count: number;
    readonly origin: string;
    /** Bytes of the images, base64. */
    readonly images: string;
    /** `[count, classes]`. */
    readonly probabilities: readonly number[];
  };
}

/** The tensors that the graph's operations read from the session; a counter of batches is declared, but not read. */
export function statesOf(graph: Graph): StateAttributes[] {
  const read = new Set(graph.nodes.flatMap(({ inputs }) => inputs));
  return graph.nodes
    .filter(({ op, outputs }) => op === "state" && read.has(outputs[0]!))
    .map(({ attributes }) => attributes as StateAttributes);
}

/** A page's model on an engine. */
export interface RunningModel {
  /** Probabilities for one image of bytes, `[H, W, C]`, by class. */
  predict(image: Uint8Array): Promise<readonly number[]>;
  /** Largest difference to the recorded probabilities of the golden images. */
  checkGolden(): Promise<number>;
  close(): Promise<void>;
}

/** Puts the model of a page on an engine. */
export async function openPageModel(
  model: PageModel,
  weights: string,
  backend: Backend,
): Promise<RunningModel> {
  const graph = graphFromJson(model.graph);
  const session = await backend.open();
  const program = await session.compile(graph);
  const bytes = fromBase64(weights);
  let position = 0;
  for (const { name, shape, dtype } of statesOf(graph)) {
    const count = shape.reduce((product, size) => product * size, 1);
    const kind = dtype === "int32" ? Int32Array : Float32Array;
    await session.write(name, new kind(bytes.buffer, position, count));
    position += 4 * count;
  }
  const predict = async (image: Uint8Array): Promise<readonly number[]> => {
    const { scores } = await program.run({ images: image });
    return likelihood(scores as Float32Array, 0, model.classes.length, 0).probabilities;
  };
  return {
    predict,
    async checkGolden() {
      const { count, images, probabilities } = model.golden;
      const pixels = fromBase64(images);
      const size = pixels.length / count;
      let largest = 0;
      for (let i = 0; i < count; i++) {
        const answer = await predict(pixels.subarray(i * size, (i + 1) * size));
        answer.forEach((p, k) => {
          const difference = Math.abs(p - probabilities[i * answer.length + k]!);
          largest = Math.max(largest, difference);
        });
      }
      return largest;
    },
    close: () => session.close(),
  };
}
