import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { reference } from "../../src/backends/reference/backend.ts";
import { exportModel } from "../../src/exporters/exportModel.node.ts";
import { createNet } from "../../src/models/index.ts";
import { importModel } from "../../src/runs/importModel.node.ts";
import { readModel, writeModel } from "../../src/runs/trainedModel.node.ts";
import { openWeightSource } from "../../src/runs/weightSource.node.ts";
import { tinyModel } from "./tinyModel.ts";

const folder = await mkdtemp(join(tmpdir(), "striate-round-"));
afterAll(() => rm(folder, { recursive: true, force: true }));
/** Nothing to compile, and quick enough for small nets. */
const backend = reference();

const formats = {
  safetensors: "model.safetensors",
  torch: "model.pth",
  onnx: "model.onnx",
  tfjs: "model.json",
} as const;
/** A dense layer behind a flattened image; batch norms and shortcuts without weights. */
const nets = [
  ["lenet5", "modern", [1, 32, 32]],
  ["resnet20", "test", [3, 16, 16]],
] as const;
const cases = nets.flatMap((net) =>
  Object.keys(formats).map((format) => [...net, format as keyof typeof formats] as const),
);

it.each(cases)("%s %s %j comes back from %s bit for bit", async (name, variant, input, format) => {
  const net = createNet(name, { variant, input, classes: 4 });
  const model = tinyModel(net);
  const at = (what: string) => join(folder, `${name}-${format}-${what}`);
  await writeModel(at("model"), model, { facts: {}, text: "" });
  const { parity } = await exportModel(at("model"), {
    ...{ format, out: at("export"), images: 1, overwrite: false, backend, version: "0" },
    ...{ preprocessing: false, softmax: false, onProgress: () => undefined },
  });
  expect(parity.maxAbsDiff).toBeLessThan(1e-5);
  const source = await openWeightSource(join(at("export"), formats[format]), {});
  const options = { net: name, variant, input, classes: 4, labels: model.classes };
  const { model: back } = await importModel(source, options);
  // Neither ONNX nor Keras counts the batches that a batch norm has seen.
  const counted = format === "safetensors" || format === "torch";
  for (const [parameter, { shape, data }] of model.weights) {
    if (!counted && parameter.endsWith("num_batches_tracked")) continue;
    expect(back?.weights.get(parameter)).toMatchObject({ shape, data });
  }
  await writeModel(at("again"), { ...model, weights: back!.weights }, { facts: {}, text: "" });
  expect((await readModel(at("again"))).weights.size).toBe(model.weights.size);
});
