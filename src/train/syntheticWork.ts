import { RandomStream } from "../core/random.ts";
import { initialize, type Layer } from "../layers/layer.ts";
import { momentum } from "../optim/momentum.ts";
import { type Session, totalBytes } from "../plan/backend.ts";
import { Predictor } from "./predictor.ts";
import { declarations } from "./stepGraph.ts";
import { Trainer } from "./trainer.ts";

/** A net and what it is to do, for measurements. */
export interface WorkOptions {
  readonly net: {
    readonly layer: Layer;
    /** `[C, H, W]`. */
    readonly input: readonly [number, number, number];
    readonly classes: number;
  };
  readonly mode: "train" | "infer";
  /** Loss that the net's output is made for. Default `crossEntropy`. */
  readonly loss?: "crossEntropy" | "rbfLoss";
  readonly batch: number;
  readonly seed: number;
  /** An engine of its own. The caller closes it. */
  readonly session: Session;
}

/** Steps on one batch of random images, over and over. */
export interface Work {
  /** Step number `index`: forward, backward and an update by momentum, or the scores. */
  step(index: number): Promise<void>;
  /** Bytes that the engine takes; 0 for inference before the first step. */
  readonly memoryBytes: number;
}

/** Makes a net ready to be timed: compiled, with fresh weights, on data held in memory. */
export async function syntheticWork(options: WorkOptions): Promise<Work> {
  const { net, mode, loss = "crossEntropy", batch, seed, session } = options;
  const random = new RandomStream(seed, "bench");
  const [c, h, w] = net.input;
  const images = Uint8Array.from({ length: batch * c * h * w }, () => random.integer(256));
  const labels = Int32Array.from({ length: batch }, () => random.integer(net.classes));
  const half = new Array<number>(c).fill(0.5);
  const recipe = {
    net: net.layer,
    input: net.input,
    classes: net.classes,
    normalization: { mean: half, std: half },
    loss,
  };
  if (mode === "train") {
    const trainer = new Trainer({
      recipe: { ...recipe, optimizer: momentum({ lr: 0.01 }) },
      session,
      seed,
    });
    await trainer.prepare([batch]);
    await trainer.initialize();
    const memoryBytes = totalBytes(await trainer.memory());
    const data = { images, labels, indices: labels, count: batch };
    return {
      memoryBytes,
      async step(index) {
        await trainer.step([data], { lr: 0.01 }, index);
      },
    };
  }
  const parameters = declarations(recipe);
  const contents = initialize(parameters, seed);
  const weights = new Map(
    parameters.map(({ name, shape }) => [name, { shape, data: contents[name]! }]),
  );
  const predictor = new Predictor({ ...recipe, weights, session });
  return {
    memoryBytes: 0,
    async step() {
      for await (const _ of predictor.evaluate(one({ images, count: batch }))) break;
    },
  };
}

async function* one<T>(batch: T): AsyncGenerator<T> {
  yield batch;
}
