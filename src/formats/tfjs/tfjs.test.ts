import { describe, expect, it } from "vitest";
import { FormatError, UnsupportedError } from "../../core/errors.ts";
import { bytesSource } from "../byteSource.ts";
import { memoryFolder } from "../fileFolder.ts";
import { readTensors } from "../tensorFile.ts";
import { readTfjs } from "./read.ts";
import { writeTfjs } from "./write.ts";

const folderOf = (files: ReadonlyMap<string, Uint8Array>) =>
  memoryFolder(
    new Map([...files].map(([path, bytes]) => [path, bytesSource(bytes, path)])),
    "tfjs",
  );

/** A model of one group with this manifest, and one shard of these bytes. */
function model(weights: unknown, shard: Uint8Array, paths: unknown = ["a.bin"]) {
  const json = { modelTopology: {}, weightsManifest: [{ paths, weights }] };
  return folderOf(
    new Map([
      ["model.json", new TextEncoder().encode(JSON.stringify(json))],
      ["a.bin", shard],
    ]),
  );
}

const tensors = {
  "conv1/kernel": { shape: [1, 1, 2, 2], data: Float32Array.of(1, -2, 3, 0.5) },
  "conv1/bias": { shape: [2], data: Float32Array.of(0.25, 7), elementType: "float16" as const },
  steps: { shape: [], data: Int32Array.of(-3) },
  flags: { shape: [3], data: Float32Array.of(1, 0, 1), elementType: "bool" as const },
};

describe("round trip", () => {
  it.each([4, 7, 2 ** 22])("through shards of %i bytes", async (shardBytes) => {
    const topology = { class_name: "Sequential", config: [] };
    const files = writeTfjs({ topology, tensors, shardBytes });
    expect(files.size).toBe(1 + Math.ceil(27 / shardBytes));
    const read = await readTfjs(folderOf(files));
    expect(read.topology).toEqual(topology);
    expect(read.metadata).toEqual({ generatedBy: "striate" });
    for (const [name, { shape, data }] of await readTensors(read)) {
      const given = tensors[name as keyof typeof tensors];
      expect({ shape, data }).toEqual({ shape: given.shape, data: given.data });
    }
    expect(read.tensors.size).toBe(4);
  });
});

describe("quantised weights", () => {
  it("come out as value = stored · scale + min", async () => {
    const quantization = { dtype: "uint8", scale: 0.5, min: -1 };
    const weights = [
      { name: "w", shape: [2], dtype: "float32", quantization },
      { name: "n", shape: [1], dtype: "int32", quantization: { ...quantization, dtype: "uint16" } },
    ];
    const read = await readTensors(await readTfjs(model(weights, Uint8Array.of(0, 255, 5, 1))));
    expect([...read.get("w")!.data]).toEqual([-1, 126.5]);
    expect(read.get("n")).toEqual({ shape: [1], dtype: "int32", data: Int32Array.of(130) });
  });
});

describe("hostile models", () => {
  const f32 = { name: "w", shape: [1], dtype: "float32" };
  const four = new Uint8Array(4);
  const faults: [string, ReturnType<typeof model>, RegExp][] = [
    ["a path out of the folder", model([f32], four, ["../a.bin"]), /not a path inside the folder/],
    ["an absolute path", model([f32], four, ["/etc/passwd"]), /not a path inside the folder/],
    ["a shard that is not there", model([f32], four, ["b.bin"]), /no file "b.bin"/],
    ["a shard twice", model([f32], four, ["a.bin", "a.bin"]), /listed twice/],
    ["no shard", model([f32], four, []), /weightsManifest/],
    [
      "more weights than bytes",
      model([f32, { ...f32, name: "v" }], four),
      /take 8 bytes; the shards hold 4/,
    ],
    ["fewer weights than bytes", model([], four), /take 0 bytes; the shards hold 4/],
    ["a weight twice", model([f32, f32], new Uint8Array(8)), /"w" occurs twice/],
    ["a negative size", model([{ ...f32, shape: [-1] }], four), /size of -1/],
    ["an absurd shape", model([{ ...f32, shape: [65536, 65536] }], four), /elements; at most/],
    ["a fraction of a size", model([{ ...f32, shape: [0.5] }], four), /size of 0.5/],
    ["a shape that is no list", model([{ ...f32, shape: "4" }], four), /shape/],
    [
      "an unknown quantisation",
      model([{ ...f32, quantization: { dtype: "int4" } }], four),
      /dtype/,
    ],
    [
      "a quantised bool",
      model([{ ...f32, dtype: "bool", quantization: { dtype: "float16" } }], four),
      /quantised bool/,
    ],
  ];
  it.each(faults)("with %s are refused", async (_, folder, message) => {
    const failure = await readTfjs(folder).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(FormatError);
    expect((failure as Error).message).toMatch(message);
  });

  it("of another kind are refused", async () => {
    await expect(readTfjs(model([{ ...f32, dtype: "string" }], four))).rejects.toThrow(
      UnsupportedError,
    );
    const graph = folderOf(
      new Map([
        ["model.json", new TextEncoder().encode('{"format":"graph-model","weightsManifest":[]}')],
      ]),
    );
    await expect(readTfjs(graph)).rejects.toThrow(/graph models are not/);
  });
});

describe("writer", () => {
  it("refuses types that tensorflow.js does not have", () => {
    const x = { shape: [1], data: Int32Array.of(1), elementType: "int64" as const };
    expect(() => writeTfjs({ topology: {}, tensors: { x } })).toThrow(/has no int64/);
  });
  it("refuses shards of no size", () => {
    expect(() => writeTfjs({ topology: {}, tensors, shardBytes: 0 })).toThrow(/shards of 0 bytes/);
  });
});
