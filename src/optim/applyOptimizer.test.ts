import { describe, expect, test } from "vitest";
import { reference } from "../backends/reference/backend.ts";
import { GraphBuilder } from "../graph/builder.ts";
import {
  type ApplyOptions,
  adam,
  applyOptimizer,
  averageWeights,
  type Optimizer,
  sgd,
} from "./index.ts";

const start = { "body.weight": [1, 2], "head.bias": [3] };
const slopes = { "body.weight": [3, 0], "head.bias": [4] };

/** The parameters after one step from `start` along `slopes`, and the norm of the gradients. */
async function step(optimizer: Optimizer, options: Omit<ApplyOptions, "lr"> = {}) {
  const builder = new GraphBuilder();
  const parameters = Object.entries(start).map(([name, numbers]) => {
    const shape = name.endsWith("weight") ? [1, numbers.length] : [numbers.length];
    const value = builder.state(name, shape);
    return { name, value, gradient: builder.input(`d ${name}`, shape) };
  });
  const lr = builder.input("lr", []);
  const { next, gradientNorm } = applyOptimizer(builder, optimizer, parameters, { lr, ...options });
  expect([...next.keys()]).toEqual(Object.keys(start));
  builder.output("norm", gradientNorm);
  const session = await reference().open();
  const program = await session.compile(builder.finish());
  for (const [name, numbers] of Object.entries(start)) {
    await session.write(name, Float32Array.from(numbers));
  }
  const feeds = Object.entries(slopes).map(([name, g]) => [`d ${name}`, Float32Array.from(g)]);
  const { norm } = await program.run({ ...Object.fromEntries(feeds), lr: Float32Array.of(0.1) });
  const weights = [...(await session.read("body.weight")), ...(await session.read("head.bias"))];
  return { weights, norm: norm![0]!, states: session.states };
}

function close(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 6);
  });
}

test("all parameters take a step", async () => {
  const { weights, norm } = await step(sgd());
  close(weights, [0.7, 2, 2.6]);
  expect(norm).toBe(5);
});

test("a group has its own rate and decay; the first that matches wins", async () => {
  const groups = [
    { matches: ({ name }: { name: string }) => name.startsWith("body."), lrMultiplier: 0.1 },
    { matches: () => true, weightDecay: 1 },
  ];
  close((await step(sgd(), { groups })).weights, [0.97, 2, 2.3]);
});

test("biases and other vectors can be left out of the decay", async () => {
  const optimizer = sgd({ weightDecay: 1 });
  close((await step(optimizer)).weights, [0.6, 1.8, 2.3]);
  close((await step(optimizer, { decayVectors: false })).weights, [0.6, 1.8, 2.6]);
});

test("decoupled decay does not go through the slots", async () => {
  const optimizer = adam({ weightDecay: 0.5, decoupledWeightDecay: true });
  // The first step of Adam has the size of the rate; decay takes 0.1 · 0.5 of each weight.
  close((await step(optimizer)).weights, [0.95 - 0.1, 1.9, 2.85 - 0.1]);
});

describe("clipping", () => {
  test("by value", async () => {
    close((await step(sgd(), { clip: { value: 1 } })).weights, [0.9, 2, 2.9]);
  });

  test("by the norm of all gradients together", async () => {
    const { weights, norm } = await step(sgd(), { clip: { norm: 1 } });
    close(weights, [1 - 0.06, 2, 3 - 0.08]);
    expect(norm).toBe(5);
  });

  test("leaves smaller gradients as they are", async () => {
    close((await step(sgd(), { clip: { norm: 6, value: 5 } })).weights, [0.7, 2, 2.6]);
  });

  test("refuses a bound of 0", async () => {
    await expect(step(sgd(), { clip: { norm: 0 } })).rejects.toThrow("norm 0: expected a positive");
  });
});

test("slots and shared scalars are states of the session, known by name", async () => {
  const { states } = await step(adam());
  expect([...states].sort()).toEqual([
    "body.weight",
    "head.bias",
    "optimizer.body.weight.expAvg",
    "optimizer.body.weight.expAvgSq",
    "optimizer.correction1",
    "optimizer.correction2",
    "optimizer.head.bias.expAvg",
    "optimizer.head.bias.expAvgSq",
  ]);
});

test("a scheduled momentum replaces the optimiser's own", async () => {
  const builder = new GraphBuilder();
  const x = builder.state("x", [1]);
  const gradient = builder.input("g", [1]);
  const lr = builder.input("lr", []);
  const beta1 = builder.input("momentum", []);
  applyOptimizer(builder, adam(), [{ name: "x", value: x, gradient }], { lr, momentum: beta1 });
  const session = await reference().open();
  const program = await session.compile(builder.finish());
  const [g, rate, share] = [2, 1, 0.5].map((value) => Float32Array.of(value));
  await program.run({ g: g!, lr: rate!, momentum: share! });
  expect((await session.read("optimizer.x.expAvg"))[0]).toBeCloseTo(1, 6);
  expect((await session.read("optimizer.correction1"))[0]).toBeCloseTo(0.5, 6);
});

test("what cannot be trained is refused", () => {
  const builder = new GraphBuilder();
  const lr = builder.input("lr", []);
  expect(() => applyOptimizer(builder, sgd(), [], { lr })).toThrow("there are no parameters");
  const value = builder.state("w", [2, 2]);
  const gradient = builder.input("g", [4]);
  expect(() => applyOptimizer(builder, sgd(), [{ name: "w", value, gradient }], { lr })).toThrow(
    'the gradient of "w" is [4], the parameter [2, 2]',
  );
});

describe("options out of range are refused", () => {
  test.each<[object, string]>([
    [{ lr: -1 }, "adam: lr -1: expected a number of at least 0."],
    [{ beta1: 1 }, "adam: beta1 1: expected at least 0 and below 1."],
    [{ eps: 0 }, "adam: eps 0: expected a number above 0."],
    [{ amsgrad: 1 }, "adam: amsgrad 1: expected true or false."],
    [{ form: "tf" }, "adam: form tf: expected paper, torch, keras."],
    [{ beta3: 0.5 }, 'adam: unknown option "beta3". Did you mean "beta1"? It takes lr,'],
    [{ lr: Number.NaN }, "adam: lr NaN"],
  ])("%o", (options, message) => {
    expect(() => adam(options)).toThrow(message);
  });
});

describe("averaged weights", () => {
  async function averages(options: object, values: readonly number[]): Promise<number[]> {
    const builder = new GraphBuilder();
    averageWeights(builder, [{ name: "w", value: builder.input("w", [1]) }], options);
    const session = await reference().open();
    const program = await session.compile(builder.finish());
    const seen: number[] = [];
    for (const value of values) {
      await program.run({ w: Float32Array.of(value) });
      seen.push((await session.read("average.w"))[0]!);
    }
    return seen;
  }

  test("the first step copies, the others mix", async () => {
    close(await averages({ decay: 0.5, ramp: false }, [4, 8, 0]), [4, 6, 3]);
  });

  test("with a ramp the average forgets its beginning", async () => {
    close(await averages({ decay: 0.15 }, [4, 8, 0]), [4, 0.1 * 4 + 0.9 * 8, 0.15 * 7.6]);
  });

  test("a decay of 1 would keep the first weights for ever", async () => {
    await expect(averages({ decay: 1 }, [1])).rejects.toThrow("decay 1");
  });
});
