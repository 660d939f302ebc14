import { elementCount } from "../../src/core/shape.ts";
import { GraphBuilder } from "../../src/graph/builder.ts";
import { type BuiltNet, buildNet } from "../../src/layers/layer.ts";
import { makeNet, models, type Net, type NetFamily } from "../../src/models/index.ts";

/** Builds a net for one image, without any numbers. */
export function buildOne(net: Net, input = net.input): BuiltNet {
  const builder = new GraphBuilder({ keepComposites: true });
  const image = builder.input("x", [1, ...input]);
  return buildNet(net.layer, { builder, input: image, training: false });
}

/** Trained numbers of a net, those of heads that serve training only counted where asked for. */
export function countParameters(net: Net, withHeads = false): number {
  return buildOne(net)
    .parameters.filter(({ kind, auxiliary }) => kind === "parameter" && (withHeads || !auxiliary))
    .reduce((sum, { shape }) => sum + elementCount(shape), 0);
}

/** Every listed net in every variant. */
export function everyNet(): Net[] {
  return eachFamily().flatMap((family) =>
    Object.entries(family.nets).flatMap(([name, variants]) =>
      Object.keys(variants).map((variant) => makeNet(family, name, { variant })),
    ),
  );
}

/** Every small net that families keep for tests. */
export function everyTestNet(): Net[] {
  return eachFamily().flatMap((family) =>
    Object.keys(family.tests).map((variant) =>
      makeNet(family, Object.keys(family.nets)[0]!, { variant }),
    ),
  );
}

function eachFamily(): NetFamily[] {
  return Object.values<NetFamily>(models);
}
