import { gradients } from "../autodiff/backward.ts";
import { OptionError } from "../core/errors.ts";
import { GraphBuilder, type Value } from "../graph/builder.ts";
import type { Graph } from "../graph/graph.ts";
import { argMax } from "../graph/ops/argMax.ts";
import { add, multiply } from "../graph/ops/binary.ts";
import { broadcastTo } from "../graph/ops/broadcast.ts";
import { reduceMean } from "../graph/ops/reduce.ts";
import { abs, unary } from "../graph/ops/unary.ts";
import { type BuiltNet, buildNet, type ParameterDeclaration } from "../layers/layer.ts";
import { crossEntropy } from "../losses/crossEntropy.ts";
import { multiclassHinge } from "../losses/multiclassHinge.ts";
import { rbfLoss } from "../losses/rbfLoss.ts";
import { applyOptimizer, gradientPoint } from "../optim/applyOptimizer.ts";
import { averageName, averageWeights } from "../optim/averageWeights.ts";
import { normalize } from "./normalization.ts";
import { classifierLosses, type NetRecipe, type Recipe } from "./recipe.ts";

/** Names under which the graphs of this folder are fed and read. */
export const ports = {
  images: "images",
  /** int32 `[N]`. */
  labels: "labels",
  /** `[N, classes]`, instead of `labels` with soft targets. */
  targets: "targets",
  lr: "lr",
  momentum: "momentum",
  /** 1 over what the sum of the losses of all accumulated batches is divided by. */
  share: "share",
  loss: "loss",
  predicted: "predicted",
  scores: "scores",
} as const;

/** A graph, with the parameters and buffers of the net in it. */
export interface NetGraph {
  readonly graph: Graph;
  readonly parameters: readonly ParameterDeclaration[];
}

/** What the net needs to be run, beside its weights. */
type UsedNet = NetRecipe & Pick<Recipe, "average" | "frozen">;

/** Name of the state in which gradients of a parameter are added up. */
function accumulatedName(parameter: string): string {
  return `accumulated.${parameter}`;
}

/** One whole training step: net, loss, gradients, update. Fetches the mean loss and the classes predicted. */
export function buildStepGraph(
  recipe: Recipe,
  batch: number,
  scheduledMomentum: boolean,
): NetGraph {
  const builder = new GraphBuilder();
  const momentum = scheduledMomentum ? { momentum: builder.input(ports.momentum, []) } : {};
  const { built, points, outputs } = buildForward(builder, recipe, batch, "mean", momentum);
  const slopes = differentiate(outputs.loss, built, points);
  update(builder, recipe, built.parameters, slopes, momentum);
  return { graph: builder.finish(), parameters: built.parameters };
}

/** The first half of a step with accumulation: adds the gradients of one batch to those collected so far. */
export function buildAccumulateGraph(recipe: Recipe, batch: number): NetGraph {
  const builder = new GraphBuilder();
  const { built, points, outputs } = buildForward(builder, recipe, batch, "sum", {});
  const slopes = differentiate(outputs.loss, built, points);
  for (const { name, gradient } of slopes) {
    const sum = builder.state(accumulatedName(name), gradient.shape);
    builder.update(sum, add(sum, gradient));
  }
  return { graph: builder.finish(), parameters: built.parameters };
}

/** The second half: one update from the gradients collected, which start again from zero. */
export function buildApplyGraph(recipe: Recipe, scheduledMomentum: boolean): Graph {
  const builder = new GraphBuilder();
  const momentum = scheduledMomentum ? { momentum: builder.input(ports.momentum, []) } : {};
  // Only the declarations are wanted: what is built besides is not used, and so not kept.
  const declared = declarations(recipe);
  const parameters = declared.map((parameter) => ({
    ...parameter,
    value: builder.state(parameter.name, parameter.shape, { dtype: parameter.dtype }),
  }));
  const slopes = trained(parameters).map(({ name, shape, value }) => {
    const sum = builder.state(accumulatedName(name), shape);
    builder.update(sum, broadcastTo(builder.constant(0), shape));
    return { name, value, gradient: sum };
  });
  update(builder, recipe, parameters, slopes, momentum);
  return builder.finish();
}

/**
 * The net as it is used: running statistics, no dropout. Fetches `scores [N, classes]`, where the largest is the
 * likeliest class. With a moving average it runs on that.
 */
export function buildEvaluationGraph(recipe: UsedNet, batch: number): NetGraph {
  // Whole batch norms, which the passes fold into the convolutions before them.
  const builder = new GraphBuilder({ keepComposites: true });
  const pixels = builder.input(ports.images, [batch, ...recipe.input]);
  const built = buildNet(recipe.net, {
    builder,
    input: normalize(pixels, recipe.normalization),
    training: false,
    ...(recipe.frozen === undefined ? {} : { frozen: recipe.frozen }),
  });
  builder.output(ports.scores, scoresOf(recipe, built.output));
  const graph = builder.finish();
  if (recipe.average === undefined) return { graph, parameters: built.parameters };
  const averaged = new Set(built.parameters.map(({ name }) => name));
  return { graph: renameStates(graph, averaged, averageName), parameters: built.parameters };
}

/**
 * A training step's forward half that fetches, for each leaf layer, the mean magnitude of what it makes: NaN or
 * infinite where anything in it is. Changes no state.
 */
export function buildDiagnosisGraph(
  recipe: Recipe,
  batch: number,
): {
  readonly graph: Graph;
  readonly layers: readonly {
    readonly port: string;
    readonly name: string;
    readonly kind: string;
  }[];
} {
  const builder = new GraphBuilder();
  const { built, outputs } = buildForward(builder, recipe, batch, "mean", {});
  const layers = built.records
    .filter(({ inside }) => inside === 0)
    .map(({ name, kind, outputId }, index) => {
      const port = `layer${index}`;
      builder.output(port, reduceMean(abs(builder.value(outputId))));
      return { port, name, kind };
    });
  builder.output("lossAgain", outputs.loss);
  const { updates: _, ...rest } = builder.finish();
  return { graph: { ...rest, updates: [] }, layers };
}

/** What the net declares, in its own order. */
export function declarations(recipe: UsedNet): readonly ParameterDeclaration[] {
  const builder = new GraphBuilder();
  return buildNet(recipe.net, {
    builder,
    input: builder.input(ports.images, [1, ...recipe.input]),
    training: false,
    ...(recipe.frozen === undefined ? {} : { frozen: recipe.frozen }),
  }).parameters;
}

interface Forward {
  readonly built: BuiltNet;
  /** Where each trained parameter's gradient is taken. */
  readonly points: ReadonlyMap<string, Value>;
  readonly outputs: { readonly loss: Value };
}

function buildForward(
  builder: GraphBuilder,
  recipe: Recipe,
  batch: number,
  reduction: "mean" | "sum",
  momentum: { readonly momentum?: Value },
): Forward {
  const { net, input, classes, optimizer, frozen } = recipe;
  const pixels = builder.input(ports.images, [batch, ...input]);
  const points = new Map<string, Value>();
  const built = buildNet(net, {
    builder,
    input: normalize(pixels, recipe.normalization),
    training: true,
    substitute(name, value) {
      if (frozen?.(name)) return value;
      const point = gradientPoint(builder, optimizer, { name, value }, momentum);
      points.set(name, point);
      return point;
    },
    ...(frozen === undefined ? {} : { frozen }),
  });
  const { output, auxiliary } = built;
  if (output.shape.length !== 2 || output.shape[1] !== classes) {
    throw new OptionError(
      `the net gives [${output.shape.join(", ")}]; the data has ${classes} classes, so [${batch}, ${classes}] is needed.`,
    );
  }
  const target =
    recipe.softTargets === true
      ? builder.input(ports.targets, [batch, classes])
      : builder.input(ports.labels, [batch], "int32");
  let loss = lossOf(recipe, output, target, reduction);
  for (const { value, weight } of auxiliary) {
    loss = add(loss, multiply(lossOf(recipe, value, target, reduction), weight));
  }
  if (reduction === "sum") loss = multiply(loss, builder.input(ports.share, []));
  builder.output(ports.loss, loss);
  builder.output(ports.predicted, argMax(scoresOf(recipe, output)));
  return { built, points, outputs: { loss } };
}

function lossOf(recipe: Recipe, output: Value, target: Value, reduction: "mean" | "sum"): Value {
  const { loss = "crossEntropy", labelSmoothing = 0, classWeights, softTargets } = recipe;
  if (loss !== "crossEntropy" && (labelSmoothing > 0 || softTargets === true)) {
    throw new OptionError(
      `loss "${loss}" takes classes; label smoothing, MixUp and CutMix need crossEntropy.`,
    );
  }
  const weights = classWeights === undefined ? {} : { classWeights };
  switch (loss) {
    case "crossEntropy":
      return crossEntropy(output, target, { reduction, labelSmoothing, ...weights });
    case "multiclassHinge":
      return multiclassHinge(output, target, { reduction, ...weights });
    case "rbfLoss":
      return rbfLoss(output, target, { reduction });
  }
}

/** What the net's output says, with the largest as the likeliest class. */
export function scoresOf({ loss = "crossEntropy" }: Pick<NetRecipe, "loss">, output: Value): Value {
  return classifierLosses[loss].smallIsLikely ? unary(output, "negate") : output;
}

function trained<P extends ParameterDeclaration>(parameters: readonly P[]): P[] {
  return parameters.filter(({ kind, frozen }) => kind === "parameter" && !frozen);
}

interface Slope {
  readonly name: string;
  readonly value: Value;
  readonly gradient: Value;
}

function differentiate(loss: Value, built: BuiltNet, points: ReadonlyMap<string, Value>): Slope[] {
  const parameters = trained(built.parameters);
  const slopes = gradients(
    loss,
    parameters.map(({ name }) => points.get(name)!),
  );
  return parameters.map(({ name, value }, i) => ({ name, value, gradient: slopes[i]! }));
}

function update(
  builder: GraphBuilder,
  recipe: Recipe,
  parameters: readonly ParameterDeclaration[],
  slopes: readonly Slope[],
  momentum: { readonly momentum?: Value },
): void {
  const { optimizer, groups, decayVectors, clip, average } = recipe;
  const { next } = applyOptimizer(builder, optimizer, slopes, {
    lr: builder.input(ports.lr, []),
    ...momentum,
    ...(groups === undefined ? {} : { groups }),
    ...(decayVectors === undefined ? {} : { decayVectors }),
    ...(clip === undefined ? {} : { clip }),
  });
  if (average === undefined) return;
  // Running statistics belong to the weights that made them, so they are averaged along.
  const updated = new Map(builder.finish().updates.map(({ state, value }) => [state, value]));
  const values = parameters
    .filter(({ dtype }) => dtype === "float32")
    .map(({ name, value }) => {
      const after = updated.get(value.id);
      return {
        name,
        value: next.get(name) ?? (after === undefined ? value : builder.value(after)),
      };
    });
  averageWeights(builder, values, average);
}

function renameStates(
  graph: Graph,
  names: ReadonlySet<string>,
  rename: (name: string) => string,
): Graph {
  const nodes = graph.nodes.map((node) => {
    const name = node.op === "state" ? String(node.attributes.name) : "";
    if (!names.has(name)) return node;
    return { ...node, name: rename(name), attributes: { ...node.attributes, name: rename(name) } };
  });
  return { ...graph, nodes };
}
