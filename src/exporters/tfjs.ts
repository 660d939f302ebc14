import { FormatError } from "../core/errors.ts";
import { bytesSource } from "../formats/byteSource.ts";
import { memoryFolder } from "../formats/fileFolder.ts";
import { readTensors } from "../formats/tensorFile.ts";
import { exportLayers, type WrittenLayers } from "../formats/tfjs/export/exportLayers.ts";
import { restoredStates, variableTensors } from "../formats/tfjs/export/layerList.ts";
import { readTfjs } from "../formats/tfjs/read.ts";
import { writeTfjs } from "../formats/tfjs/write.ts";
import {
  type Answer,
  type Exporter,
  type ExportFiles,
  type ExportRequest,
  proofFiles,
} from "./exporter.ts";
import { probabilitiesOf, scoresOfImages } from "./golden.ts";
import { inferenceGraph } from "./inferenceGraph.ts";

const main = "model.json";
const labelsFile = "classes.json";

/** A layers model of tensorflow.js: topology and shards of weights. */
export const tfjsExporter: Exporter = {
  title: "a layers model of tensorflow.js",
  main,
  extension: undefined,
  async encode({ model, version }) {
    const { topology, variables } = layersOf(model);
    const tensors = variableTensors(variables, model.weights);
    const labels = Object.fromEntries(model.classes.map((label, id) => [id, label]));
    return new Map([
      ...writeTfjs({ topology, tensors, generatedBy: `striate ${version}` }),
      [labelsFile, new TextEncoder().encode(`${JSON.stringify(labels, null, 2)}\n`)],
    ]);
  },
  async ask(files, request) {
    return (await askTensorflow(files, request)) ?? askReadBack(files, request);
  },
  instructions: ({ model }, nameOf) => {
    const { height, width, channels } = model.geometry;
    return `The input is normalised pixels, float32 \`[N, ${height}, ${width}, ${channels}]\`: resize and cut to ${height}x${width}, then \`(pixel · scale − mean)/std\` with the numbers of the model's \`preprocessor_config.json\`${model.normalization.channelOrder === "bgr" ? ", channels in the order blue, green, red" : ""}: ${JSON.stringify({ scale: 1 / 255, ...model.normalization })}. The output are scores before softmax. Class names are in \`${nameOf(labelsFile)}\`.

\`\`\`js
const model = await tf.loadLayersModel("${nameOf(main)}");
const probabilities = tf.softmax(model.predict(input));
\`\`\`

\`input\` of \`${nameOf(proofFiles.golden)}\` is \`[N, C, H, W]\`: \`tf.transpose(input, [0, 2, 3, 1])\` is what the model takes.`;
  },
};

function layersOf(model: ExportRequest["model"]): WrittenLayers {
  return exportLayers(inferenceGraph(model, 1), model.net.name);
}

/** Pixels of normalised images with the channels last. */
function channelsLast({ model, golden }: ExportRequest): Float32Array {
  const [channels, height, width] = model.net.input;
  const plane = height * width;
  const result = new Float32Array(golden.input.length);
  for (let n = 0; n < golden.count; n++) {
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < plane; i++) {
        result[(n * plane + i) * channels + c] = golden.input[(n * channels + c) * plane + i]!;
      }
    }
  }
  return result;
}

async function askTensorflow(
  files: ExportFiles,
  request: ExportRequest,
): Promise<Answer | undefined> {
  const { model, golden, foreign } = request;
  const [channels, height, width] = model.net.input;
  const answer = await foreign.ask({
    runtime: "tfjs",
    files,
    inputs: {
      input: { data: channelsLast(request), shape: [golden.count, height, width, channels] },
    },
    output: "scores",
  });
  if (answer === undefined) return undefined;
  return {
    probabilities: probabilitiesOf(answer.data, model.classes.length),
    runtime: answer.program,
    foreign: true,
    notes: [],
  };
}

/** Reads the shards back; their numbers, in our layout again, must be the model's, and are run in our engine. */
async function askReadBack(files: ExportFiles, request: ExportRequest): Promise<Answer> {
  const { model, golden, backend } = request;
  const sources = [...files].map(([name, bytes]) => [name, bytesSource(bytes, name)] as const);
  const read = await readTensors(await readTfjs(memoryFolder(new Map(sources), "the export")));
  const weights = new Map(model.weights);
  for (const [name, tensor] of restoredStates(layersOf(model).variables, read)) {
    const own = model.weights.get(name)!;
    if (!tensor.data.every((value, i) => Object.is(value, own.data[i]))) {
      throw new FormatError(`tfjs: "${name}" did not come back bit for bit. Nothing was written.`);
    }
    weights.set(name, { shape: own.shape, data: tensor.data });
  }
  const scores = await scoresOfImages({ ...model, weights }, golden, backend);
  return {
    probabilities: probabilitiesOf(scores, model.classes.length),
    runtime: "the same engine again, with the weights read back from the shards",
    foreign: false,
    notes: [
      "The topology was not run: install @tensorflow/tfjs-core, @tensorflow/tfjs-layers and @tensorflow/tfjs-backend-cpu to have tensorflow.js asked.",
    ],
  };
}
