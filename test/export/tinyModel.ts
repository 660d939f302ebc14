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
  if (channels !== 1 && channels !== 3) throw new Error(`${channels} channels`);
  return {
    net,
    classes: Array.from({ length: net.classes }, (_, i) => `class "${i}" ü`),
    geometry: { width, height, channels },
    normalization: {
      mean: [0.48, 0.45, 0.4].slice(0, channels),
      std: [0.22, 0.23, 0.24].slice(0, channels),
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
