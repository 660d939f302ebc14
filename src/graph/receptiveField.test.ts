import { describe, expect, test } from "vitest";
import { gradients } from "../autodiff/backward.ts";
import { reference } from "../backends/reference/backend.ts";
import {
  avgPool2d,
  branches,
  conv2d,
  convTranspose2d,
  flatten,
  globalAvgPool2d,
  layerNorm,
  linear,
  maxPool2d,
  sequential,
  squeezeExcite,
  upsample,
} from "../layers/index.ts";
import { buildNet, initialize, type Layer } from "../layers/layer.ts";
import { GraphBuilder } from "./builder.ts";
import { multiply } from "./ops/binary.ts";
import { reduceSum } from "./ops/reduce.ts";
import { receptiveFields } from "./receptiveField.ts";

function fieldOf(net: Layer, size = 33, keepComposites = false) {
  const builder = new GraphBuilder({ keepComposites });
  const input = builder.input("x", [1, 1, size, size]);
  const { output } = buildNet(net, { builder, input, training: false });
  return receptiveFields(builder.finish())[output.id]!;
}

const conv = (kernel: number, stride = 1, dilation = 1) =>
  conv2d({
    channels: 1,
    kernel,
    stride,
    dilation,
    padding: ((kernel - 1) / 2) * dilation,
    fit: "floor",
  });

describe("receptiveFields", () => {
  test("three 3x3 convolutions see as much as one 7x7, as the lecture says", () => {
    expect(fieldOf(sequential([conv(3), conv(3), conv(3)])).size).toEqual([7, 7]);
    expect(fieldOf(conv(7)).size).toEqual([7, 7]);
  });

  test("steps multiply, kernels add steps", () => {
    const net = sequential([conv(3, 2), conv(3, 2), conv(3, 1, 2)]);
    expect(fieldOf(net)).toEqual({ size: [23, 23], jump: [4, 4] });
  });

  test("the largest branch counts", () => {
    const net = branches({ layers: [conv(1), sequential([conv(3), conv(5)])] });
    expect(fieldOf(net).size).toEqual([7, 7]);
  });

  test.each([true, false])("poolings, whole or decomposed (%s)", (keepComposites) => {
    for (const pool of [maxPool2d, avgPool2d]) {
      const net = sequential([conv(3), pool({ kernel: 3, stride: 2, padding: 1 })]);
      expect(fieldOf(net, 33, keepComposites)).toEqual({ size: [5, 5], jump: [2, 2] });
    }
  });

  test("a global pooling, a dense layer and a gate see the whole plane", () => {
    for (const keepComposites of [true, false]) {
      expect(fieldOf(globalAvgPool2d(), 8, keepComposites).size).toEqual([8, 8]);
      const gate = sequential([conv(3), squeezeExcite({ squeeze: 1 })]);
      expect(fieldOf(gate, 8, keepComposites)).toEqual({ size: [10, 10], jump: [1, 1] });
    }
    expect(fieldOf(flatten(), 8).size).toEqual([1, 1]);
    expect(fieldOf(sequential([flatten(), linear({ features: 2 })]), 8).size).toEqual([8, 8]);
  });

  test("normalising each pixel does not widen it", () => {
    for (const keepComposites of [true, false]) {
      const net = sequential([conv(3), layerNorm({ over: "channels" })]);
      expect(fieldOf(net, 8, keepComposites).size).toEqual([3, 3]);
    }
  });

  test("enlarging divides the step", () => {
    const bigger = sequential([conv(3, 2), upsample({ factor: 2 }), conv(3)]);
    expect(fieldOf(bigger)).toEqual({ size: [5, 5], jump: [1, 1] });
    const transposed = convTranspose2d({ channels: 1, kernel: 4, stride: 2, padding: 1 });
    expect(fieldOf(sequential([conv(3, 2), transposed]))).toEqual({ size: [5, 5], jump: [1, 1] });
  });

  test("what sees no image has none", () => {
    const builder = new GraphBuilder();
    const weight = builder.state("weight", [2]);
    expect(receptiveFields(builder.finish())[weight.id]).toBeUndefined();
  });

  test("agrees with where the gradient of the middle pixel is not zero", async () => {
    const net = sequential([
      conv(3),
      avgPool2d({ kernel: 2 }),
      branches({ layers: [conv(3), conv(5), conv(3, 1, 3)], merge: "sum" }),
      conv(3, 2),
    ]);
    const builder = new GraphBuilder();
    const x = builder.input("x", [1, 1, 64, 64]);
    const { output, parameters } = buildNet(net, { builder, input: x, training: false });
    const [, , p, q] = output.shape as [number, number, number, number];
    const middle = new Float32Array(p * q);
    middle[Math.floor(p / 2) * q + Math.floor(q / 2)] = 1;
    const loss = reduceSum(multiply(output, builder.constant(middle, output.shape)));
    builder.output("slope", gradients(loss, [x])[0]!);
    const graph = builder.finish();
    const session = await reference().open();
    const program = await session.compile(graph);
    for (const [name, data] of Object.entries(initialize(parameters, 1))) {
      if (session.states.includes(name)) await session.write(name, data);
    }
    const { slope } = await program.run({ x: new Float32Array(64 * 64) });
    await session.close();
    const rows = [...slope!.keys()].filter((i) => slope![i] !== 0).map((i) => Math.floor(i / 64));
    const seen = Math.max(...rows) - Math.min(...rows) + 1;
    expect(receptiveFields(graph)[output.id]!.size).toEqual([seen, seen]);
  });
});
