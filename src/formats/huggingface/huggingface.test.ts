import { describe, expect, it } from "vitest";
import { FormatError } from "../../core/errors.ts";
import { bytesSource } from "../byteSource.ts";
import { memoryFolder } from "../fileFolder.ts";
import { writeSafetensors } from "../safetensors/write.ts";
import { writeTorch } from "../torch/write.ts";
import { neededFiles } from "./hub.ts";
import { encodeModelCard, parseModelCard } from "./modelCard.ts";
import {
  encodeModelConfig,
  type ModelConfig,
  parseForeignConfig,
  parseModelConfig,
} from "./modelConfig.ts";
import { encodeModelFolder, readForeignFolder, readModelFolder } from "./modelFolder.ts";
import {
  encodePreprocessing,
  type ImagePreprocessing,
  parsePreprocessing,
  parseTimmPreprocessing,
} from "./preprocessing.ts";

const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const preprocessing: ImagePreprocessing = {
  width: 224,
  height: 224,
  channels: 3,
  fit: "crop",
  cropRatio: 0.875,
  filter: "bicubic",
  scale: 1 / 255,
  ...imagenet,
  channelOrder: "rgb",
};
const config: ModelConfig = {
  net: "resnet18",
  variant: "torchvision",
  input: [3, 224, 224],
  labels: ["cat", "dog"],
  extra: { dropout: 0.5 },
};
const folderOf = (files: Iterable<[string, Uint8Array]>) =>
  memoryFolder(new Map([...files].map(([name, bytes]) => [name, bytesSource(bytes, name)])), "m");
const text = (content: string) => new TextEncoder().encode(content);

describe("config.json", () => {
  it("comes back as it was written", () => {
    const json = encodeModelConfig(config);
    expect(json).toMatchObject({ num_labels: 2, id2label: { 0: "cat" }, label2id: { dog: 1 } });
    expect(parseModelConfig(JSON.parse(JSON.stringify(json)), "c")).toEqual(config);
  });

  const json = encodeModelConfig(config);
  it.each([
    [{ ...json, net: 5 }, /net/],
    [{ ...json, input: [3, 0, 9] }, /expected channels, height and width/],
    [{ ...json, id2label: { 0: "cat", 2: "dog" } }, /none is "1"/],
    [{ ...json, label2id: { cat: 1 } }, /expected one order/],
    [[], /not the config/],
  ])("is refused: %#", (broken, message) => {
    expect(() => parseModelConfig(broken, "c")).toThrow(message);
  });

  it("of timm and transformers is read as far as it matters", () => {
    const timm = { architecture: "resnet18", num_classes: 5, pretrained_cfg: { x: 1 } };
    expect(parseForeignConfig(timm, "c")).toEqual({
      architecture: "resnet18",
      labels: undefined,
      classes: 5,
      pretrained: { x: 1 },
    });
    const transformers = {
      architectures: ["ResNetForImageClassification"],
      id2label: { 0: "crane", 1: "crane" },
    };
    expect(parseForeignConfig(transformers, "c")).toMatchObject({ labels: ["crane", "crane"] });
  });
});

describe("preprocessor_config.json", () => {
  const forms: [string, Partial<ImagePreprocessing>][] = [
    ["a cut", {}],
    ["a stretched image", { fit: "stretch", cropRatio: 1 }],
    ["bars", { fit: "pad", cropRatio: 1, width: 64 }],
    ["a tall image", { height: 256, cropRatio: 1 }],
    ["grey", { channels: 1, mean: [0.13], std: [0.3] }],
    ["Caffe", { scale: 1, mean: [104, 117, 123], std: [1, 1, 1], channelOrder: "bgr" }],
  ];
  it.each(forms)("comes back as it was written: %s", (_, change) => {
    const steps = { ...preprocessing, ...change };
    const json = JSON.parse(JSON.stringify(encodePreprocessing(steps)));
    expect(parsePreprocessing(json, "p")).toEqual(steps);
  });

  it("says the same to a reader that knows only the words of transformers", () => {
    const { fit, channel_order, ...known } = encodePreprocessing(preprocessing);
    expect(parsePreprocessing(known, "p")).toEqual(preprocessing);
  });

  it("of transformers is read by the rules of its class", () => {
    const convnext = {
      image_processor_type: "ConvNextImageProcessor",
      size: { shortest_edge: 224 },
      crop_pct: 0.875,
      resample: 3,
      image_mean: imagenet.mean,
      image_std: imagenet.std,
    };
    expect(parsePreprocessing(convnext, "p")).toEqual(preprocessing);
    expect(parsePreprocessing({ ...convnext, size: 384 }, "p")).toMatchObject({
      fit: "stretch",
      width: 384,
    });
    const vit = { image_processor_type: "ViTImageProcessor", size: { height: 224, width: 224 } };
    expect(parsePreprocessing(vit, "p")).toMatchObject({
      fit: "stretch",
      filter: "bilinear",
      mean: [0, 0, 0],
    });
    const mobilenet = {
      size: { shortest_edge: 256 },
      do_center_crop: true,
      crop_size: { height: 224, width: 224 },
      image_mean: [0.5, 0.5, 0.5],
      image_std: [0.5, 0.5, 0.5],
    };
    expect(parsePreprocessing(mobilenet, "p")).toMatchObject({ fit: "crop", cropRatio: 0.875 });
  });

  it("of timm is in its config", () => {
    const cfg = {
      input_size: [3, 288, 288],
      interpolation: "bicubic",
      crop_pct: 0.95,
      ...imagenet,
    };
    expect(parseTimmPreprocessing(cfg, "c")).toEqual({
      ...preprocessing,
      width: 288,
      height: 288,
      cropRatio: 0.95,
    });
    expect(parseTimmPreprocessing({ ...cfg, crop_mode: "squash" }, "c").fit).toBe("stretch");
  });

  const good = encodePreprocessing(preprocessing);
  it.each([
    [{}, /no "size"/],
    [{ ...good, crop_size: { height: 1e9, width: 1 } }, /1 to 4096 pixels/],
    [{ ...good, resample: 9 }, /resample 9/],
    [{ ...good, image_std: [0, 1, 1] }, /std above 0/],
    [{ ...good, image_mean: [0, 1] }, /3 of each/],
    [{ ...good, crop_pct: 7 }, /crop ratio 7/],
    [null, /not an image processor/],
  ])("is refused: %#", (broken, message) => {
    expect(() => parsePreprocessing(broken, "p")).toThrow(message);
  });
});

describe("model card", () => {
  it("comes back as it was written", () => {
    const card = { facts: { license: "mit", tags: ["a", "b: c"], n: 5 }, text: "# Title\n\n--- x" };
    expect(parseModelCard(encodeModelCard(card), "r")).toEqual(card);
  });
  it("may have no facts", () => {
    expect(parseModelCard("# Hello\n", "r")).toEqual({ facts: {}, text: "# Hello" });
  });
  it.each([
    ["---\na: 1\n", /does not end/],
    ["---\na: [\n---\n", /cannot be read/],
    ["---\n- a\n---\n", /not a model card/],
    [
      `---\na: &a [x]\nb: &b [${"*a,".repeat(50)}]\nc: [${"*b,".repeat(50)}]\n---\n`,
      /cannot be read/,
    ],
    [`---\n${"[".repeat(30_000)}\n---\n`, /cannot be read/],
  ])("is refused: %#", (markdown, message) => {
    expect(() => parseModelCard(markdown, "r")).toThrow(FormatError);
    expect(() => parseModelCard(markdown, "r")).toThrow(message);
  });
});

describe("model folder", () => {
  const tensors = { w: { shape: [2], data: Float32Array.of(1, 2) } };
  const files = encodeModelFolder({
    config,
    preprocessing,
    tensors,
    card: { facts: {}, text: "x" },
  });

  it("comes back as it was written", async () => {
    const read = await readModelFolder(folderOf(files));
    expect(read).toMatchObject({ config, preprocessing, card: { text: "x" } });
    expect(read.weights.metadata).toEqual({ format: "pt" });
    expect([...(await read.weights.tensors.get("w")!.read())]).toEqual([1, 2]);
  });

  it("may have its weights in shards or in a PyTorch file", async () => {
    const shard = (name: string) => writeSafetensors({ [name]: tensors.w });
    const index = (b: string) => text(JSON.stringify({ weight_map: { a: "1.safetensors", b } }));
    const sharded = (b: string) =>
      folderOf([
        ["model.safetensors.index.json", index(b)],
        ["1.safetensors", shard("a")],
        ["2.safetensors", shard("b")],
      ]);
    const read = await readForeignFolder(sharded("2.safetensors"));
    expect([...read.weights.tensors.keys()]).toEqual(["a", "b"]);
    await expect(readForeignFolder(sharded("1.safetensors"))).rejects.toThrow(/"b" should be in/);
    await expect(readForeignFolder(sharded("../x"))).rejects.toThrow(/not a path inside/);
    const torch = await readForeignFolder(folderOf([["pytorch_model.bin", writeTorch(tensors)]]));
    expect([...torch.weights.tensors.keys()]).toEqual(["w"]);
  });

  it("needs weights, and for us a config and a preprocessing", async () => {
    await expect(readForeignFolder(folderOf([]))).rejects.toThrow(/no weights/);
    const { "preprocessor_config.json": _, ...rest } = Object.fromEntries(files);
    await expect(readModelFolder(folderOf(Object.entries(rest)))).rejects.toThrow(
      /nobody knows what the model was fed/,
    );
  });
});

describe("files that are needed", () => {
  const named = (...paths: string[]) =>
    neededFiles(
      paths.map((path) => ({
        path,
        sizeBytes: 1,
        url: "",
        checksum: { kind: "sha256" as const, hex: "" },
      })),
    ).map(({ path }) => path);
  it("leave out other formats, and PyTorch's where there is safetensors", () => {
    const both = [
      "model.safetensors",
      "pytorch_model.bin",
      "config.json",
      "tf_model.h5",
      "x/config.json",
    ];
    expect(named(...both)).toEqual(["model.safetensors", "config.json"]);
    expect(named("pytorch_model.bin", "README.md")).toEqual(["pytorch_model.bin", "README.md"]);
    const shards = ["model-00001-of-00002.safetensors", "model.safetensors.index.json"];
    expect(named(...shards, "pytorch_model.bin")).toEqual(shards);
  });
});
