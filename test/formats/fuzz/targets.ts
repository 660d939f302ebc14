import { readFileSync } from "node:fs";
import { create, toBinary } from "@bufbuild/protobuf";
import { parseBoundedJson } from "../../../src/formats/boundedJson.ts";
import { bytesSource } from "../../../src/formats/byteSource.ts";
import {
  BlobProtoSchema,
  NetParameterSchema,
} from "../../../src/formats/caffe/messages.generated.ts";
import { readCaffeNet } from "../../../src/formats/caffe/net.ts";
import { readCaffeMean, readCaffemodel } from "../../../src/formats/caffe/weights.ts";
import { concatenate } from "../../../src/formats/concatenate.ts";
import { memoryFolder } from "../../../src/formats/fileFolder.ts";
import { type Hdf5Group, readHdf5 } from "../../../src/formats/hdf5/read.ts";
import { parseModelCard } from "../../../src/formats/huggingface/modelCard.ts";
import {
  encodeModelFolder,
  readForeignFolder,
  readModelFolder,
} from "../../../src/formats/huggingface/modelFolder.ts";
import { parseKerasConfig } from "../../../src/formats/keras/config.ts";
import { netFromKeras } from "../../../src/formats/keras/netFromKeras.ts";
import { readKeras } from "../../../src/formats/keras/read.ts";
import { torchWeights } from "../../../src/formats/keras/torchWeights.ts";
import { readNpy, writeNpy } from "../../../src/formats/npz/npy.ts";
import { readNpz, writeNpz } from "../../../src/formats/npz/npz.ts";
import { importGraph } from "../../../src/formats/onnx/importGraph.ts";
import { netFromOnnx } from "../../../src/formats/onnx/onnxNet.ts";
import { loadExternalData } from "../../../src/formats/onnx/proto/externalData.ts";
import {
  ModelProtoSchema,
  TensorProtoSchema,
} from "../../../src/formats/onnx/proto/messages.generated.ts";
import {
  decodeModel,
  decodeTensor,
  encodeModel,
  modelTensors,
} from "../../../src/formats/onnx/proto/model.ts";
import { makeTensorProto, tensorData } from "../../../src/formats/onnx/proto/tensorData.ts";
import { readSafetensors } from "../../../src/formats/safetensors/read.ts";
import { writeSafetensors } from "../../../src/formats/safetensors/write.ts";
import { readEvents } from "../../../src/formats/tensorboard/read.ts";
import { tfRecord } from "../../../src/formats/tensorboard/recordFile.ts";
import { imageRecord, scalarsRecord, textRecord } from "../../../src/formats/tensorboard/write.ts";
import { readTensors, type TensorFile } from "../../../src/formats/tensorFile.ts";
import { readTfjs } from "../../../src/formats/tfjs/read.ts";
import { writeTfjs } from "../../../src/formats/tfjs/write.ts";
import { readTorch } from "../../../src/formats/torch/read.ts";
import { writeTorch } from "../../../src/formats/torch/write.ts";
import { openZip } from "../../../src/formats/zip/read.ts";
import { writeZip } from "../../../src/formats/zip/write.ts";
import { netFromJson } from "../../../src/models/index.ts";
import { classifier } from "../onnx/classifierModel.ts";
import { caseModel, operatorCases } from "../onnx/operators.cases.ts";

/** A parser to be fed with changed files. */
export interface FuzzTarget {
  readonly name: string;
  /** Good files to start from. */
  readonly seeds: readonly Uint8Array[];
  /** Parses a file and reads everything in it. */
  run(bytes: Uint8Array): Promise<void>;
}

const fixture = (path: string) =>
  new Uint8Array(readFileSync(new URL(`../fixtures/${path}`, import.meta.url)));
const text = (content: string) => new TextEncoder().encode(content);
const source = (bytes: Uint8Array) => bytesSource(bytes, "fuzz");

const tensors = {
  "conv1.weight": { shape: [2, 3, 1, 1], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
  "bn.num_batches_tracked": { shape: [], data: Int32Array.of(3), elementType: "int64" as const },
  "fc.bias": { shape: [4], data: new Float32Array(4), elementType: "float16" as const },
};

/** Reads every tensor that can be read; one that cannot must fail as the file would. */
async function readEach(file: TensorFile): Promise<void> {
  await readTensors(file);
}

/** A target whose files are one entry of a zip archive, changed before the archive is made. */
function inArchive(
  name: string,
  archive: ReadonlyMap<string, Uint8Array>,
  suffix: string,
  run: (bytes: Uint8Array) => Promise<void>,
): FuzzTarget {
  const entry = [...archive.keys()].find((path) => path.endsWith(suffix))!;
  return {
    name,
    seeds: [archive.get(entry)!],
    run: (bytes) => run(writeZip(new Map([...archive, [entry, bytes]]))),
  };
}

async function unzipped(bytes: Uint8Array): Promise<Map<string, Uint8Array>> {
  const archive = await openZip(source(bytes));
  const files = new Map<string, Uint8Array>();
  for (const entry of archive.entries.values()) files.set(entry.name, await archive.read(entry));
  return files;
}

async function walk(group: Hdf5Group): Promise<void> {
  for (const member of new Set(group.members.values())) {
    if (member.kind === "group") await walk(member);
    else await member.tensor?.read();
  }
}

const readKerasFile = async (bytes: Uint8Array) => {
  const file = await readKeras(source(bytes));
  await readEach(torchWeights(file, { net: file.net }));
};
/** Configs of nets, without the spaces that changes would be lost in. */
async function kerasConfigs(): Promise<Uint8Array[]> {
  const names = ["functional", "tutorial", "transfer"];
  const archives = names.map((name) => unzipped(fixture(`keras/${name}.keras`)));
  return (await Promise.all(archives)).map((files) => files.get("config.json")!);
}

const readTorchFile = async (bytes: Uint8Array) => readEach(await readTorch(source(bytes)));
const readFolder = async (
  name: string,
  bytes: Uint8Array,
  files: ReadonlyMap<string, Uint8Array>,
) => {
  const all = new Map([...files, [name, bytes]]);
  const folder = memoryFolder(new Map([...all].map(([path, content]) => [path, source(content)])));
  await readEach((await readForeignFolder(folder)).weights);
  await readModelFolder(folder);
};

/** Every parser of `src/formats`. */
export async function fuzzTargets(): Promise<FuzzTarget[]> {
  const torchFiles = await unzipped(fixture("torch/zip.pth"));
  const kerasFiles = await unzipped(fixture("keras/tiny.keras"));
  const npzFiles = await unzipped(writeNpz(tensors));
  const tfjsFiles = writeTfjs({
    topology: { class_name: "Sequential", config: [] },
    tensors: {
      "conv1/kernel": tensors["conv1.weight"],
      "fc/bias": tensors["fc.bias"],
    },
  });
  const hubFiles = encodeModelFolder({
    config: { net: "mlp", variant: "a", input: [3, 2, 2], labels: ["a", "b"], extra: {} },
    preprocessing: {
      width: 2,
      height: 2,
      channels: 3,
      fit: "crop",
      cropRatio: 1,
      filter: "bilinear",
      scale: 1,
      mean: [0, 0, 0],
      std: [1, 1, 1],
      channelOrder: "rgb",
    },
    tensors,
    card: { facts: { license: "mit", tags: ["a"] }, text: "# x" },
  });
  const time = { step: 1, timeMs: 0 };
  const image = { bytes: Uint8Array.of(1, 2), width: 1, height: 1, channels: 1 as const };
  const events = [
    scalarsRecord(time, { a: 1, b: 2 }),
    imageRecord(time, "i", image),
    textRecord(time, "t", "x"),
  ];
  return [
    {
      name: "safetensors",
      seeds: [writeSafetensors(tensors, { format: "pt" })],
      run: async (bytes) => readEach(await readSafetensors(source(bytes))),
    },
    {
      name: "torch zip",
      seeds: [fixture("torch/zip.pth"), writeTorch(tensors)],
      run: readTorchFile,
    },
    inArchive("torch pickle", torchFiles, "data.pkl", readTorchFile),
    inArchive(
      "torch pickle of ours",
      await unzipped(writeTorch(tensors)),
      "data.pkl",
      readTorchFile,
    ),
    { name: "torch legacy", seeds: [fixture("torch/legacy.pth")], run: readTorchFile },
    {
      name: "caffemodel",
      seeds: caffeSeeds(),
      run: async (bytes) => readEach(await readCaffemodel(source(bytes))),
    },
    {
      name: "caffe mean",
      seeds: [toBinary(BlobProtoSchema, create(BlobProtoSchema, blob([1, 3, 1, 2])))],
      run: async (bytes) => void (await (await readCaffeMean(source(bytes))).read()),
    },
    {
      name: "prototxt",
      seeds: [text(prototxt)],
      run: async (bytes) => void (await readCaffeNet(source(bytes))),
    },
    {
      name: "tfjs manifest",
      seeds: [tfjsFiles.get("model.json")!],
      run: (bytes) => readTfjsFile(bytes, tfjsFiles),
    },
    {
      name: "hdf5",
      seeds: [fixture("hdf5/old.h5"), fixture("hdf5/new.h5")],
      run: async (bytes) => walk(await readHdf5(source(bytes))),
    },
    {
      name: "keras h5",
      seeds: [fixture("keras/tiny.h5"), fixture("keras/tiny.weights.h5")],
      run: readKerasFile,
    },
    { name: "keras zip", seeds: [fixture("keras/sequential.keras")], run: readKerasFile },
    inArchive("keras config", kerasFiles, "config.json", readKerasFile),
    {
      name: "keras net",
      seeds: await kerasConfigs(),
      run: async (bytes) => {
        const config = parseBoundedJson(bytes, "fuzz");
        const { net } = netFromKeras(parseKerasConfig(config, "fuzz"), "fuzz");
        netFromJson(net, { classes: net.classes ?? 2 });
      },
    },
    inArchive("keras weights", kerasFiles, "model.weights.h5", readKerasFile),
    {
      name: "npz",
      seeds: [
        writeNpz(tensors),
        writeNpz(tensors, { compress: true }),
        fixture("npz/compressed.npz"),
      ],
      run: async (bytes) => readEach(await readNpz(source(bytes))),
    },
    inArchive("npy in npz", npzFiles, "conv1.weight.npy", async (bytes) =>
      readEach(await readNpz(source(bytes))),
    ),
    {
      name: "npy",
      seeds: [writeNpy(tensors["conv1.weight"])],
      run: async (bytes) => void (await (await readNpy(source(bytes))).read()),
    },
    {
      name: "zip",
      seeds: [
        writeZip(
          new Map([
            ["a", text("hello ".repeat(99))],
            ["b", text("x")],
          ]),
          { compress: true },
        ),
      ],
      run: async (bytes) => void (await unzipped(bytes)),
    },
    { name: "onnx", seeds: [onnxSeed()], run: readOnnx },
    {
      name: "onnx graph",
      seeds: operatorCases.map((row) => encodeModel(caseModel(row))),
      run: async (bytes) => void importGraph(decodeModel(bytes, "fuzz")),
    },
    {
      name: "onnx classifier",
      seeds: [encodeModel(classifier())],
      run: async (bytes) => void netFromOnnx(decodeModel(bytes, "fuzz"), { name: "fuzz" }),
    },
    {
      name: "onnx tensor",
      seeds: [
        toBinary(TensorProtoSchema, makeTensorProto("a", tensors["conv1.weight"])),
        typedTensor(),
      ],
      run: async (bytes) => void tensorData(decodeTensor(bytes, "fuzz"), "fuzz"),
    },
    {
      name: "tensorboard",
      seeds: [concatenate(events)],
      run: readEventFile,
    },
    {
      name: "tensorboard event",
      seeds: events.map((record) => record.subarray(12, -4)),
      run: (bytes) => readEventFile(tfRecord(bytes)),
    },
    ...["config.json", "preprocessor_config.json", "README.md"].map((name) => ({
      name: `hub ${name}`,
      seeds: [hubFiles.get(name)!],
      run: (bytes: Uint8Array) => readFolder(name, bytes, hubFiles),
    })),
    {
      name: "hub card",
      seeds: [text("---\na: &x [1, {b: c}]\nd: *x\ne: |\n  text\n---\n# t\n")],
      run: async (bytes) => void parseModelCard(new TextDecoder().decode(bytes), "fuzz"),
    },
  ];
}

async function readTfjsFile(
  bytes: Uint8Array,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  const all = new Map([...files, ["model.json", bytes]]);
  const folder = memoryFolder(new Map([...all].map(([path, content]) => [path, source(content)])));
  const model = await readTfjs(folder);
  await readEach(torchWeights(model));
}

async function readEventFile(bytes: Uint8Array): Promise<void> {
  for await (const event of readEvents(source(bytes))) void event;
}

async function readOnnx(bytes: Uint8Array): Promise<void> {
  const model = decodeModel(bytes, "fuzz");
  const folder = memoryFolder(new Map([["w.bin", source(new Uint8Array(64))]]));
  await loadExternalData(model, folder, "fuzz");
  await readEach(modelTensors(model, "fuzz"));
}

function blob(shape: number[]) {
  const [num = 1, channels = 1, height = 1, width = 1] = shape;
  const data = [new Uint8Array(4 * num * channels * height * width)];
  return { num, channels, height, width, data };
}

function caffeSeeds(): Uint8Array[] {
  const present = { shape: { dim: [2n, 3n] }, data: [new Uint8Array(24)] };
  const nets = [
    {
      name: "a",
      layer: [{ name: "fc", type: "InnerProduct", bottom: ["x"], top: ["y"], blobs: [present] }],
    },
    { layers: [{ name: "conv", type: 4, blobs: [blob([2, 1, 2, 2]), blob([1, 1, 1, 2])] }] },
  ];
  return nets.map((net) => toBinary(NetParameterSchema, create(NetParameterSchema, net)));
}

const prototxt = `name: "n" input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8
layer { name: 'c' type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 4 kernel_size: [3, 5] } }
layers { name: "r" type: RELU bottom: "c" top: "c" include { phase: TRAIN } } # end`;

function onnxSeed(): Uint8Array {
  const external = {
    name: "e",
    dims: [2n],
    dataType: 1,
    dataLocation: 1,
    externalData: [
      { key: "location", value: "w.bin" },
      { key: "offset", value: "8" },
    ],
  };
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ version: 18n }],
    graph: {
      node: [
        {
          opType: "Conv",
          input: ["x", "w"],
          attribute: [{ name: "pads", type: 7, ints: [1n, 1n] }],
        },
      ],
      initializer: [makeTensorProto("w", tensors["conv1.weight"]), external],
      input: [{ name: "x", type: { tensorType: { elemType: 1, shape: { dim: [{}] } } } }],
    },
  });
  return toBinary(ModelProtoSchema, model);
}

function typedTensor(): Uint8Array {
  const tensor = create(TensorProtoSchema, {
    dims: [3n],
    dataType: 7,
    int64Data: [Uint8Array.of(1, 0x96, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1)],
  });
  return toBinary(TensorProtoSchema, tensor);
}
