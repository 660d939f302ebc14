import { describe, expect, it } from "vitest";
import { reference } from "../../../src/backends/reference/backend.ts";
import { RandomStream } from "../../../src/core/random.ts";
import { importGraph } from "../../../src/formats/onnx/importGraph.ts";
import { onnxLayer } from "../../../src/formats/onnx/onnxLayer.ts";
import { netFromOnnx } from "../../../src/formats/onnx/onnxNet.ts";
import { modelTensors } from "../../../src/formats/onnx/proto/model.ts";
import { readTensors } from "../../../src/formats/tensorFile.ts";
import type { Net } from "../../../src/models/net.ts";
import { netFromJson, netToJson } from "../../../src/models/netFile.ts";
import { summarize } from "../../../src/models/summary.ts";
import { sgd } from "../../../src/optim/sgd.ts";
import { Predictor } from "../../../src/train/predictor.ts";
import { Trainer } from "../../../src/train/trainer.ts";
import { classifier } from "./classifierModel.ts";

const model = classifier();
const normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };

function drawBatch(count: number, classes: number) {
  const random = new RandomStream(4, "images");
  return {
    images: Uint8Array.from({ length: count * 3 * 8 * 8 }, () => random.integer(256)),
    labels: Int32Array.from({ length: count }, () => random.integer(classes)),
    indices: Int32Array.from({ length: count }, (_, i) => i),
    count,
  };
}

/** The file's float tensors, which are the parameters of its net. */
async function weightsOf() {
  const tensors = await readTensors(modelTensors(model, "made"));
  return new Map([...tensors].filter(([, { dtype }]) => dtype === "float32"));
}

function recipeOf(net: Net) {
  return { net: net.layer, input: net.input, classes: net.classes, normalization };
}

/** The graph's own answer for each image by itself, as the file has it: for one image, with its softmax. */
async function answersOfGraph(images: Uint8Array, count: number): Promise<number[][]> {
  const { graph, states } = importGraph(model);
  const session = await reference().open();
  try {
    const program = await session.compile(graph);
    for (const [name, data] of states) await session.write(name, data);
    const answers: number[][] = [];
    const size = 3 * 8 * 8;
    for (let i = 0; i < count; i++) {
      const bytes = images.subarray(i * size, (i + 1) * size);
      // Bytes come as decoders give them, pixel by pixel; the graph takes planes.
      const image = Float32Array.from(bytes, (_, at) => {
        const byte = bytes[(at % 64) * 3 + Math.floor(at / 64)]!;
        return (byte / 255 - 0.5) / 0.25;
      });
      const { probabilities } = await program.run({ image });
      answers.push([...(probabilities as Float32Array)]);
    }
    return answers;
  } finally {
    await session.close();
  }
}

function softmax(scores: readonly number[]): number[] {
  const exponentials = scores.map((score) => Math.exp(score - Math.max(...scores)));
  const sum = exponentials.reduce((a, b) => a + b);
  return exponentials.map((e) => e / sum);
}

describe("an ONNX classifier as a net", () => {
  it("answers as its graph, for any batch, though the file is for one image", async () => {
    const net = netFromOnnx(model, { name: "made" });
    expect([net.input, net.classes]).toEqual([[3, 8, 8], 5]);
    const batch = drawBatch(3, 5);
    const session = await reference().open();
    const recipe = recipeOf(net);
    const predictor = new Predictor({ ...recipe, weights: await weightsOf(), session });
    async function* once() {
      yield batch;
    }
    for await (const { scores } of predictor.evaluate(once())) {
      const expected = await answersOfGraph(batch.images, 3);
      expected.forEach((row, i) => {
        const own = softmax([...scores.slice(i * 5, i * 5 + 5)]);
        for (const [k, probability] of row.entries()) expect(own[k]).toBeCloseTo(probability, 6);
      });
    }
    await session.close();
  });

  it("has a table of layers, with running statistics as buffers", () => {
    const { layers, params, buffers, biases } = summarize(netFromOnnx(model, { name: "made" }));
    expect(params).toBe(16 * 27 + 16 + 32 + 256 * 5 + 5);
    expect([buffers, biases]).toEqual([32, 16 + 16 + 5]);
    const rows = layers.filter((layer) => layer.params > 0);
    expect(rows.map(({ name, kind, params: own }) => [name, kind, own])).toEqual([
      ["Conv_a", "conv2d", 448],
      ["BatchNormalization_b", "batchNorm2d", 32],
      ["MatMul_f", "matmul", 1285],
    ]);
    expect(layers[0]).toMatchObject({ output: [16, 8, 8], macs: 16 * 27 * 64, receptiveField: 3 });
  });

  it("is written to a file of its own and read again, for other classes, too", () => {
    const json = JSON.parse(JSON.stringify(netToJson(netFromOnnx(model, { name: "made" }))));
    const layers = { onnx: onnxLayer };
    expect(summarize(netFromJson(json, { layers, classes: 5 }))).toEqual(
      summarize(netFromOnnx(model, { name: "made" })),
    );
    const other = netFromJson(json, { layers, classes: 3 });
    expect(other.classes).toBe(3);
    expect(summarize(other).params).toBe(16 * 27 + 16 + 32 + 256 * 3 + 3);
  });

  it("is fine-tuned: weights follow the loss, statistics stay", async () => {
    const net = netFromOnnx(model, { name: "made" });
    const recipe = recipeOf(net);
    const weights = await weightsOf();
    const session = await reference().open();
    const trainer = new Trainer({
      recipe: { ...recipe, optimizer: sgd({ lr: 0.01 }) },
      session,
      seed: 1,
    });
    const batch = drawBatch(8, 5);
    await trainer.prepare([batch.count]);
    await trainer.initialize(weights);
    const losses: number[] = [];
    for (let step = 0; step < 8; step++) {
      losses.push((await trainer.step([batch], { lr: 0.01 }, step)).loss);
    }
    expect(losses.at(-1)!).toBeLessThan(0.7 * losses[0]!);
    const after = await trainer.weights();
    for (const [name, { data }] of weights) {
      const isStatistic = name.includes("running");
      expect([...after.get(name)!.data].join() === [...data].join(), name).toBe(isStatistic);
    }
    await session.close();
  });

  it("refuses what is no classifier of images, and says why", () => {
    const graph = { ...model.graph!, output: [{ ...model.graph!.output[0]!, name: "sizes" }] };
    const broken = { ...model, graph } as typeof model;
    expect(() => netFromOnnx(broken, { name: "made" })).toThrow(/does not depend on the images/);
  });
});
