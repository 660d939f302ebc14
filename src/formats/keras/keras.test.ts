import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FormatError, StriateError } from "../../core/errors.ts";
import { bytesSource } from "../byteSource.ts";
import { type StoredTensor, storedTensor } from "../tensorFile.ts";
import { writeZip } from "../zip/write.ts";
import { parseKerasConfig } from "./config.ts";
import { readKeras } from "./read.ts";
import { torchWeights } from "./torchWeights.ts";

const fixtures = new URL("../../../test/formats/fixtures/keras/", import.meta.url);
const fixture = (name: string) => new Uint8Array(readFileSync(new URL(name, fixtures)));
const open = (name: string) => readKeras(bytesSource(fixture(name), name));
const expected = JSON.parse(new TextDecoder().decode(fixture("expected.json")));

describe.each(["tiny.h5", "tiny.keras", "tiny.weights.h5"])("%s of Keras", (name) => {
  it("has every weight under its layer's name", async () => {
    const { tensors } = await open(name);
    expect([...tensors.keys()].sort()).toEqual(Object.keys(expected).sort());
    for (const [weight, tensor] of tensors) {
      const values = [...(await tensor.read())];
      expect({ shape: tensor.shape, values }, weight).toEqual(expected[weight]);
    }
  });

  it("is refused or read in part at a truncation, never otherwise", async () => {
    const bytes = fixture(name);
    for (let length = 0; length < bytes.length; length += 997) {
      const source = bytesSource(bytes.subarray(0, length), name);
      const outcome = await readKeras(source).catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(StriateError);
    }
  });
});

describe("the model", () => {
  it.each(["tiny.h5", "tiny.keras"])("of %s comes as plain data", async (name) => {
    const { net } = await open(name);
    expect(net).toMatchObject({ name: "tiny", inputs: ["image"], outputs: ["fc"] });
    expect(net?.layers.map((layer) => [layer.name, layer.className, layer.inputs])).toEqual([
      ["image", "InputLayer", []],
      ["conv1", "Conv2D", ["image"]],
      ["bn1", "BatchNormalization", ["conv1"]],
      ["dw", "DepthwiseConv2D", ["bn1"]],
      ["sep", "SeparableConv2D", ["dw"]],
      ["add", "Add", ["bn1", "sep"]],
      ["up", "Conv2DTranspose", ["add"]],
      ["pool", "GlobalAveragePooling2D", ["up"]],
      ["fc", "Dense", ["pool"]],
    ]);
    expect(net?.layers[1]?.config).toMatchObject({ kernel_size: [3, 3], padding: "same" });
  });

  it("may be a Sequential", async () => {
    const { net, tensors } = await open("sequential.keras");
    expect(net?.outputs).toEqual(["dense_1"]);
    expect([...tensors.keys()]).toContain("dense_1/kernel");
  });

  it("is read in the forms of Keras 2", () => {
    const functional = {
      model_config: {
        class_name: "Model",
        config: {
          name: "m",
          layers: [
            { class_name: "InputLayer", name: "a", config: {}, inbound_nodes: [] },
            {
              class_name: "Add",
              name: "b",
              config: {},
              inbound_nodes: [
                [
                  ["a", 0, 0, {}],
                  ["a", 0, 0, {}],
                ],
              ],
            },
          ],
          input_layers: [["a", 0, 0]],
          output_layers: [["b", 0, 0]],
        },
      },
    };
    expect(parseKerasConfig(functional, "x")).toMatchObject({
      inputs: ["a"],
      outputs: ["b"],
      layers: [{ inputs: [] }, { inputs: ["a", "a"] }],
    });
    const sequential = {
      class_name: "Sequential",
      config: [
        { class_name: "Dense", config: { name: "d1" } },
        { class_name: "Dense", config: { name: "d2" } },
      ],
    };
    expect(parseKerasConfig(sequential, "x").layers[1]).toMatchObject({
      name: "d2",
      inputs: ["d1"],
    });
  });

  it.each([
    [null],
    [{}],
    [{ class_name: "Model", config: { layers: [{}] } }],
    [{ class_name: "M", config: { layers: [{ class_name: "A", config: {} }] } }],
  ])("%j is refused", (json) => {
    expect(() => parseKerasConfig(json, "x")).toThrow(FormatError);
  });
});

describe("archives", () => {
  it("without a model are refused", async () => {
    const zip = writeZip(new Map([["a", new Uint8Array(1)]]));
    await expect(readKeras(bytesSource(zip))).rejects.toThrow(/no .keras file/);
  });
});

describe("torchWeights", () => {
  const tensor = (...shape: number[]): StoredTensor => {
    const count = shape.reduce((a, b) => a * b, 1);
    const data = Float32Array.from({ length: count }, (_, i) => i);
    return storedTensor(shape, "float32", "x", async () => new Uint8Array(data.slice().buffer));
  };
  const converted = async (
    weights: Record<string, StoredTensor>,
    options: Parameters<typeof torchWeights>[1] = {},
  ) => {
    const file = torchWeights({ tensors: new Map(Object.entries(weights)), metadata: {} }, options);
    const entries = [...file.tensors].map(async ([name, { shape, read }]) => {
      return [name, { shape, values: [...(await read())] }] as const;
    });
    return Object.fromEntries(await Promise.all(entries));
  };

  it("gives names and layouts of PyTorch", async () => {
    const file = await open("tiny.keras");
    const shapes = [...torchWeights(file, { net: file.net }).tensors].map(
      ([name, { shape }]) => `${name} ${shape}`,
    );
    expect(shapes.sort()).toEqual([
      "bn1.bias 2",
      "bn1.running_mean 2",
      "bn1.running_var 2",
      "bn1.weight 2",
      "conv1.weight 2,3,3,3",
      "dw.bias 2",
      "dw.weight 2,1,3,3",
      "fc.bias 2",
      "fc.weight 2,3",
      "sep.depthwise.weight 2,1,3,3",
      "sep.pointwise.bias 2",
      "sep.pointwise.weight 2,2,1,1",
      "up.bias 3",
      "up.weight 2,3,3,3",
    ]);
  });

  it("moves the numbers along", async () => {
    expect(
      await converted({
        "c/kernel": tensor(1, 2, 2, 1),
        "d/depthwise_kernel": tensor(1, 2, 2, 2),
        "f/kernel": tensor(2, 3),
      }),
    ).toEqual({
      "c.weight": { shape: [1, 2, 1, 2], values: [0, 2, 1, 3] },
      "d.weight": { shape: [4, 1, 1, 2], values: [0, 4, 1, 5, 2, 6, 3, 7] },
      "f.weight": { shape: [3, 2], values: [0, 3, 1, 4, 2, 5] },
    });
  });

  it("puts the features of a flattened map in PyTorch's order", async () => {
    const options = { flattened: { fc: [1, 2, 2] as const } };
    expect(await converted({ "fc/kernel": tensor(4, 1) }, options)).toEqual({
      "fc.weight": { shape: [1, 4], values: [0, 2, 1, 3] },
    });
    await expect(converted({ "fc/kernel": tensor(5, 1) }, options)).rejects.toThrow(
      /5 input features; \[1, 2, 2\] flattened gives 4/,
    );
  });
});
