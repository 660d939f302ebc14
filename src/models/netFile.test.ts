import { describe, expect, test } from "vitest";
import { GraphBuilder } from "../graph/builder.ts";
import { buildNet } from "../layers/layer.ts";
import { createNet, type Net, netNames, variantNames } from "./index.ts";
import { type NetJson, netFromJson, netToJson } from "./netFile.ts";

function declared({ layer, input }: Net) {
  const builder = new GraphBuilder();
  const image = builder.input("x", [1, ...input]);
  const { parameters, records } = buildNet(layer, { builder, input: image, training: true });
  return {
    parameters: parameters.map(({ name, shape, initializer }) => [name, shape, initializer.kind]),
    macs: records.map(({ macs }) => macs),
  };
}

const tiny: NetJson = {
  name: "tiny",
  input: [1, 8, 8],
  layers: {
    layer: "sequential",
    layers: {
      conv: { layer: "conv2d", channels: 2, kernel: 3 },
      act: { layer: "relu" },
      pool: { layer: "globalAvgPool2d" },
      fc: { layer: "linear", features: "$classes" },
    },
  },
};

describe("net files", () => {
  const variants = netNames().flatMap((name) => variantNames(name).map((v) => [name, v] as const));
  test.each(variants)("%s %s comes back as it was", (name, variant) => {
    const net = createNet(name, { variant });
    const again = netFromJson(JSON.parse(JSON.stringify(netToJson(net))));
    expect(again).toMatchObject({
      name,
      input: net.input,
      classes: net.classes,
      loss: net.loss,
      minimumInput: net.minimumInput,
    });
    expect(declared(again)).toEqual(declared(net));
  });

  test("fit a data set", () => {
    const net = netFromJson(tiny, { classes: 4, input: [3, 16, 16] });
    expect(net).toMatchObject({ classes: 4, input: [3, 16, 16], variant: "own" });
    expect(declared(net).parameters[0]).toEqual(["conv.weight", [2, 3, 3, 3], "kaimingUniform"]);
    expect(netFromJson({ ...tiny, classes: 5 }).classes).toBe(5);
  });

  test("may take parts, or the whole, of a net of the catalogue", () => {
    const net = netFromJson({
      name: "pair",
      input: [3, 32, 32],
      layers: {
        layer: "functional",
        steps: {
          block: { layer: { layer: "basicBlock", channels: 4, stride: 2 } },
          pooled: { layer: { layer: "globalAvgPool2d" } },
          whole: { layer: { layer: "net", net: "resnet20", classes: 6 }, from: "input" },
          both: { layer: { layer: "concat" }, from: ["pooled", "whole"] },
        },
      },
    });
    expect(net.classes).toBe(10);
  });

  test.each([
    [null, 'net file: expected { "name", "input", "layers" }, got null'],
    [[], /got \[\]/],
    [{ ...tiny, nmae: "x" }, 'net file: unknown option "nmae". Did you mean "name"?'],
    [{ ...tiny, input: [1, 8] }, /input is \[1,8\]; expected three integers of at least 1/],
    [{ ...tiny, classes: 0 }, "net file: classes is 0; expected an integer of at least 1."],
    [{ ...tiny, loss: "mse" }, /loss is "mse"; expected one of crossEntropy/],
    [tiny, 'net.layers.fc.features: "$classes" stands for a number that was not given.'],
    [
      { ...tiny, layers: { layer: "conv2d", channels: 2, kernel: 3 } },
      /end in \[1, 2, 6, 6\]; a classifier ends/,
    ],
    [
      { ...tiny, classes: 3, layers: { layer: "sequential", layers: [{ layer: "flatten" }] } },
      'its layers end in 64 numbers, not 3; write "$classes"',
    ],
    [
      { ...tiny, layers: { layer: "maxPool2d", kernel: 3 } },
      /\(8 − 3\)\/3 \+ 1 = 2\.67 does not fit/,
    ],
    [{ ...tiny, layers: { layer: "net", net: "resnet21" } }, 'unknown net "resnet21"'],
  ])("refuse what is wrong: %#", (json, message) => {
    expect(() => netFromJson(json)).toThrow(message);
  });
});
