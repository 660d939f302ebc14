import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../core/errors.ts";
import { bytesSource } from "../byteSource.ts";
import { readTensors } from "../tensorFile.ts";
import { BlobProtoSchema, NetParameterSchema } from "./messages.generated.ts";
import { layersOfPhase, parseCaffeNet, readCaffeNet } from "./net.ts";
import { messagesOf, numbersOf, parseTextFormat } from "./textFormat.ts";
import { readCaffeMean, readCaffemodel } from "./weights.ts";

const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const open = (net: MessageInitShape<typeof NetParameterSchema>) =>
  readCaffemodel(
    bytesSource(toBinary(NetParameterSchema, create(NetParameterSchema, net)), "a.caffemodel"),
  );

describe("caffemodel", () => {
  const present = {
    name: "tiny",
    layer: [
      { name: "data", type: "Data", top: ["data"] },
      {
        name: "conv1",
        type: "Convolution",
        blobs: [
          { shape: { dim: [2n, 1n, 1n, 1n] }, data: [floats(1, 2)] },
          { shape: { dim: [2n] }, data: [floats(3), floats(4)] },
        ],
      },
      {
        name: "bn",
        type: "BatchNorm",
        blobs: [
          { shape: { dim: [1n] }, data: [floats(5)] },
          { shape: { dim: [1n] }, data: [floats(6)] },
          { shape: { dim: [1n] }, data: [floats(4)] },
        ],
      },
    ],
  };

  it("gives weights the names of PyTorch", async () => {
    const file = await open(present);
    expect(file.metadata).toEqual({ name: "tiny" });
    const tensors = await readTensors(file);
    expect([...tensors].map(([name, { shape, data }]) => [name, shape, [...data]])).toEqual([
      ["conv1.weight", [2, 1, 1, 1], [1, 2]],
      ["conv1.bias", [2], [3, 4]],
      ["bn.running_mean", [1], [1.25]],
      ["bn.running_var", [1], [1.5]],
    ]);
  });

  it("reads the old form, whose shapes all have four axes", async () => {
    const weight = { num: 1, channels: 1, height: 2, width: 3, data: [floats(1, 2, 3, 4, 5, 6)] };
    const bias = { num: 1, channels: 1, height: 1, width: 2, data: [floats(7, 8)] };
    const files = [
      await open({ layers: [{ name: "ip", type: 14, blobs: [weight, bias] }] }),
      await open({
        layers: [{ layer: { name: "ip", type: "innerproduct", blobs: [weight, bias] } }],
      }),
    ];
    const shapes = files.map(({ tensors }) =>
      [...tensors].map(([name, { shape }]) => [name, shape]),
    );
    expect(shapes[0]).toEqual([
      ["ip.weight", [2, 3]],
      ["ip.bias", [2]],
    ]);
    expect(shapes[1]).toEqual(shapes[0]);
  });

  it("reads weights in double precision", async () => {
    const blob = {
      shape: { dim: [1n] },
      doubleData: [new Uint8Array(Float64Array.of(0.5).buffer)],
    };
    const { tensors } = await open({
      layer: [{ name: "fc", type: "InnerProduct", blobs: [blob] }],
    });
    expect([...(await tensors.get("fc.weight")!.read())]).toEqual([0.5]);
  });

  const blob = (fields: MessageInitShape<typeof BlobProtoSchema>) => ({
    layer: [{ name: "fc", type: "InnerProduct", blobs: [fields] }],
  });
  const faults: [string, MessageInitShape<typeof NetParameterSchema>, RegExp][] = [
    ["no weights", { name: "x" }, /no layer with weights/],
    [
      "fewer numbers than the shape",
      blob({ shape: { dim: [3n] }, data: [floats(1)] }),
      /4 bytes of/,
    ],
    ["absurd shape", blob({ shape: { dim: [2n ** 60n] } }), /size of/],
    ["negative size", blob({ num: -1 }), /size of -1/],
    ["absurd product", blob({ num: 2 ** 20, channels: 2 ** 20, height: 1, width: 1 }), /at most/],
    ["part of a number", blob({ shape: { dim: [1n] }, data: [new Uint8Array(3)] }), /3 bytes of/],
    ["a layer twice", { layer: [present.layer[1]!, present.layer[1]!] }, /occurs twice/],
  ];
  it.each(faults)("refuses %s", async (_, net, message) => {
    await expect(open(net)).rejects.toThrow(message);
  });

  it("refuses a truncation or reads a shorter list of whole layers", async () => {
    const bytes = toBinary(NetParameterSchema, create(NetParameterSchema, present));
    let whole = 0;
    for (let length = 0; length < bytes.length; length++) {
      const outcome = await readCaffemodel(bytesSource(bytes.subarray(0, length))).catch(
        (error: unknown) => error,
      );
      if (!(outcome instanceof FormatError)) whole++;
    }
    // Protobuf has no end mark: a cut between two layers is a valid, shorter net.
    expect(whole).toBe(1);
  });

  it("reads a mean image", async () => {
    const mean = { num: 1, channels: 3, height: 1, width: 1, data: [floats(104, 117, 123)] };
    const bytes = toBinary(BlobProtoSchema, create(BlobProtoSchema, mean));
    const tensor = await readCaffeMean(bytesSource(bytes, "mean.binaryproto"));
    expect(tensor.shape).toEqual([3, 1, 1]);
    expect([...(await tensor.read())]).toEqual([104, 117, 123]);
  });
});

const text = `
name: "two forms" # a comment
input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8
layer { name: 'conv1' type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 4 kernel_size: [3, 5]; stride: 2, pad: 0x1 bias_term: false
    weight_filler: < type: "gauss" "ian" std: 1e-2 > } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "conv1" top: "loss" include { phase: TRAIN } }
layer { name: "prob" type: "Softmax" bottom: "conv1" top: "prob" exclude: { phase: TRAIN } }
`;

describe("prototxt", () => {
  it("becomes a net as plain data", () => {
    const net = parseCaffeNet(text, "a.prototxt");
    expect(net.name).toBe("two forms");
    expect(net.inputs).toEqual([{ name: "data", shape: [1, 3, 8, 8] }]);
    expect(net.layers.map(({ name, type, phase }) => [name, type, phase])).toEqual([
      ["conv1", "Convolution", undefined],
      ["loss", "SoftmaxWithLoss", "train"],
      ["prob", "Softmax", "test"],
    ]);
    expect(layersOfPhase(net, "test").map(({ name }) => name)).toEqual(["conv1", "prob"]);
    const settings = net.layers[0]!.settings.get("convolution_param")!;
    expect(numbersOf(settings, "kernel_size")).toEqual([3, 5]);
    expect(settings.get("bias_term")).toEqual([false]);
    expect(settings.get("pad")).toEqual([1]);
    expect(messagesOf(settings, "weight_filler")[0]?.get("type")).toEqual(["gaussian"]);
  });

  it("reads old names of layers, and inputs in both forms", async () => {
    const source = bytesSource(
      new TextEncoder().encode(
        `layers { name: "c" type: CONVOLUTION bottom: "x" top: "c" }
         layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 } } }`,
      ),
      "b.prototxt",
    );
    const net = await readCaffeNet(source);
    expect(net.layers.map(({ type }) => type)).toEqual(["Convolution"]);
    expect(net.inputs).toEqual([{ name: "x", shape: [1, 2] }]);
  });

  it("reads every kind of value", () => {
    const values = parseTextFormat(
      `a: -1.5e3 a: .5f a: -inf a: nan a: true a: MAX a: "q\\"\\x41\\101\\n" [x.y] { } a: []`,
      "t",
    );
    expect(values.get("a")).toEqual([-1500, 0.5, -Infinity, Number.NaN, true, "MAX", 'q"AA\n']);
    expect(values.get("x.y")).toEqual([new Map()]);
  });

  const faults: [string, string, RegExp][] = [
    ["no layers", `name: "x"`, /no layers/],
    ["no name", `layer { type: "ReLU" }`, /layer 0: expected a name/],
    ["the form of 2013", `layers { layer { name: "x" } }`, /form of 2013/],
    ["an open message", `layer { name: "x"`, /line 1, column 18: found the end/],
    ["an open text", `layer {\n name: "x }`, /line 2, column 8: found a text without an end/],
    ["a stray brace", `}`, /line 1, column 1: found "}"/],
    ["no value", `name: }`, /found "}"/],
    ["no colon", `name "x"`, /expected ":" or "{"/],
    ["an open list", `a: [1`, /expected "," or "]"/],
    ["deep nesting", "a{".repeat(10_000), /deeper than 64/],
    ["a million fields", "a:1 ".repeat(1_000_000), /more than 200000 fields/],
    ["a text of megabytes", "a".repeat(2 ** 22 + 1), /at most 4194304/],
    ["a quoted text of megabytes", `name: "${"\\n".repeat(2 ** 20)}"`, /more than 65536 letters/],
    ["megabytes of spaces", `${" \n".repeat(2 ** 20)}}`, /found "}"/],
    ["a token of megabytes", "1".repeat(2 ** 21), /end of the text, expected ":"/],
  ];
  it.each(faults)("refuses %s", (_, source, message) => {
    expect(() => parseCaffeNet(source, "a.prototxt")).toThrow(message);
  });
});
