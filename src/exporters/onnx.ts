import { importGraph } from "../formats/onnx/importGraph.ts";
import { decodeModel, encodeModel } from "../formats/onnx/proto/model.ts";
import { exportGraph } from "../formats/onnx/write/exportGraph.ts";
import {
  type Answer,
  type Exporter,
  type ExportFiles,
  type ExportRequest,
  proofFiles,
} from "./exporter.ts";
import { probabilitiesOf } from "./golden.ts";
import { exportPorts, inferenceGraph } from "./inferenceGraph.ts";

const main = "model.onnx";
const labelsFile = "classes.json";

/** A model as ONNX: operator set 18, a batch of any size, PyTorch's names of weights. */
export const onnxExporter: Exporter = {
  title: "ONNX, operator set 18",
  main,
  extension: ".onnx",
  async encode(request) {
    const { model, preprocessing, softmax, version } = request;
    const proto = exportGraph({
      build: (batch) => inferenceGraph(model, batch, { preprocessing, softmax }),
      states: model.weights,
      name: `${model.net.name}-${model.net.variant}`,
      byteImages: [exportPorts.images],
      metadata: metadataOf(request),
      producer: { name: "striate", version },
    });
    const labels = Object.fromEntries(model.classes.map((label, id) => [id, label]));
    return new Map([
      [main, encodeModel(proto)],
      [labelsFile, new TextEncoder().encode(`${JSON.stringify(labels, null, 2)}\n`)],
    ]);
  },
  async ask(files, request) {
    return (await askRuntime(files, request)) ?? askOurselves(files, request);
  },
  instructions: ({ preprocessing, softmax, model }, nameOf) => {
    const { geometry } = model;
    const size = `${geometry.height}x${geometry.width}`;
    const feed = preprocessing ? exportPorts.images : exportPorts.input;
    const input = preprocessing
      ? `\`images\` takes bytes, uint8 \`[N, H, W, C]\`, of images that have been resized and cut to ${size} (\`preprocessing\` in the metadata says how); scale, mean and deviation are in the graph.`
      : `\`input\` takes normalised pixels, float32 \`[N, C, H, W]\`: resize and cut to ${size}, then \`(pixel · scale − mean)/std\` with the numbers of \`preprocessing\` in the metadata.`;
    return `${input} N is any number of images. \`scores\` \`[N, ${model.classes.length}]\` are the net's outputs before softmax, the largest the likeliest class${softmax ? "; `probabilities` is their softmax" : " (`--softmax` adds an output `probabilities`)"}. Class names are in \`${nameOf(labelsFile)}\`, and in the metadata as \`classes\` and \`id2label\`.

\`\`\`python
import numpy as np, onnxruntime as ort
golden = np.load("${nameOf(proofFiles.golden)}")
scores, = ort.InferenceSession("${nameOf(main)}").run(["scores"], {"${feed}": golden["${feed}"]})
e = np.exp(scores - scores.max(1, keepdims=True))
print(np.abs(e / e.sum(1, keepdims=True) - golden["probabilities"]).max())
\`\`\``;
  },
};

function metadataOf({ model, preprocessing }: ExportRequest): Record<string, string> {
  const { classes, net, geometry, normalization } = model;
  return {
    classes: JSON.stringify(classes),
    id2label: JSON.stringify(Object.fromEntries(classes.map((label, id) => [id, label]))),
    net: net.name,
    variant: net.variant,
    preprocessing: JSON.stringify({
      ...geometry,
      scale: 1 / 255,
      channelOrder: "rgb",
      ...normalization,
      normalizationInGraph: preprocessing,
    }),
  };
}

async function askRuntime(files: ExportFiles, request: ExportRequest): Promise<Answer | undefined> {
  const { model, golden, preprocessing, softmax, foreign } = request;
  const { count } = golden;
  const [channels, height, width] = model.net.input;
  const answer = await foreign.ask({
    runtime: "onnx",
    files,
    inputs: preprocessing
      ? { [exportPorts.images]: { data: golden.images, shape: [count, height, width, channels] } }
      : { [exportPorts.input]: { data: golden.input, shape: [count, channels, height, width] } },
    output: softmax ? exportPorts.probabilities : exportPorts.scores,
  });
  if (answer === undefined) return undefined;
  const { data, program } = answer;
  return {
    probabilities: softmax ? data : probabilitiesOf(data, model.classes.length),
    runtime: program,
    foreign: true,
    notes: [],
  };
}

/** Reads the file back with our own importer and runs that. */
async function askOurselves(files: ExportFiles, request: ExportRequest): Promise<Answer> {
  const { model, golden, preprocessing, backend } = request;
  const { count } = golden;
  const proto = decodeModel(files.get(main)!, main);
  const { graph, states } = importGraph(proto, {
    dimensions: { batch: count },
    outputs: [exportPorts.scores],
  });
  const session = await backend.open();
  try {
    const program = await session.compile(graph);
    for (const name of session.states) await session.write(name, states.get(name)!);
    const feeds = preprocessing
      ? { [exportPorts.images]: Int32Array.from(golden.images) }
      : { [exportPorts.input]: golden.input };
    const { scores } = await program.run(feeds);
    return {
      probabilities: probabilitiesOf(scores as Float32Array, model.classes.length),
      runtime: "our own reader of ONNX",
      foreign: false,
      notes: ["Install onnxruntime-web to have ONNX Runtime asked instead."],
    };
  } finally {
    await session.close();
  }
}
