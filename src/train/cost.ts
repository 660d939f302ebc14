import { elementCount } from "../core/shape.ts";
import { GraphBuilder } from "../graph/builder.ts";
import { buildNet, type Layer } from "../layers/layer.ts";

/** What a net costs, found without any numbers. */
export interface Cost {
  /** Multiply-adds of one image, forward. */
  readonly macs: number;
  /** Trained numbers. */
  readonly parameters: number;
}

/** Counts multiply-adds and parameters of a net at an input size, without heads that serve training only. */
export function measureCost(net: Layer, input: readonly [number, number, number]): Cost {
  const builder = new GraphBuilder({ keepComposites: true });
  const x = builder.input("x", [1, ...input]);
  const { records, parameters } = buildNet(net, { builder, input: x, training: false });
  const layers = records.filter(({ inside, auxiliary }) => inside === 0 && !auxiliary);
  const trained = parameters.filter(({ kind, auxiliary }) => kind === "parameter" && !auxiliary);
  return {
    macs: layers.reduce((sum, { macs }) => sum + macs, 0),
    parameters: trained.reduce((sum, { shape }) => sum + elementCount(shape), 0),
  };
}

/** How a net keeps its activations in bounds, which decides what rates it bears. */
export function normalizationKind(
  net: Layer,
  input: readonly [number, number, number],
): "batch" | "layer" | "none" {
  const builder = new GraphBuilder({ keepComposites: true });
  const { records } = buildNet(net, {
    builder,
    input: builder.input("x", [1, ...input]),
    training: false,
  });
  const has = (kind: string) => records.some((record) => record.kind.startsWith(kind));
  return has("batchNorm") ? "batch" : has("layerNorm") ? "layer" : "none";
}
