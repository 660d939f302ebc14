import { TrainingError } from "../core/errors.ts";
import type { ParameterDeclaration } from "../layers/layer.ts";
import type { Program, Session } from "../plan/backend.ts";
import type { NetRecipe } from "./recipe.ts";
import { buildEvaluationGraph, declarations, ports } from "./stepGraph.ts";
import type { ImageBatch, Scores, Tensors } from "./trainer.ts";

export interface PredictorOptions extends NetRecipe {
  readonly weights: Tensors;
  /** An engine of its own: its states are overwritten. The caller closes it. */
  readonly session: Session;
}

/** A trained net ready to answer. */
export class Predictor {
  readonly parameters: readonly ParameterDeclaration[];
  readonly #options: PredictorOptions;
  readonly #programs = new Map<number, Promise<Program>>();
  #written = false;

  /** @throws TrainingError where a weight is missing or has another shape. */
  constructor(options: PredictorOptions) {
    this.#options = options;
    this.parameters = declarations(options);
    for (const { name, shape } of this.parameters) {
      const given = options.weights.get(name);
      if (given?.shape.join() !== shape.join()) {
        const what = given === undefined ? "missing" : `[${given.shape.join(", ")}]`;
        throw new TrainingError(
          `weights: "${name}" is ${what}; the net has it as [${shape.join(", ")}].`,
        );
      }
    }
  }

  /** Scores for every batch. */
  async *evaluate<B extends ImageBatch>(
    batches: AsyncIterable<B>,
  ): AsyncGenerator<Scores<B>, void, undefined> {
    for await (const batch of batches) {
      const program = await this.#program(batch.count);
      const fetches = await program.run({ [ports.images]: batch.images });
      yield { batch, scores: fetches[ports.scores] as Float32Array };
    }
  }

  async #program(batch: number): Promise<Program> {
    let program = this.#programs.get(batch);
    if (program === undefined) {
      const { graph } = buildEvaluationGraph(this.#options, batch);
      program = this.#options.session.compile(graph);
      this.#programs.set(batch, program);
    }
    const ready = await program;
    if (!this.#written) {
      this.#written = true;
      const states = new Set(this.#options.session.states);
      for (const { name } of this.parameters) {
        // What evaluation does not read (a counter of batches) is no state of its graph.
        if (states.has(name)) {
          await this.#options.session.write(name, this.#options.weights.get(name)!.data);
        }
      }
    }
    return ready;
  }
}
