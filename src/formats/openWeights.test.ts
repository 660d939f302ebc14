import { readFileSync } from "node:fs";
import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { bytesSource } from "./byteSource.ts";
import { NetParameterSchema } from "./caffe/messages.generated.ts";
import { memoryFolder } from "./fileFolder.ts";
import { writeNpz } from "./npz/npz.ts";
import { ModelProtoSchema } from "./onnx/proto/messages.generated.ts";
import { makeTensorProto } from "./onnx/proto/tensorData.ts";
import { openWeights } from "./openWeights.ts";
import { writeSafetensors } from "./safetensors/write.ts";
import { writeTfjs } from "./tfjs/write.ts";
import { writeTorch } from "./torch/write.ts";
import { writeZip } from "./zip/write.ts";

const fixture = (path: string) =>
  new Uint8Array(readFileSync(new URL(`../../test/formats/fixtures/${path}`, import.meta.url)));
const tensors = { "fc.weight": { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) } };
const onnx = toBinary(
  ModelProtoSchema,
  create(ModelProtoSchema, {
    irVersion: 8n,
    graph: { initializer: [makeTensorProto("fc.weight", tensors["fc.weight"])] },
  }),
);
const caffe = toBinary(
  NetParameterSchema,
  create(NetParameterSchema, {
    name: "n",
    layer: [
      {
        name: "fc",
        type: "InnerProduct",
        blobs: [
          { shape: { dim: [2n, 3n] }, data: [new Uint8Array(tensors["fc.weight"].data.buffer)] },
        ],
      },
    ],
  }),
);

describe("openWeights", () => {
  const files: [string, Uint8Array][] = [
    ["safetensors", writeSafetensors(tensors)],
    ["torch", writeTorch(tensors)],
    ["npz", writeNpz(tensors)],
    ["onnx", onnx],
    ["caffe", caffe],
  ];
  it.each(files)("recognises %s without a name", async (format, bytes) => {
    const file = await openWeights(bytesSource(bytes));
    expect(file.format).toBe(format);
    expect([...(await file.tensors.get("fc.weight")!.read())]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it.each(["keras/tiny.h5", "keras/tiny.keras"])(
    "recognises %s, in PyTorch's layout",
    async (path) => {
      const file = await openWeights(bytesSource(fixture(path)));
      expect(file).toMatchObject({ format: "keras", net: { name: "tiny" } });
      expect(file.tensors.get("conv1.weight")?.shape).toEqual([2, 3, 3, 3]);
      expect(file.tensors.get("dw.weight")?.shape).toEqual([2, 1, 3, 3]);
    },
  );

  it("recognises tensorflow.js, which needs its folder", async () => {
    const files = writeTfjs({
      topology: { class_name: "Sequential", config: [] },
      tensors: { "fc/kernel": { shape: [3, 2], data: Float32Array.of(1, 4, 2, 5, 3, 6) } },
    });
    const sources = [...files].map(([name, bytes]) => [name, bytesSource(bytes, name)] as const);
    const folder = memoryFolder(new Map(sources));
    const source = await folder.open("model.json");
    const file = await openWeights(source, { folder, path: "model.json" });
    expect([...(await file.tensors.get("fc.weight")!.read())]).toEqual([1, 2, 3, 4, 5, 6]);
    await expect(openWeights(source)).rejects.toThrow(/open it with its folder/);
  });

  it("recognises an old checkpoint of PyTorch", async () => {
    const file = await openWeights(bytesSource(fixture("torch/legacy.pth")), { key: "state_dict" });
    expect(file.format).toBe("torch");
  });

  it("says what it expected", async () => {
    await expect(openWeights(bytesSource(new Uint8Array(99), "x.bin"))).rejects.toThrow(
      /x.bin: no format of weights that is known; expected one of safetensors/,
    );
    const zip = writeZip(new Map([["a.txt", new Uint8Array()]]));
    await expect(openWeights(bytesSource(zip))).rejects.toThrow(/a zip archive of a.txt/);
  });
});
