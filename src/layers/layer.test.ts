import { describe, expect, test } from "vitest";
import { gradients } from "../autodiff/backward.ts";
import { reference } from "../backends/reference/backend.ts";
import { GraphBuilder } from "../graph/builder.ts";
import { multiply } from "../graph/ops/binary.ts";
import { reduceSum } from "../graph/ops/reduce.ts";
import { print } from "../graph/print.ts";
import { normal } from "../initializers/index.ts";
import {
  batchNorm2d,
  buildNet,
  conv2d,
  convNextBlock,
  dropout,
  initialize,
  type Layer,
  layer,
  layerScale,
  linear,
  relu,
  sequential,
} from "./index.ts";

function built(
  net: Layer,
  options: { training?: boolean; frozen?: (name: string) => boolean } = {},
) {
  const builder = new GraphBuilder();
  const input = builder.input("x", [2, 3, 8, 8]);
  const result = buildNet(net, { builder, input, training: false, ...options });
  return { builder, input, ...result };
}

const namesOf = (net: Layer) => built(net).parameters.map(({ name }) => name);

describe("names", () => {
  test("are paths of modules, positions in a list", () => {
    const net = sequential({
      stem: sequential([conv2d({ channels: 2, kernel: 1 }), relu()]),
      scale: layerScale(),
    });
    expect(namesOf(net)).toEqual(["stem.0.weight", "stem.0.bias", "scale.gamma"]);
  });

  test("come in PyTorch's order: parameters, then buffers, then children", () => {
    const net = layer("late", {}, ([x], scope) => {
      const y = scope.apply("child", conv2d({ channels: 3, kernel: 1, bias: false }), x!);
      scope.buffer("running", [3]);
      return multiply(y, scope.parameter("gain", [3, 1, 1], normal()));
    });
    expect(namesOf(sequential({ late: net }))).toEqual([
      "late.gain",
      "late.running",
      "late.child.weight",
    ]);
  });

  test("follow a given order of children", () => {
    const net = layer("ordered", {}, ([x], scope) => {
      scope.order(["b"]);
      const a = scope.apply("a", conv2d({ channels: 3, kernel: 1, bias: false }), x!);
      return scope.apply("b", conv2d({ channels: 3, kernel: 1, bias: false }), a);
    });
    expect(namesOf(net)).toEqual(["b.weight", "a.weight"]);
  });

  test("are refused twice", () => {
    const net = layer("twice", {}, ([x], scope) => {
      const y = scope.apply("conv", conv2d({ channels: 3, kernel: 1 }), x!);
      return scope.apply("conv", conv2d({ channels: 3, kernel: 1 }), y);
    });
    expect(() => namesOf(net)).toThrow('declares "conv.weight" twice');
  });
});

describe("records", () => {
  test("hold every application with its shapes, products and values", () => {
    const { records, output } = built(
      sequential({ conv: conv2d({ channels: 4, kernel: 3 }), act: relu() }),
    );
    expect(records.map(({ name, kind, type, inside }) => [name, kind, type, inside])).toEqual([
      ["conv", "conv2d", "Conv2d", 0],
      ["act", "activation", "ReLU", 0],
    ]);
    expect(records[0]).toMatchObject({
      inputs: [[2, 3, 8, 8]],
      output: [2, 4, 6, 6],
      parameters: ["conv.weight", "conv.bias"],
      macs: 2 * 4 * 36 * 27,
    });
    expect(records[1]!.inputIds).toEqual([records[0]!.outputId]);
    expect(records[1]!.outputId).toBe(output.id);
  });

  test("count layers inside a block, and say how PyTorch holds channels-last results", () => {
    const { records } = built(sequential({ block: convNextBlock({ form: "torchvision" }) }));
    expect(records.at(-1)).toMatchObject({ name: "block", kind: "convNextBlock", inside: 11 });
    const fc = records.find(({ name }) => name === "block.block.3");
    expect(fc).toMatchObject({ type: "Linear", view: [0, 2, 3, 1], output: [2, 12, 8, 8] });
    const scale = records.find(({ kind }) => kind === "layerScale");
    expect(scale).toMatchObject({ name: "block", parameters: ["block.layer_scale"] });
    expect(scale!.type).toBeUndefined();
  });
});

describe("auxiliary heads", () => {
  const net = layer("withHead", {}, ([x], scope) => {
    const y = scope.apply("stem", conv2d({ channels: 2, kernel: 1 }), x!);
    scope.auxiliary("head", conv2d({ channels: 5, kernel: 1 }), y, 0.3);
    return y;
  });

  test("give outputs while training", () => {
    const [head] = built(net, { training: true }).auxiliary;
    expect(head).toMatchObject({ name: "head", weight: 0.3 });
    expect(head!.value.shape).toEqual([2, 5, 8, 8]);
  });

  test("declare their parameters for every purpose, marked", () => {
    const { auxiliary, parameters } = built(net);
    expect(auxiliary).toEqual([]);
    expect(parameters.map(({ name, auxiliary: marked }) => [name, marked])).toEqual([
      ["stem.weight", false],
      ["stem.bias", false],
      ["head.weight", true],
      ["head.bias", true],
    ]);
  });
});

describe("freezing", () => {
  const net = sequential({
    conv: conv2d({ channels: 2, kernel: 1 }),
    bn: batchNorm2d(),
    free: batchNorm2d(),
  });

  test("marks parameters, and makes batch norm use its running statistics", () => {
    const { builder, parameters } = built(net, {
      training: true,
      frozen: (name) => name.startsWith("conv.") || name.startsWith("bn."),
    });
    const frozen = parameters.filter((p) => p.frozen).map(({ name }) => name);
    expect(frozen).toContain("bn.weight");
    expect(frozen).not.toContain("free.weight");
    const text = print(builder.finish());
    expect(text).not.toMatch(/update .* bn\./);
    const updated = builder.finish().updates.map(({ state }) => {
      const node = builder.nodes.find(({ outputs }) => outputs.includes(state));
      return node!.attributes.name;
    });
    expect(updated).toEqual(["free.running_mean", "free.running_var", "free.num_batches_tracked"]);
  });

  test("inference changes no state", () => {
    expect(built(net).builder.finish().updates).toEqual([]);
  });
});

describe("batch norm's running statistics", () => {
  async function statisticsAfter(momentum: number | null, steps: number) {
    const builder = new GraphBuilder();
    const input = builder.input("x", [2, 1, 1, 2]);
    const { output } = buildNet(batchNorm2d({ momentum }), { builder, input, training: true });
    builder.output("y", output);
    const session = await reference().open();
    const program = await session.compile(builder.finish());
    await session.write("running_var", Float32Array.of(1));
    for (let i = 0; i < steps; i++) await program.run({ x: Float32Array.of(1, 3, 5, 7) });
    const [mean, variance, seen] = await Promise.all(
      ["running_mean", "running_var", "num_batches_tracked"].map((name) => session.read(name)),
    );
    await session.close();
    return { mean: mean![0]!, variance: variance![0]!, seen: seen![0]! };
  }

  // Mean 4, biased variance 5, unbiased 20/3.
  test("move by the momentum, the variance unbiased", async () => {
    const { mean, variance, seen } = await statisticsAfter(0.1, 1);
    expect(mean).toBeCloseTo(0.4, 6);
    expect(variance).toBeCloseTo(0.9 + 20 / 30, 6);
    expect(seen).toBe(1);
  });

  test("without a momentum are the mean of all batches", async () => {
    const { mean, variance, seen } = await statisticsAfter(null, 3);
    expect(mean).toBeCloseTo(4, 6);
    expect(variance).toBeCloseTo(20 / 3, 6);
    expect(seen).toBe(3);
  });
});

describe("dropout", () => {
  test("can be off while training, and has a stream of its own per layer", () => {
    const net = sequential({ a: dropout(), b: dropout() });
    const builder = new GraphBuilder();
    const input = builder.input("x", [2, 4]);
    const off = buildNet(net, { builder, input, training: true, dropout: false });
    expect(off.output).toBe(input);
    buildNet(net, { builder, input, training: true });
    const random = builder.nodes.filter(({ op }) => op === "random");
    expect(random).toHaveLength(2);
    expect(random[0]!.attributes.stream).not.toEqual(random[1]!.attributes.stream);
  });

  test("keeps the mean and drops the share it says", async () => {
    const builder = new GraphBuilder();
    const input = builder.input("x", [100, 100]);
    const { output } = buildNet(dropout({ p: 0.3 }), { builder, input, training: true });
    builder.output("y", output);
    const session = await reference().open();
    const program = await session.compile(builder.finish());
    const x = new Float32Array(10_000).fill(1);
    const { y } = await program.run({ x, randomKey: Int32Array.of(1, 2) });
    await session.close();
    const dropped = y!.filter((v) => v === 0).length / y!.length;
    expect(Math.abs(dropped - 0.3)).toBeLessThan(0.015);
    expect(new Set(y!)).toEqual(new Set([0, Math.fround(1 / 0.7)]));
  });
});

describe("substitution", () => {
  test("computes at another point and can be differentiated there", async () => {
    const builder = new GraphBuilder();
    const input = builder.input("x", [1, 2]);
    const points: string[] = [];
    const { output, parameters } = buildNet(linear({ features: 1, bias: false }), {
      builder,
      input,
      training: true,
      substitute(name, value) {
        points.push(name);
        return multiply(value, 3);
      },
    });
    expect(points).toEqual(["weight"]);
    builder.output("slope", gradients(reduceSum(output), [parameters[0]!.value])[0]!);
    const session = await reference().open();
    const program = await session.compile(builder.finish());
    const { slope } = await program.run({ x: Float32Array.of(1, 2) });
    await session.close();
    expect([...slope!]).toEqual([3, 6]);
  });
});

describe("initialize", () => {
  const net = () => sequential({ a: conv2d({ channels: 2, kernel: 3 }), b: batchNorm2d() });

  test("depends on seed and name, not on order", () => {
    const { parameters } = built(net());
    const forward = initialize(parameters, 5);
    expect(initialize([...parameters].reverse(), 5)).toEqual(forward);
    expect(initialize(parameters, 6)["a.weight"]).not.toEqual(forward["a.weight"]);
    expect([...forward["b.weight"]!, ...forward["b.running_var"]!]).toEqual([1, 1, 1, 1]);
    expect([...forward["b.running_mean"]!, ...forward["b.num_batches_tracked"]!]).toEqual([
      0, 0, 0,
    ]);
  });

  test("draws PyTorch's default: uniform within one over the root of the fan-in", () => {
    const { parameters } = built(conv2d({ channels: 64, kernel: 3 }));
    const { weight, bias } = initialize(parameters, 1);
    const bound = 1 / Math.sqrt(27);
    const largest = Math.max(...weight!, ...bias!);
    expect(largest).toBeLessThanOrEqual(bound);
    expect(largest).toBeGreaterThan(0.98 * bound);
  });
});

describe("wrong shapes and options", () => {
  const on = (inner: Layer, shape: readonly number[]) => () => {
    const builder = new GraphBuilder();
    const net = sequential({ layer: inner });
    buildNet(net, { builder, input: builder.input("x", shape), training: false });
  };

  test.each([
    [
      on(conv2d({ channels: 2, kernel: 3 }), [2, 3]),
      'conv2d "layer": expected [N, C, H, W], got [2, 3]',
    ],
    [
      on(conv2d({ channels: 4, kernel: 1, groups: 2 }), [1, 3, 4, 4]),
      'conv2d "layer": 3 input channels ([1, 3, 4, 4]) and 4 output channels do not both divide into 2 groups',
    ],
    [
      on(conv2d({ channels: 2, kernel: 3, stride: 3 }), [1, 3, 7, 7]),
      /\(7 − 3\)\/3 \+ 1 = 2\.33 does not fit/,
    ],
    [on(linear({ features: 2 }), [5]), 'linear "layer": expected [N, …, inputs], got [5]'],
    [
      on(linear({ features: 2, over: "channels" }), [5, 2]),
      "expected [N, inputs, H, W], got [5, 2]",
    ],
    [on(batchNorm2d(), [2, 3]), 'batchNorm2d "layer": expected [N, C, H, W], got [2, 3]'],
    [
      () => conv2d({ channels: 0, kernel: 3 }),
      "conv2d: channels is 0; expected an integer of at least 1.",
    ],
    [
      () => conv2d({ channels: 1, kernel: 3, paddin: 1 } as never),
      'unknown option "paddin". Did you mean "padding"?',
    ],
    [() => dropout({ p: 1 }), /dropout: p is 1; expected a number from 0 to 0\.9/],
  ])("%#", (make, message) => {
    expect(make).toThrow(message);
  });
});
