import { GraphBuilder } from "../../src/graph/builder.ts";
import { buildNet } from "../../src/layers/layer.ts";
import type { Net } from "../../src/models/index.ts";
import type { Model } from "../../src/runs/model.ts";
import { livelyWeights } from "../models/livelyWeights.ts";

/** A model of a net with drawn weights, as training would leave it. */
export function tinyModel(net: Net): Model {
  const builder = new GraphBuilder();
  const input = builder.input("x", [1, ...net.input]);
  const { parameters } = buildNet(net.layer, { builder, input, training: false });
  const [channels, height, width] = net.input;
  return {
    net,
    classes: Array.from({ length: net.classes }, (_, i) => `class "${i}" ü`),
    geometry: { width, height, channels: channels === 1 ? 1 : 3 },
    normalization: {
      mean: Array.from({ length: channels }, (_, c) => 0.4 + 0.03 * c),
      std: Array.from({ length: channels }, (_, c) => 0.22 + 0.01 * c),
    },
    loss: net.loss,
    threshold: undefined,
    weights: new Map(
      parameters.map((p) => [
        p.name,
        { shape: p.shape, data: p.dtype === "int32" ? Int32Array.of(3) : livelyWeights(p) },
      ]),
    ),
  };
}
