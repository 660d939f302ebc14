import { FormatError } from "../core/errors.ts";
import { bytesSource } from "../formats/byteSource.ts";
import { memoryFolder } from "../formats/fileFolder.ts";
import type { ModelCard } from "../formats/huggingface/modelCard.ts";
import { modelFiles } from "../formats/huggingface/modelFolder.ts";
import { readTensors, type WritableTensor } from "../formats/tensorFile.ts";
import { readTorch } from "../formats/torch/read.ts";
import { writeTorch } from "../formats/torch/write.ts";
import type { Net } from "../models/index.ts";
import type { Model } from "../runs/model.ts";
import { modelFromFiles, modelToFiles } from "../runs/modelFolder.ts";
import type { Tensors } from "../train/trainer.ts";
import { type Answer, type Exporter, type ExportRequest, proofFiles } from "./exporter.ts";
import { probabilitiesOf, scoresOfImages } from "./golden.ts";

/** A model folder in the layout of the Hugging Face hub. */
export const safetensorsExporter: Exporter = {
  title: "a folder for the Hugging Face hub",
  main: modelFiles.weights,
  extension: undefined,
  async encode({ model, card }) {
    return modelToFiles(model, card ?? plainCard(model));
  },
  async ask(files, request) {
    const sources = [...files].map(([name, bytes]) => [name, bytesSource(bytes, name)] as const);
    const read = await modelFromFiles(memoryFolder(new Map(sources), "the export"));
    return askReadBack(read, request, "its files");
  },
  instructions: (
    { model },
    nameOf,
  ) => `\`${nameOf(modelFiles.weights)}\` has the weights by PyTorch's names, in PyTorch's layout, \`${nameOf(modelFiles.config)}\` the net and its classes, \`${nameOf(modelFiles.preprocessing)}\` what images go through. The folder can be uploaded to the hub as it is, and \`striate predict <this folder> image.jpg\` uses it. ${loadingIn(model)}

\`\`\`python
from safetensors.torch import load_file
state = load_file("${nameOf(modelFiles.weights)}")
${checkLines(model, nameOf)}
\`\`\``,
};

const torchFile = "model.pth";

/** A state dict of PyTorch. */
export const torchExporter: Exporter = {
  title: "a state dict of PyTorch",
  main: torchFile,
  extension: ".pth",
  async encode({ model }) {
    const tensors = new Map<string, WritableTensor>(
      [...model.weights].map(([name, tensor]) => [
        name,
        // The one integer that PyTorch keeps, the count of batches, is int64 there.
        tensor.data instanceof Int32Array ? { ...tensor, elementType: "int64" } : tensor,
      ]),
    );
    return new Map([[torchFile, writeTorch(tensors)]]);
  },
  async ask(files, request) {
    const file = await readTorch(bytesSource(files.get(torchFile)!, torchFile));
    const read = { ...request.model, weights: await readTensors(file) };
    return askReadBack(read, request, "the state dict");
  },
  instructions: ({ model }, nameOf) => `${loadingIn(model)}

\`\`\`python
import torch
state = torch.load("${nameOf(torchFile)}", weights_only=True)
${checkLines(model, nameOf)}
\`\`\``,
};

/** Runs a model that was read back, and says whether every bit is there. */
async function askReadBack(read: Model, request: ExportRequest, what: string): Promise<Answer> {
  const { model, golden, backend } = request;
  const different = differing(model.weights, read.weights);
  if (different.length > 0) {
    throw new FormatError(
      `export: ${different.length} tensors did not come back bit for bit, the first "${different[0]}". Nothing was written.`,
    );
  }
  const scores = await scoresOfImages(read, golden, backend);
  return {
    probabilities: probabilitiesOf(scores, model.classes.length),
    runtime: `the same engine again, with the weights read back from ${what}`,
    foreign: false,
    notes: [`All ${model.weights.size} tensors came back bit for bit.`],
  };
}

/** Names of tensors that are not the same in both, to the last bit. */
function differing(a: Tensors, b: Tensors): string[] {
  const names = new Set([...a.keys(), ...b.keys()]);
  return [...names].filter((name) => {
    const [x, y] = [a.get(name), b.get(name)];
    if (x === undefined || y === undefined || x.shape.join() !== y.shape.join()) return true;
    return !x.data.every((value, i) => Object.is(value, y.data[i]));
  });
}

/** Which net elsewhere the weights load into. */
function loadingIn({ net, classes }: Model): string {
  const elsewhere = torchvisionNet(net, classes.length);
  if (elsewhere !== undefined) {
    return `The weights load into \`${elsewhere}\` of torchvision.`;
  }
  return `Names and shapes are those of PyTorch's modules in the form that net "${net.name}", variant "${net.variant}", has in Striate (${net.paper}); torchvision has no such net, so define it first (\`striate summary ${net.name} --variant ${net.variant}\` lists its layers).`;
}

/** The constructor of torchvision whose state dict this net's weights are. */
export function torchvisionNet({ name, variant }: Net, classes: number): string | undefined {
  const options = `num_classes=${classes}`;
  if (name === "googlenet" && variant === "torchvision") {
    return `torchvision.models.googlenet(${options}, aux_logits=True, init_weights=False)`;
  }
  if (variant === "torchvision") return `torchvision.models.${name}(${options})`;
  if (name === "squeezenet" && /^\d\.\d$/.test(variant)) {
    return `torchvision.models.squeezenet${variant.replace(".", "_")}(${options})`;
  }
  if (name === "convnext" && ["tiny", "small", "base", "large"].includes(variant)) {
    return `torchvision.models.convnext_${variant}(${options})`;
  }
  return undefined;
}

function checkLines({ net, classes }: Model, nameOf: (file: string) => string): string {
  const elsewhere = torchvisionNet(net, classes.length);
  if (elsewhere === undefined) return "print({name: tuple(x.shape) for name, x in state.items()})";
  return `import numpy as np, torch, torchvision
golden = np.load("${nameOf(proofFiles.golden)}")
net = ${elsewhere}.eval()
net.load_state_dict(state)
with torch.no_grad():
    probabilities = net(torch.from_numpy(golden["input"])).softmax(1).numpy()
print(np.abs(probabilities - golden["probabilities"]).max())`;
}

function plainCard({ net, classes }: Model): ModelCard {
  return {
    facts: {
      library_name: "striate",
      pipeline_tag: "image-classification",
      tags: ["image-classification", "striate", net.name],
    },
    text: `# ${net.name} (${net.variant}) for ${classes.length} classes

Classes: ${classes.join(", ")}. The accuracy was not recorded with the model: measure it with \`striate eval <this folder> <images>\`.`,
  };
}
