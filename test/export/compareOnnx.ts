import type { TensorData } from "../../src/core/dtype.ts";
import { RandomStream } from "../../src/core/random.ts";
import { elementCount, type Shape } from "../../src/core/shape.ts";
import type { foreignProcess } from "../../src/exporters/foreignProcess.node.ts";
import { largestDifference } from "../../src/exporters/golden.ts";
import type { ModelProto } from "../../src/formats/onnx/proto/messages.generated.ts";
import { encodeModel } from "../../src/formats/onnx/proto/model.ts";
import { exportGraph } from "../../src/formats/onnx/write/exportGraph.ts";
import { GraphBuilder, type Value } from "../../src/graph/builder.ts";
import { buildNet, type Layer, layer } from "../../src/layers/layer.ts";
import type { Backend } from "../../src/plan/backend.ts";
import { livelyWeights } from "../models/livelyWeights.ts";

/** A graph of which every number is known, to be computed by both sides. */
export interface Comparison {
  readonly inputs: readonly Shape[];
  /** The result for inputs of another number of images. */
  build(inputs: readonly Value[]): Value;
  readonly states: ReadonlyMap<string, { readonly shape: Shape; readonly data: TensorData }>;
}

export interface Compared {
  readonly model: ModelProto;
  readonly ours: Float32Array;
  readonly theirs: Float32Array;
  readonly difference: number;
}

const inputName = (index: number) => `x${index}`;

/** A layer, with as many inputs as shapes, over weights that let a signal through. */
export function layerComparison(inner: Layer, inputs: readonly Shape[]): Comparison {
  const all = layer("all", {}, (_, scope) => scope.inline(inner, ...values));
  let values: readonly Value[] = [];
  const build = (given: readonly Value[]) => {
    values = given;
    const { builder } = given[0]!;
    return buildNet(all, { builder, input: given[0]!, training: false });
  };
  const builder = new GraphBuilder();
  const { parameters } = build(inputs.map((shape, i) => builder.input(inputName(i), shape)));
  const states = new Map(
    parameters
      .filter(({ dtype }) => dtype === "float32")
      .map((p) => [p.name, { shape: p.shape, data: livelyWeights(p) }]),
  );
  return { inputs, states, build: (given) => build(given).output };
}

/** Computes a graph on a backend of ours and, written as ONNX, in ONNX Runtime. */
export async function compareOnnx(
  comparison: Comparison,
  backend: Backend,
  foreign: ReturnType<typeof foreignProcess>,
): Promise<Compared> {
  const { inputs, states, build } = comparison;
  const graphOf = (batch: number | undefined) => {
    const builder = new GraphBuilder({ keepComposites: true });
    const values = inputs.map((shape, i) =>
      builder.input(inputName(i), batch === undefined ? shape : [batch, ...shape.slice(1)]),
    );
    builder.output("y", build(values));
    return builder.finish();
  };
  const feeds = Object.fromEntries(
    inputs.map((shape, i) => {
      const stream = new RandomStream(9, inputName(i));
      return [
        inputName(i),
        Float32Array.from({ length: elementCount(shape) }, () => stream.normal()),
      ];
    }),
  );
  const session = await backend.open();
  try {
    const program = await session.compile(graphOf(undefined));
    for (const name of session.states) await session.write(name, states.get(name)!.data);
    const ours = (await program.run(feeds)).y as Float32Array;
    const model = exportGraph({ build: graphOf, states, name: "test" });
    const answer = await foreign.ask({
      runtime: "onnx",
      files: new Map([["model.onnx", encodeModel(model)]]),
      inputs: Object.fromEntries(
        inputs.map((shape, i) => [inputName(i), { data: feeds[inputName(i)]!, shape }]),
      ),
      output: "y",
    });
    if (answer === undefined) throw new Error("onnxruntime-web is not installed");
    return {
      model,
      ours,
      theirs: answer.data,
      difference: largestDifference(ours, answer.data),
    };
  } finally {
    await session.close();
  }
}
