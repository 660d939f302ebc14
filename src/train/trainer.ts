import type { TensorData } from "../core/dtype.ts";
import { GraphError, TrainingError } from "../core/errors.ts";
import { streamKey } from "../core/random.ts";
import { elementCount, type Shape } from "../core/shape.ts";
import type { Batch } from "../data/batches/batches.ts";
import { cutBatch } from "../data/batches/cutBatch.ts";
import type { Graph } from "../graph/graph.ts";
import type { StateAttributes } from "../graph/ops/leaf.ts";
import { randomKeyInput } from "../graph/ops/random.ts";
import { initializeOne, type ParameterDeclaration } from "../layers/layer.ts";
import { averageName } from "../optim/averageWeights.ts";
import {
  type Feeds,
  joinMemory,
  type MemoryReport,
  type Program,
  type Session,
} from "../plan/backend.ts";
import type { Recipe } from "./recipe.ts";
import {
  buildAccumulateGraph,
  buildApplyGraph,
  buildDiagnosisGraph,
  buildEvaluationGraph,
  buildStepGraph,
  declarations,
  ports,
} from "./stepGraph.ts";

/** A state's numbers on the host. */
export interface Tensor {
  readonly shape: Shape;
  readonly data: TensorData;
}

/** All states of a training at one moment: weights, buffers, slots, averages. */
export type Tensors = ReadonlyMap<string, Tensor>;

/** Rates that a schedule gives a step. */
export interface Rates {
  readonly lr: number;
  readonly momentum?: number;
}

/** What one update reports. */
export interface StepResult {
  /** Mean over the images of the step. */
  readonly loss: number;
  /** Images whose likeliest class was their own. */
  readonly correct: number;
  readonly count: number;
}

/** Images to run the net on. */
export type ImageBatch = Pick<Batch, "images" | "count">;

/** Scores of the net for a batch. */
export interface Scores<B extends ImageBatch> {
  readonly batch: B;
  /** `count` rows of `classes` numbers; the largest is the likeliest class. */
  readonly scores: Float32Array;
}

export interface TrainerOptions {
  readonly recipe: Recipe;
  /** One engine; the trainer's programs share its states. The caller closes it. */
  readonly session: Session;
  /** Seed of the weights and of each step's dropout. */
  readonly seed: number;
  /** Whether every step is given a momentum by the schedule. Default false. */
  readonly scheduledMomentum?: boolean;
}

/**
 * The programs of one training over one set of states: steps for each size of batch, evaluation, diagnosis. It
 * knows nothing of epochs; see runTraining.ts.
 */
export class Trainer {
  readonly recipe: Recipe;
  /** What the net declares, in PyTorch's order. */
  readonly parameters: readonly ParameterDeclaration[];
  readonly #session: Session;
  readonly #seed: number;
  readonly #scheduledMomentum: boolean;
  readonly #programs = new Map<string, Promise<Program>>();
  readonly #states = new Map<string, StateAttributes>();
  #part = Number.POSITIVE_INFINITY;

  constructor(options: TrainerOptions) {
    this.recipe = options.recipe;
    this.#session = options.session;
    this.#seed = options.seed;
    this.#scheduledMomentum = options.scheduledMomentum ?? false;
    this.parameters = declarations(options.recipe);
  }

  /**
   * The most images that a program sees at once. Larger batches are cut into parts of this size, whose gradients are
   * added up before the update: exactly the gradient of the batch, but batch norm normalises each part by its own
   * statistics, and moves its running statistics once for each. Infinite unless {@link cutBatches} was called.
   */
  get part(): number {
    return this.#part;
  }

  /** Sets {@link part}, before anything else is asked of this trainer. */
  cutBatches(part: number): void {
    if (this.#programs.size > 0) {
      throw new GraphError("trainer: batches can be cut only before the first program is made.");
    }
    this.#part = part;
  }

  /**
   * What training in batches of these sizes, cut into parts of at most `part`, would take, with validation in parts as
   * large as the largest.
   */
  async measure(batchSizes: readonly number[], part: number): Promise<MemoryReport> {
    const { recipe } = this;
    const largest = Math.min(part, Math.max(...batchSizes));
    const isCut = part < Math.max(...batchSizes) || (recipe.accumulate ?? 1) > 1;
    const graphs = partSizes(batchSizes, part).map((images) =>
      isCut
        ? buildAccumulateGraph(recipe, images).graph
        : buildStepGraph(recipe, images, this.#scheduledMomentum).graph,
    );
    if (isCut) graphs.push(buildApplyGraph(recipe, this.#scheduledMomentum));
    graphs.push(buildEvaluationGraph(recipe, largest).graph);
    const reports: MemoryReport[] = [];
    const lean = part < Math.max(...batchSizes);
    for (const graph of graphs) reports.push(await this.#session.measure(graph, { lean }));
    return joinMemory(reports);
  }

  /** The most that {@link measure} may come to here, whatever the user allows. */
  get memoryLimitBytes(): number {
    return this.#session.memoryLimitBytes;
  }

  /** Makes the programs for training batches of these sizes ready, so that all states exist. */
  async prepare(batchSizes: readonly number[]): Promise<void> {
    for (const size of partSizes(batchSizes, this.#part)) await this.#stepProgram(size);
    if (this.#accumulates) await this.#applyProgram();
  }

  /** What the programs that were made so far take together. */
  async memory(): Promise<MemoryReport> {
    const reports = [...this.#programs.values()].map(async (program) => (await program).memory);
    return joinMemory(await Promise.all(reports));
  }

  /** First contents of everything: fresh weights from the seed, over them those given, slots at their start. */
  async initialize(weights: Tensors = new Map()): Promise<void> {
    const declared = new Map(this.parameters.map((parameter) => [parameter.name, parameter]));
    // One after the other, so that not all weights are in memory twice.
    for (const name of this.#states.keys()) {
      const parameter = declared.get(name);
      const given =
        weights.get(name)?.data ??
        (parameter === undefined ? undefined : initializeOne(parameter, this.#seed));
      if (given === undefined) await this.#session.reset(name);
      else await this.#session.write(name, given);
    }
  }

  /** One update from one batch, or with accumulation from several. `step` counts updates from the beginning. */
  async step(batches: readonly Batch[], rates: Rates, step: number): Promise<StepResult> {
    const feeds = this.#rateFeeds(rates);
    if (!this.#accumulates) {
      const [batch] = batches;
      if (batch === undefined || batches.length > 1) {
        throw new GraphError(
          `trainer: a step without accumulation takes 1 batch, not ${batches.length}.`,
        );
      }
      const program = await this.#stepProgram(batch.count);
      const fetches = await program.run({ ...feeds, ...this.#batchFeeds(batch, step, 0) });
      return {
        loss: fetches[ports.loss]![0]!,
        correct: countCorrect(batch, fetches[ports.predicted]!),
        count: batch.count,
      };
    }
    const share = Float32Array.of(1 / this.#lossWeight(batches));
    const total = { loss: 0, correct: 0, count: 0 };
    const parts = batches.flatMap((batch) => cutBatch(batch, this.#part));
    for (const [index, part] of parts.entries()) {
      const program = await this.#stepProgram(part.count);
      const fetches = await program.run({
        ...this.#batchFeeds(part, step, index),
        [ports.share]: share,
      });
      total.loss += fetches[ports.loss]![0]!;
      total.correct += countCorrect(part, fetches[ports.predicted]!);
      total.count += part.count;
    }
    // A broken sum must not reach the weights; the caller finds out where it came from.
    if (Number.isFinite(total.loss)) await (await this.#applyProgram()).run(feeds);
    return total;
  }

  /** The net's scores for every batch, with the averaged weights where there are any. */
  async *evaluate<B extends ImageBatch>(
    batches: AsyncIterable<B>,
  ): AsyncGenerator<Scores<B>, void, undefined> {
    for await (const batch of batches) {
      const scores = new Float32Array(batch.count * this.recipe.classes);
      const size = batch.images.length / batch.count;
      for (let from = 0; from < batch.count; from += this.#part) {
        const to = Math.min(batch.count, from + this.#part);
        const program = await this.#program(`evaluate ${to - from}`, () => {
          return buildEvaluationGraph(this.recipe, to - from).graph;
        });
        const images = batch.images.subarray(from * size, to * size);
        const fetches = await program.run({ [ports.images]: images });
        scores.set(fetches[ports.scores] as Float32Array, from * this.recipe.classes);
      }
      yield { batch, scores };
    }
  }

  /** All states, copied. */
  async snapshot(): Promise<Tensors> {
    const tensors = new Map<string, Tensor>();
    for (const [name, { shape }] of this.#states) {
      tensors.set(name, { shape, data: await this.#session.read(name) });
    }
    return tensors;
  }

  /**
   * Puts states back.
   *
   * @throws TrainingError where one is missing or has another shape: it was of another net or optimiser.
   */
  async restore(tensors: Tensors): Promise<void> {
    for (const [name, { shape }] of this.#states) {
      const tensor = tensors.get(name);
      if (tensor === undefined || tensor.data.length !== elementCount(shape)) {
        const given =
          tensor === undefined ? "is not in it" : `is [${tensor.shape.join(", ")}] in it`;
        throw new TrainingError(
          `checkpoint: "${name}" ${given}; this training has it as [${shape.join(", ")}]. Was it made with another net or optimizer?`,
        );
      }
    }
    for (const name of this.#states.keys())
      await this.#session.write(name, tensors.get(name)!.data);
  }

  /** The net's parameters and buffers as they are validated and kept: the averages where there are any. */
  async weights(): Promise<Tensors> {
    const weights = new Map<string, Tensor>();
    for (const { name, shape } of this.parameters) {
      const average = averageName(name);
      const state = this.recipe.average !== undefined && this.#states.has(average) ? average : name;
      weights.set(name, { shape, data: await this.#session.read(state) });
    }
    return weights;
  }

  /** The first layer whose output is not all finite in a step that would run now, or undefined. */
  async findBrokenLayer(
    batches: readonly Batch[],
    step: number,
  ): Promise<{ readonly name: string; readonly kind: string } | undefined> {
    const parts = batches.flatMap((batch) => cutBatch(batch, this.#part));
    for (const [index, part] of parts.entries()) {
      const { graph, layers } = buildDiagnosisGraph(this.recipe, part.count);
      const program = await this.#session.compile(graph);
      const fetches = await program.run(this.#batchFeeds(part, step, index));
      const broken = layers.find(({ port }) => !Number.isFinite(fetches[port]![0]!));
      if (broken !== undefined) return broken;
    }
    return undefined;
  }

  get #accumulates(): boolean {
    return (this.recipe.accumulate ?? 1) > 1 || this.#part < Number.POSITIVE_INFINITY;
  }

  #stepProgram(batch: number): Promise<Program> {
    return this.#program(`step ${batch}`, () =>
      this.#accumulates
        ? buildAccumulateGraph(this.recipe, batch).graph
        : buildStepGraph(this.recipe, batch, this.#scheduledMomentum).graph,
    );
  }

  #applyProgram(): Promise<Program> {
    return this.#program("apply", () => buildApplyGraph(this.recipe, this.#scheduledMomentum));
  }

  #program(key: string, build: () => Graph): Promise<Program> {
    let program = this.#programs.get(key);
    if (program === undefined) {
      const graph = build();
      for (const node of graph.nodes) {
        if (node.op !== "state") continue;
        const attributes = node.attributes as StateAttributes;
        this.#states.set(attributes.name, attributes);
      }
      program = this.#session.compile(graph, { lean: Number.isFinite(this.#part) });
      this.#programs.set(key, program);
    }
    return program;
  }

  #rateFeeds({ lr, momentum }: Rates): Feeds {
    const feeds = { [ports.lr]: Float32Array.of(lr) };
    return momentum === undefined
      ? feeds
      : { ...feeds, [ports.momentum]: Float32Array.of(momentum) };
  }

  #batchFeeds(batch: Batch, step: number, part: number): Feeds {
    const { k0, k1 } = streamKey(this.#seed, part === 0 ? `step/${step}` : `step/${step}/${part}`);
    const feeds = { [ports.images]: batch.images, [randomKeyInput]: Int32Array.of(k0, k1) };
    if (this.recipe.softTargets !== true) {
      const { classes } = this.recipe;
      const strange = batch.labels.findIndex((label) => label < 0 || label >= classes);
      if (strange >= 0) {
        throw new TrainingError(
          `training: an image has label ${batch.labels[strange]}; the net has ${classes} classes, 0 to ${classes - 1}.`,
        );
      }
      return { ...feeds, [ports.labels]: batch.labels };
    }
    const { targets } = batch;
    if (targets === undefined) {
      throw new GraphError("trainer: this recipe has soft targets and the batch has none.");
    }
    return { ...feeds, [ports.targets]: targets };
  }

  /** What a mean loss over these batches divides by: their images, or the weights of their classes. */
  #lossWeight(batches: readonly Batch[]): number {
    const { classWeights, softTargets } = this.recipe;
    let total = 0;
    for (const { labels, count } of batches) {
      if (classWeights === undefined || softTargets === true) total += count;
      else for (const label of labels) total += classWeights[label]!;
    }
    return total;
  }
}

/** The sizes of the parts, at most `most`, of batches of these sizes; each once, the largest first. */
function partSizes(batchSizes: readonly number[], most: number): number[] {
  const parts = batchSizes.flatMap((size) =>
    size <= most ? [size] : [most, size % most].filter((part) => part > 0),
  );
  return [...new Set(parts)].sort((a, b) => b - a);
}

function countCorrect({ labels, count }: Batch, predicted: TensorData): number {
  let correct = 0;
  for (let i = 0; i < count; i++) if (predicted[i] === labels[i]) correct++;
  return correct;
}
