import { describe, expect, it } from "vitest";
import { activationMemory } from "../../src/explain/activationMemory.ts";
import { GraphBuilder } from "../../src/graph/builder.ts";
import {
  conv2d,
  dropout,
  fusion,
  globalAvgPool2d,
  layer,
  linear,
  maxPool2d,
  relu,
  sequential,
} from "../../src/layers/index.ts";
import { buildNet, type Layer } from "../../src/layers/layer.ts";
import {
  createNet,
  summarize,
  summarizeGraph,
  summaryLines,
  summaryText,
} from "../../src/models/index.ts";

const table = (name: string, variant: string) =>
  summaryLines(summarize(createNet(name, { variant }))).map(({ size, text }) => `${size} ${text}`);

const alone = (inner: Layer, input: readonly [number, number, number]) =>
  summarize({ name: "alone", layer: inner, input });

describe("the literature's table", () => {
  it("is the lecture's for AlexNet, volume by volume", () => {
    expect(table("alexnet", "deck")).toEqual([
      "[227x227x3] INPUT",
      "[55x55x96] CONV1: 96 11x11 filters at stride 4, pad 0",
      "[27x27x96] MAX POOL1: 3x3 filters at stride 2",
      "[27x27x96] NORM1: normalization",
      "[27x27x256] CONV2: 256 5x5 filters at stride 1, pad 2",
      "[13x13x256] MAX POOL2: 3x3 filters at stride 2",
      "[13x13x256] NORM2: normalization",
      "[13x13x384] CONV3: 384 3x3 filters at stride 1, pad 1",
      "[13x13x384] CONV4: 384 3x3 filters at stride 1, pad 1",
      "[13x13x256] CONV5: 256 3x3 filters at stride 1, pad 1",
      "[6x6x256] MAX POOL5: 3x3 filters at stride 2",
      "[4096] FC6: 4096 neurons",
      "[4096] FC7: 4096 neurons",
      "[1000] FC8: 1000 neurons",
    ]);
  });

  it("is table III of LeNet-5's paper", () => {
    expect(table("lenet5", "paper")).toEqual([
      "[32x32x1] INPUT",
      "[28x28x6] CONV1: 6 5x5 filters at stride 1, pad 0",
      "[14x14x6] SUBSAMPLING2: 2x2 filters at stride 2, trained factor and bias",
      "[10x10x16] CONV3: 16 5x5 filters at stride 1, pad 0",
      "[5x5x16] SUBSAMPLING4: 2x2 filters at stride 2, trained factor and bias",
      "[1x1x120] CONV5: 120 5x5 filters at stride 1, pad 0",
      "[84] FC6: 84 neurons",
      "[10] RBF: 10 distances from codes",
    ]);
    const { layers } = summarize(createNet("lenet5", { variant: "paper" }));
    const params = layers.filter((row) => row.params > 0).map((row) => row.params);
    expect(params).toEqual([156, 12, 1516, 32, 48_120, 10_164]);
  });

  it("names groups, one channel each, and frozen normalisation", () => {
    expect(table("alexnet", "paper")).toContain(
      "[27x27x256] CONV2: 256 5x5 filters at stride 1, pad 2, 2 groups",
    );
    expect(table("mobilenet_v1", "0.25")).toContain(
      "[112x112x8] DEPTHWISE CONV blocks.0.0.conv_dw: 8 3x3 filters at stride 1, pad sameUpper, each sees one channel",
    );
    const frozen = summarize(createNet("resnet18"), { frozen: (name) => name.startsWith("bn1") });
    expect(summaryText(frozen)).toContain("BATCH NORM1: frozen: running statistics");
  });

  it("can hold the layers that are computed in place", () => {
    const summary = summarize(createNet("lenet5"));
    expect(summaryLines(summary, { all: true }).map(({ text }) => text)).toContain("RELU1");
    expect(summaryText(summary)).not.toContain("RELU");
    expect(summaryText(summary)).toContain("61,706 parameters (61,470 weights, 236 biases)");
  });
});

describe("the lecture's arithmetic", () => {
  it("takes 32x32x3 with six 5x5 filters to 28x28x6", () => {
    expect(alone(conv2d({ channels: 6, kernel: 5 }), [3, 32, 32]).layers).toHaveLength(0);
    const { layers } = alone(sequential([conv2d({ channels: 6, kernel: 5 })]), [3, 32, 32]);
    expect(layers[0]!.output).toEqual([6, 28, 28]);
  });

  it("counts 760 parameters in ten 5x5 filters on 32x32x3, padded to the same size", () => {
    const net = sequential([conv2d({ channels: 10, kernel: 5, padding: 2 })]);
    const { layers, params, weights, biases } = alone(net, [3, 32, 32]);
    expect(layers[0]!.output).toEqual([10, 32, 32]);
    expect([params, weights, biases]).toEqual([760, 750, 10]);
  });

  it("counts 12,789,000 weights in a perceptron of 12288-1000-500-2", () => {
    const { weights, biases, params } = summarize(createNet("mlp"));
    expect([weights, biases, params]).toEqual([12_789_000, 1502, 12_790_502]);
  });

  it.each([
    [1, 0, 5],
    [2, 0, 3],
    [1, 1, 7],
  ])("takes 7x7 under 3x3 at stride %i and pad %i to size %i", (stride, padding, size) => {
    const net = sequential([conv2d({ channels: 1, kernel: 3, stride, padding })]);
    expect(alone(net, [1, 7, 7]).layers[0]!.output).toEqual([1, size, size]);
  });

  it("refuses 7x7 under 3x3 at stride 3", () => {
    const net = sequential([conv2d({ channels: 1, kernel: 3, stride: 3 })]);
    expect(() => alone(net, [1, 7, 7])).toThrow(/\(7 − 3\)\/3 \+ 1 = 2\.33 does not fit/);
  });
});

describe("summarize", () => {
  it("counts depth as papers do: layers with weights on the longest way", () => {
    const depthOf = (name: string) => summarize(createNet(name)).depth;
    expect(depthOf("alexnet")).toBe(8);
    expect(depthOf("vgg19")).toBe(19);
    expect(depthOf("googlenet")).toBe(22);
    expect(depthOf("squeezenet")).toBe(18);
    for (const depth of [18, 34, 50, 101, 152, 20, 56, 110]) {
      expect(depthOf(`resnet${depth}`)).toBe(depth);
    }
  });

  it("sees through branches", () => {
    const fork = layer("fork", {}, ([x], scope) => {
      const left = scope.apply("left", conv2d({ channels: 4, kernel: 3, padding: 1 }), x!);
      const right = scope.apply("right", conv2d({ channels: 4, kernel: 5, padding: 2 }), x!);
      return scope.apply("both", fusion({ mode: "sum", channels: 4 }), left, right);
    });
    const net = sequential({ stem: conv2d({ channels: 2, kernel: 1 }), fork, drop: dropout() });
    const { layers } = alone(net, [3, 8, 8]);
    expect(
      layers.map(({ name, kind, from, receptiveField }) => [name, kind, from, receptiveField]),
    ).toEqual([
      ["stem", "conv2d", [-1], 1],
      ["fork.left", "conv2d", [0], 3],
      ["fork.right", "conv2d", [0], 5],
      ["fork.both", "sum", [1, 2], 5],
      ["drop", "dropout", [3], 5],
    ]);
    expect(layers[3]!.within.map(({ kind }) => kind)).toEqual(["fork", "fusion"]);
  });

  it("follows the receptive field through strides and poolings", () => {
    const { layers } = summarize(createNet("alexnet", { variant: "deck" }));
    const seen = layers.filter(({ kind }) => kind === "conv2d").map((row) => row.receptiveField);
    expect(seen).toEqual([11, 51, 99, 131, 163]);
    const { layers: vgg } = summarize(createNet("vgg16"));
    expect(vgg.filter(({ kind }) => kind === "maxPool2d").at(-1)!.receptiveField).toBe(212);
    for (const [variant, pixels] of [
      ["v1", 483],
      ["torchvision", 427],
    ] as const) {
      const { layers: resnet } = summarize(createNet("resnet50", { variant }));
      expect(resnet.find(({ name }) => name === "layer4.2.conv3")!.receptiveField).toBe(pixels);
    }
  });

  it("counts memory once for what is computed in place", () => {
    const net = sequential([
      conv2d({ channels: 4, kernel: 3, padding: 1 }),
      relu(),
      maxPool2d({ kernel: 2 }),
      globalAvgPool2d(),
      linear({ features: 2 }),
    ]);
    const { layers, activationBytes } = alone(net, [1, 8, 8]);
    expect(layers.map((row) => row.activationBytes)).toEqual([1024, 0, 256, 16, 8]);
    expect(activationBytes).toBe(1304);
  });

  it("keeps heads that serve training only out of the sums", () => {
    const summary = summarize(createNet("googlenet", { variant: "paper" }));
    expect(summary.params).toBe(6_998_552);
    expect(summary.params + summary.auxiliaryParams).toBe(13_378_280);
    expect(summary.layers.some(({ name }) => name.startsWith("aux"))).toBe(false);
  });
});

describe("summarizeGraph", () => {
  it("gives a graph without layers the same sums", () => {
    for (const name of ["lenet5", "squeezenet", "resnet20"]) {
      const net = createNet(name);
      const builder = new GraphBuilder({ keepComposites: true });
      const input = builder.input("image", [1, ...net.input]);
      builder.output("y", buildNet(net.layer, { builder, input, training: false }).output);
      const expected = summarize(net);
      const { params, macs, layers, depth } = summarizeGraph(builder.finish(), name, net.input);
      expect(macs).toBe(expected.macs);
      expect(depth).toBe(expected.depth);
      const running = name === "resnet20" ? 2 * (expected.buffers / 2 - 9.5) : 0;
      expect(params).toBe(expected.params + running);
      expect(layers.at(-1)!.receptiveField).toBe(expected.layers.at(-1)!.receptiveField);
    }
  });
});

describe("activationMemory", () => {
  it("needs less than all outputs at inference, and more in training", () => {
    const net = createNet("resnet20");
    const { activationBytes } = summarize(net);
    const { forwardBytes, trainingBytes } = activationMemory(net.layer, net.input);
    expect(forwardBytes).toBeLessThan(activationBytes);
    expect(trainingBytes).toBeGreaterThan(2 * forwardBytes);
  });

  it("is input, hidden layer and nothing else for two linear layers", () => {
    const net = sequential([linear({ features: 64 }), linear({ features: 16 })]);
    expect(activationMemory(net, [1, 1, 32]).forwardBytes).toBe(4 * (32 + 64));
  });
});
