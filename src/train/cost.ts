import { elementCount } from "../core/shape.ts";
import { GraphBuilder } from "../graph/builder.ts";
import { operation } from "../graph/ops/index.ts";
import { buildNet, type Layer } from "../layers/layer.ts";

/** What a net costs, found without any numbers. */
export interface Cost {
  /** Multiply-adds of one image, forward. */
  readonly macs: number;
  /** Trained numbers. */
  readonly parameters: number;
}

/** Counts multiply-adds and parameters of a net at an input size. */
export function measureCost(net: Layer, input: readonly [number, number, number]): Cost {
  const builder = new GraphBuilder({ keepComposites: true });
  const x = builder.input("x", [1, ...input]);
  const built = buildNet(net, { builder, input: x, training: false });
  let macs = 0;
  for (const { op, inputs, outputs, attributes } of builder.nodes) {
    const values = (ids: readonly number[]) => ids.map((id) => builder.value(id));
    macs += operation(op)?.macs?.(values(inputs), values(outputs), attributes) ?? 0;
  }
  const trained = built.parameters.filter(({ kind }) => kind === "parameter");
  return { macs, parameters: trained.reduce((sum, { shape }) => sum + elementCount(shape), 0) };
}
