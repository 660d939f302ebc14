import { describe, expect, test } from "vitest";
import { kaimingNormal } from "../initializers/index.ts";
import { conv2d, functional, layer, layers, relu, residual, sequential } from "./index.ts";
import { layerFromJson, layerToJson } from "./layerJson.ts";

describe("layerToJson", () => {
  test("writes what a person would", () => {
    const net = sequential({
      stem: conv2d({
        channels: 8,
        kernel: [3, 3],
        bias: false,
        weightInitializer: kaimingNormal({ fan: "out" }),
      }),
      block: residual({ body: relu(), shortcut: relu() }),
    });
    expect(layerToJson(net)).toEqual({
      layer: "sequential",
      layers: {
        stem: {
          layer: "conv2d",
          channels: 8,
          kernel: [3, 3],
          bias: false,
          weightInitializer: {
            initializer: "kaimingNormal",
            fan: "out",
            nonlinearity: "leakyRelu",
            slope: 0,
          },
        },
        block: {
          layer: "residual",
          body: { layer: "activation", function: "relu" },
          shortcut: { layer: "activation", function: "relu" },
        },
      },
    });
  });

  test("reads back what it wrote, steps of functional nets too", () => {
    const net = functional({
      steps: { a: { layer: relu() }, b: { layer: layers.sum(), from: ["a", "input"] } },
    });
    const json = layerToJson(net);
    expect(layerToJson(layerFromJson(JSON.parse(JSON.stringify(json))))).toEqual(json);
  });

  test("says which layer no table has", () => {
    const own = layer("mine", {}, ([x]) => x!);
    expect(() => layerToJson(sequential([relu(), own]))).toThrow(
      'net.layers[1]: a layer of kind "mine" cannot be written to a file',
    );
    const table = { ...layers, mine: () => own };
    const json = layerToJson(sequential([relu(), own]), table);
    expect(layerToJson(layerFromJson(json, { table }), table)).toEqual(json);
  });
});

describe("layerFromJson", () => {
  const inSequence = (inner: unknown) => ({
    layer: "sequential",
    layers: [{ layer: "relu" }, inner],
  });
  test.each([
    [{}, 'net: expected { "layer": … }, got {}'],
    [null, 'net: expected { "layer": … }, got null'],
    ["relu", 'net: expected { "layer": … }, got "relu"'],
    [
      inSequence({ layer: "conv2" }),
      'net.layers[1]: unknown layer "conv2". Did you mean "conv2d"?',
    ],
    [inSequence({ layer: "toString" }), 'net.layers[1]: unknown layer "toString"'],
    [
      inSequence({ layer: "conv2d", channels: 0, kernel: 3 }),
      "net.layers[1]: conv2d: channels is 0; expected an integer of at least 1.",
    ],
    [
      inSequence({
        layer: "conv2d",
        channels: 1,
        kernel: 3,
        weightInitializer: { initializer: "magic" },
      }),
      'net.layers[1].weightInitializer: unknown initializer "magic"',
    ],
    [
      inSequence({ layer: "conv2d", channels: 1, kernel: 3, weightInitializer: "magic" }),
      'net.layers[1]: conv2d: weightInitializer is "magic"; expected an initializer.',
    ],
    [inSequence({ layer: "residual", body: { layer: 3 } }), /net\.layers\[1\]: residual: body is/],
    [inSequence(7), "net: sequential: layers is"],
  ])("refuses %j", (json, message) => {
    expect(() => layerFromJson(json)).toThrow(message);
  });

  test("puts numbers in place of names", () => {
    const json = { layer: "linear", features: "$classes" };
    expect(layerFromJson(json, { values: { classes: 7 } }).options).toEqual({ features: 7 });
    expect(() => layerFromJson(json, { values: { clases: 7 } })).toThrow(
      'net.features: "$classes" stands for a number that was not given; there is "$clases".',
    );
  });

  test("refuses endless nests", () => {
    let json: unknown = { layer: "relu" };
    for (let i = 0; i < 1000; i++) json = { layer: "residual", body: json };
    expect(() => layerFromJson(json)).toThrow("nested deeper than 64");
  });
});
