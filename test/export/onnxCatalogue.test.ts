import { afterAll, describe, expect, it } from "vitest";
import { wasm } from "../../src/backends/wasm/backend.ts";
import { foreignProcess } from "../../src/exporters/foreignProcess.node.ts";
import { decodeModel, encodeModel, modelTensors } from "../../src/formats/onnx/proto/model.ts";
import { readTensors } from "../../src/formats/tensorFile.ts";
import { softmax } from "../../src/graph/ops/softmax.ts";
import { type UnaryName, unaryFunctions } from "../../src/graph/ops/unary.ts";
import { activation } from "../../src/layers/index.ts";
import { layerCases } from "../layers/cases.ts";
import { everyTestNet } from "../models/build.ts";
import { compareOnnx, layerComparison } from "./compareOnnx.ts";

const backend = wasm({ threads: 1 });
const foreign = foreignProcess();
afterAll(() => foreign.close());

describe("every net of the catalogue, in small, as ONNX", () => {
  it.each(everyTestNet().map((net) => [net.name, net.variant, net] as const))(
    "%s, variant %s, gives the same probabilities in ONNX Runtime, over bit-equal weights",
    async (_, __, net) => {
      const { inputs, states, build } = layerComparison(net.layer, [[3, ...net.input]]);
      const comparison = {
        inputs,
        states,
        build: (x: Parameters<typeof build>[0]) => softmax(build(x)),
      };
      const { model, difference } = await compareOnnx(comparison, backend, foreign);
      expect(difference).toBeLessThan(1e-5);
      const written = await readTensors(modelTensors(decodeModel(encodeModel(model), "it"), "it"));
      const weights = [...states].filter(([name]) => written.has(name));
      expect(weights.length).toBeGreaterThan(0);
      for (const [name, { shape, data }] of weights) {
        expect(written.get(name)).toMatchObject({ shape, data });
      }
      const graph = model.graph!;
      expect(graph.input.map(({ name }) => name)).toEqual(["x0"]);
      expect(model.opsetImport.map(({ version }) => version)).toEqual([18n]);
    },
  );
});

describe("every layer as ONNX", () => {
  const cases = Object.entries(layerCases).flatMap(([kind, rows]) =>
    rows.map((row, i) => [`${kind} ${i}`, row] as const),
  );
  it.each(cases)("%s computes the same in ONNX Runtime", async (_, row) => {
    const comparison = layerComparison(row.layer, row.inputs);
    const { ours, theirs } = await compareOnnx(comparison, backend, foreign);
    const scale = Math.max(1, ...ours.map(Math.abs));
    // Sums are taken in another order, and exponentials are other polynomials.
    theirs.forEach((y, i) => {
      expect(Math.abs(y - ours[i]!)).toBeLessThan(1e-5 * scale);
    });
  });

  it.each(Object.keys(unaryFunctions) as UnaryName[])("activation %s does", async (name) => {
    const comparison = layerComparison(activation({ function: name }), [[2, 3, 5, 7]]);
    const { ours, theirs } = await compareOnnx(comparison, backend, foreign);
    theirs.forEach((y, i) => {
      if (Number.isNaN(ours[i]!)) expect(y).toBeNaN();
      else expect(Math.abs(y - ours[i]!)).toBeLessThan(1e-5 * Math.max(1, Math.abs(ours[i]!)));
    });
  });
});
