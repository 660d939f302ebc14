import { GraphBuilder } from "../graph/builder.ts";
import type { Graph } from "../graph/graph.ts";
import { softmax } from "../graph/ops/softmax.ts";
import { buildNet } from "../layers/layer.ts";
import type { Model } from "../runs/model.ts";
import { normalize } from "../train/normalization.ts";
import { scoresOf } from "../train/stepGraph.ts";

/** Names under which an exported net is fed and read. */
export const exportPorts = {
  /** Normalised pixels, float32 `[N, C, H, W]`. */
  input: "input",
  /** Pixels 0 … 255, `[N, C, H, W]`, with the preprocessing inside. */
  images: "images",
  /** `[N, classes]`, the largest the likeliest class. */
  scores: "scores",
  /** Softmax of the scores. */
  probabilities: "probabilities",
} as const;

/** How much of the way from pixels to probabilities is in an exported graph. */
export interface InferenceOptions {
  /** Scale, mean and deviation are part of the graph, which then takes pixels 0 … 255. Default false. */
  readonly preprocessing?: boolean;
  /** A second output, `probabilities`. Default false. */
  readonly softmax?: boolean;
}

/** The graph of a trained net as it answers, with composite operations whole, for writers of other formats. */
export function inferenceGraph(
  model: Model,
  batch: number,
  { preprocessing = false, softmax: withSoftmax = false }: InferenceOptions = {},
): Graph {
  const { net, normalization, loss } = model;
  const builder = new GraphBuilder({ keepComposites: true });
  const name = preprocessing ? exportPorts.images : exportPorts.input;
  const given = builder.input(name, [batch, ...net.input]);
  const input = preprocessing ? normalize(given, normalization) : given;
  const scores = scoresOf(
    { loss },
    buildNet(net.layer, { builder, input, training: false }).output,
  );
  builder.output(exportPorts.scores, scores);
  if (withSoftmax) builder.output(exportPorts.probabilities, softmax(scores));
  return builder.finish();
}
