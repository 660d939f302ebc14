import type { Model } from "../../runs/model.ts";
import { buildEvaluationGraph } from "../../train/stepGraph.ts";
import type { Golden } from "../golden.ts";
import { toBase64 } from "./base64.ts";
import { graphToJson } from "./graphJson.ts";
import { type PageModel, statesOf } from "./pageModel.ts";

/** What a page carries: the model, and the numbers of the graph's states in the order of its nodes. */
export function pageModelOf(
  model: Model,
  golden: Golden,
): { readonly json: PageModel; readonly weights: string } {
  const { net, classes, geometry, normalization, loss, threshold } = model;
  const { graph } = buildEvaluationGraph(
    { net: net.layer, input: net.input, classes: classes.length, normalization, loss },
    1,
  );
  const bytes = statesOf(graph).map(({ name }) => {
    const { data } = model.weights.get(name)!;
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  });
  const all = new Uint8Array(bytes.reduce((sum, { length }) => sum + length, 0));
  let position = 0;
  for (const part of bytes) {
    all.set(part, position);
    position += part.length;
  }
  const json = {
    net: net.name,
    variant: net.variant,
    classes,
    geometry,
    threshold: threshold ?? null,
    graph: graphToJson(graph),
    golden: {
      count: golden.count,
      origin: golden.origin,
      images: toBase64(golden.images),
      probabilities: [...golden.probabilities],
    },
  };
  return { json, weights: toBase64(all) };
}
