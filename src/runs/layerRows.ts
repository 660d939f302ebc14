import { elementCount } from "../core/shape.ts";
import { GraphBuilder } from "../graph/builder.ts";
import { buildNet } from "../layers/layer.ts";
import type { Net } from "../models/index.ts";
import type { LayerRow } from "../train/record.ts";

/** The layers of a net that hold no others, in the order in which they run. */
export function layerRows({ layer, input }: Net): LayerRow[] {
  const builder = new GraphBuilder({ keepComposites: true });
  const built = buildNet(layer, {
    builder,
    input: builder.input("x", [1, ...input]),
    training: false,
  });
  const shapes = new Map(
    built.parameters
      .filter(({ kind }) => kind === "parameter")
      .map(({ name, shape }) => [name, elementCount(shape)]),
  );
  return built.records
    .filter(({ inside }) => inside === 0)
    .map(({ name, kind, output, parameters, macs }) => ({
      name,
      kind,
      output: output.slice(1),
      parameters: parameters.reduce((sum, parameter) => sum + (shapes.get(parameter) ?? 0), 0),
      macs,
    }));
}
