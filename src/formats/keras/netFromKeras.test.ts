import { describe, expect, it } from "vitest";
import { FormatError, UnsupportedError } from "../../core/errors.ts";
import { netFromJson } from "../../models/netFile.ts";
import { parseKerasConfig } from "./config.ts";
import { netFromKeras } from "./netFromKeras.ts";

interface LayerConfig {
  readonly class_name: string;
  readonly config?: Readonly<Record<string, unknown>>;
}

/** A Sequential on 8x8 images of 3 channels. */
const sequential = (...layers: readonly LayerConfig[]) => ({
  class_name: "Sequential",
  config: {
    name: "s",
    layers: [
      { class_name: "InputLayer", config: { name: "input", batch_input_shape: [null, 8, 8, 3] } },
      ...layers.map(({ class_name, config }, i) => ({
        class_name,
        config: { name: `l${i}`, ...config },
      })),
    ],
  },
});
const conv = { class_name: "Conv2D", config: { filters: 4, kernel_size: [3, 3] } };
const pool = { class_name: "GlobalAveragePooling2D" };
const dense = { class_name: "Dense", config: { units: 5 } };
const described = (json: unknown) => netFromKeras(parseKerasConfig(json, "x.h5"), "x.h5");

describe("a Sequential of Keras", () => {
  it("becomes a net for any number of classes", () => {
    const { net } = described(sequential(conv, pool, dense, { class_name: "Softmax" }));
    expect(net).toMatchObject({ name: "s", input: [3, 8, 8], classes: 5 });
    expect(netFromJson(net, { classes: 7 }).classes).toBe(7);
  });

  it("without its top gets one, for a number of classes that is to be said", () => {
    const { net } = described(sequential(conv, { class_name: "MaxPooling2D" }));
    expect(net.classes).toBeUndefined();
    expect(netFromJson(net, { classes: 2 }).classes).toBe(2);
  });

  it("may scale pixels itself", () => {
    const scaling = { class_name: "Rescaling", config: { scale: 1 / 255 } };
    expect(described(sequential(scaling, conv, pool, dense)).takesPixels).toBe(true);
    expect(described(sequential(conv, pool, dense)).takesPixels).toBe(false);
  });

  it("of grey images says no channels", () => {
    const config = { batch_input_shape: [null, 8, 6] };
    const flatten = { class_name: "Flatten", config: { name: "f", ...config } };
    const json = { class_name: "Sequential", config: [flatten, { ...dense, name: "d" }] };
    expect(described(json).net.input).toEqual([1, 8, 6]);
  });
});

describe("what a net here cannot be is refused, naming the layer", () => {
  const with_ = (layer: LayerConfig, ...more: readonly LayerConfig[]) =>
    sequential(conv, layer, ...more, pool, dense);
  const shared = {
    class_name: "Model",
    config: {
      layers: [
        { class_name: "InputLayer", name: "a", config: {}, inbound_nodes: [] },
        { ...conv, name: "c", inbound_nodes: [[["a", 0, 0, {}]], [["c", 0, 0, {}]]] },
      ],
      input_layers: [["a", 0, 0]],
      output_layers: [["c", 0, 0]],
    },
  };
  const model = (layers: readonly object[], ends: readonly string[]) => ({
    class_name: "Functional",
    config: {
      layers: [{ class_name: "InputLayer", name: "a", config: {}, inbound_nodes: [] }, ...layers],
      input_layers: [["a", 0, 0]],
      output_layers: ends.map((end) => [end, 0, 0]),
    },
  });
  const on = (name: string) => [[[name, 0, 0, {}]]];

  it.each([
    [with_({ class_name: "Lambda" }), /layer "l1" \(Lambda\): this layer has no counterpart/],
    [with_({ class_name: "Activation", config: { activation: "softmax" } }), /middle of a net/],
    [with_({ class_name: "Activation", config: { activation: "hard_sigmoid" } }), /Keras 2/],
    [with_({ class_name: "Activation", config: { activation: "cube" } }), /activation "cube"/],
    [with_({ class_name: "BatchNormalization", config: { axis: 1 } }), /"axis": 1/],
    [with_({ class_name: "PReLU" }), /a slope for each pixel/],
    [with_({ class_name: "Add" }), /something else than layers/],
    [with_({ class_name: "Reshape", config: { target_shape: [2, 8] } }), /target_shape \[2, 8\]/],
    [
      with_({ ...conv, config: { ...conv.config, data_format: "channels_first" } }),
      /"data_format": "channels_first" \(channels_last is\)/,
    ],
    [
      sequential(conv, pool, { class_name: "Dense", config: { units: 1, activation: "sigmoid" } }),
      /layer "l2" \(Dense\): it has a sigmoid at the end/,
    ],
    [
      with_({
        class_name: "Conv2DTranspose",
        config: { filters: 4, kernel_size: 3, strides: 2, padding: "same" },
      }),
      /cuts 1 and 1 pixels, not an even number/,
    ],
    [shared, /layer "c" \(Conv2D\): it is called 2 times/],
    [
      model(
        [
          { ...conv, name: "b", inbound_nodes: on("a") },
          { ...conv, name: "c", inbound_nodes: on("a") },
        ],
        ["b", "c"],
      ),
      /ends in "b", "c"; expected one/,
    ],
  ])("%#", (json, message) => {
    expect(() => described(json)).toThrow(UnsupportedError);
    expect(() => described(json)).toThrow(message);
  });

  it.each([
    [
      sequential({ ...conv, config: { filters: 0, kernel_size: 3 } }, pool, dense),
      /"filters" is 0/,
    ],
    [sequential({ class_name: "Conv2D", config: { filters: 2 } }), /"kernel_size" is nothing/],
    [model([{ ...conv, name: "b", inbound_nodes: on("c") }], ["b"]), /takes from "c", which no/],
    [model([], ["a"]), /does not say which; give --input/],
  ])("and what contradicts itself: %#", (json, message) => {
    expect(() => described(json)).toThrow(FormatError);
    expect(() => described(json)).toThrow(message);
  });
});
