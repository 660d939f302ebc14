import { afterAll, describe, expect, it } from "vitest";
import { reference } from "../../../src/backends/reference/backend.ts";
import { RandomStream } from "../../../src/core/random.ts";
import { elementCount } from "../../../src/core/shape.ts";
import { foreignProcess } from "../../../src/exporters/foreignProcess.node.ts";
import { importGraph } from "../../../src/formats/onnx/importGraph.ts";
import type { ModelProto } from "../../../src/formats/onnx/proto/messages.generated.ts";
import { encodeModel } from "../../../src/formats/onnx/proto/model.ts";
import { caseModel, type OperatorCase, operatorCases } from "./operators.cases.ts";

const foreign = foreignProcess();
afterAll(() => foreign.close());

function feedsOf({ inputs }: OperatorCase): Record<string, Float32Array> {
  return Object.fromEntries(
    inputs.map((shape, i) => {
      const stream = new RandomStream(3, `x${i}`);
      return [`x${i}`, Float32Array.from({ length: elementCount(shape) }, () => stream.normal())];
    }),
  );
}

async function ours(model: ModelProto, feeds: Readonly<Record<string, Float32Array>>) {
  const imported = importGraph(model);
  const session = await reference().open();
  try {
    const program = await session.compile(imported.graph);
    for (const [name, data] of imported.states) await session.write(name, data);
    const used = imported.inputs.map(({ name }) => [name, feeds[name]!] as const);
    const { y } = await program.run(Object.fromEntries(used));
    return { data: y!, shape: imported.outputs[0]!.shape };
  } finally {
    await session.close();
  }
}

describe("operators compute what ONNX Runtime computes", () => {
  it.each(operatorCases.map((row, i) => [row.op, i, row] as const))(
    "%s, case %i",
    async (_, __, row) => {
      const model = caseModel(row);
      const feeds = feedsOf(row);
      const inputs = Object.fromEntries(
        row.inputs.map((shape, i) => [`x${i}`, { data: feeds[`x${i}`]!, shape }]),
      );
      const files = new Map([["model.onnx", encodeModel(model)]]);
      const theirs = await foreign.ask({ runtime: "onnx", files, inputs, output: "y" });
      const { data, shape } = await ours(model, feeds);
      expect(shape).toEqual(theirs!.shape);
      theirs!.data.forEach((expected, i) => {
        if (data[i] === expected) return;
        // Ours are sums of float64, theirs of float32 in an order of their own.
        expect(Math.abs(data[i]! - expected)).toBeLessThan(2e-5 * Math.max(1, Math.abs(expected)));
      });
    },
  );
});
