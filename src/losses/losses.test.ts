import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { gradients } from "../autodiff/backward.ts";
import { reference } from "../backends/reference/backend.ts";
import { wasm } from "../backends/wasm/backend.ts";
import type { TensorData } from "../core/dtype.ts";
import { GraphBuilder, type Value } from "../graph/builder.ts";
import { reduceSum } from "../graph/ops/reduce.ts";
import { crossEntropy } from "./crossEntropy.ts";
import { type LossName, losses, multiclassHinge, rbfLoss } from "./index.ts";
import { klDiv } from "./klDiv.ts";
import { mse, smoothL1 } from "./regression.ts";

/** Recorded by test/golden/losses/make.py. */
const golden = JSON.parse(
  readFileSync(new URL("../../test/golden/losses/losses.json", import.meta.url), "utf8"),
) as readonly {
  readonly loss: LossName;
  readonly options: object;
  readonly x: { readonly shape: number[]; readonly data: number[] };
  readonly target: { readonly shape: number[]; readonly data: number[]; readonly integer: boolean };
  readonly value: readonly number[];
  readonly gradient: readonly number[];
}[];

type Loss = (x: Value, target: Value, options: object) => Value;

/** Values and the slope of their sum. */
async function evaluate(
  make: (x: Value, target: Value) => Value,
  x: { readonly shape: readonly number[]; readonly data: readonly number[] },
  target: { readonly shape: readonly number[]; readonly data: TensorData },
  backend = reference(),
) {
  const builder = new GraphBuilder();
  const dtype = target.data instanceof Int32Array ? "int32" : "float32";
  const at = builder.input("x", x.shape);
  const value = make(at, builder.input("target", target.shape, dtype));
  builder.output("value", value);
  builder.output("gradient", gradients(reduceSum(value), [at])[0]!);
  const session = await backend.open();
  const program = await session.compile(builder.finish());
  const fetches = await program.run({ x: Float32Array.from(x.data), target: target.data });
  await session.close();
  return { value: [...fetches.value!], gradient: [...fetches.gradient!] };
}

describe.each([reference(), wasm({ threads: 1 })])("on $name", (backend) => {
  const digits = backend.name === "reference" ? 6 : 5;
  test.each(golden)("$loss $options", async (row) => {
    const loss = losses[row.loss].loss as Loss;
    const data = row.target.integer
      ? Int32Array.from(row.target.data)
      : Float32Array.from(row.target.data);
    const { value, gradient } = await evaluate(
      (x, target) => loss(x, target, row.options),
      row.x,
      { shape: row.target.shape, data },
      backend,
    );
    expect(value).toHaveLength(row.value.length);
    value.forEach((number, i) => {
      expect(number).toBeCloseTo(row.value[i]!, digits);
    });
    gradient.forEach((number, i) => {
      expect(number).toBeCloseTo(row.gradient[i]!, digits);
    });
  });
});

test("every loss has recorded numbers", () => {
  expect([...new Set(golden.map(({ loss }) => loss))].sort()).toEqual(Object.keys(losses).sort());
});

const rows = { shape: [2, 3], data: [1, 2, 3, 4, 5, 6] };
const classes = (...data: number[]) => ({ shape: [data.length], data: Int32Array.from(data) });

describe("classes that do not exist", () => {
  test.each<[string, (x: Value, t: Value) => Value]>([
    ["crossEntropy", (x, t) => crossEntropy(x, t, { reduction: "none" })],
    ["multiclassHinge", (x, t) => multiclassHinge(x, t, { reduction: "none" })],
    ["rbfLoss", (x, t) => rbfLoss(x, t, { reduction: "none" })],
  ])("make %s NaN, for that example alone", async (_, loss) => {
    const { value } = await evaluate(loss, rows, classes(3, 0));
    expect(value[0]).toBeNaN();
    expect(value[1]).toBeGreaterThan(0);
    expect((await evaluate(loss, rows, classes(-1, 0))).value[0]).toBeNaN();
  });
});

test("ignored examples count nowhere; where all are ignored there is no mean", async () => {
  const mean = (x: Value, t: Value) => crossEntropy(x, t);
  const one = await evaluate(mean, { shape: [1, 3], data: [1, 2, 3] }, classes(1));
  const withIgnored = await evaluate(mean, rows, classes(1, -100));
  expect(withIgnored.value).toEqual(one.value);
  expect(withIgnored.gradient.slice(3).map(Math.abs)).toEqual([0, 0, 0]);
  expect((await evaluate(mean, rows, classes(-100, -100))).value[0]).toBeNaN();
});

test("logits of any size have a finite loss", async () => {
  const x = { shape: [2, 3], data: [1e4, -1e4, 0, -3e38, 3e38, 0] };
  const { value, gradient } = await evaluate((a, t) => crossEntropy(a, t), x, classes(0, 1));
  expect(value[0]).toBe(0);
  expect(gradient.every(Number.isFinite)).toBe(true);
});

test("a class that is masked out by minus infinity takes no part", async () => {
  const x = { shape: [1, 3], data: [1, Number.NEGATIVE_INFINITY, 1] };
  const { value, gradient } = await evaluate((a, t) => crossEntropy(a, t), x, classes(0));
  expect(value[0]).toBeCloseTo(Math.LN2, 6);
  expect(gradient).toEqual([-0.5, 0, 0.5]);
});

test("a target probability of 0 costs nothing in the divergence", async () => {
  const target = { shape: [2, 3], data: Float32Array.of(0, 0, 1, 0, 0.5, 0.5) };
  const { value } = await evaluate((x, t) => klDiv(x, t, { reduction: "sum" }), rows, target);
  expect(value[0]).toBeCloseTo(-3 - (5 + 6) / 2 + Math.log(0.5), 5);
});

describe("what does not fit is refused", () => {
  const builder = new GraphBuilder();
  const x = builder.input("x", [2, 3]);
  const t = builder.input("t", [2], "int32");
  const q = builder.input("q", [2, 3]);
  test.each<[() => Value, string]>([
    [() => crossEntropy(x, builder.input("t3", [3], "int32")), "scores [2, 3] are [N, K, …]"],
    [() => crossEntropy(x, builder.input("q2", [2, 2])), "target probabilities [2, 2]"],
    [() => crossEntropy(x, q, { ignoreIndex: 1 }), "ignoreIndex 1 is for integer targets"],
    [() => crossEntropy(x, t, { labelSmoothing: 1.5 }), "labelSmoothing 1.5: expected 0 to 1"],
    [
      () => crossEntropy(x, t, { classWeights: [1, 2] }),
      "classWeights [2]; the scores [2, 3] have 3",
    ],
    [() => crossEntropy(x, t, { classWeights: [1, -1, 0] }), "every weight must be 0 or more"],
    [
      () => crossEntropy(x, t, { reduction: "average" as never }),
      'reduction "average"; expected one',
    ],
    [() => crossEntropy(builder.input("x1", [3]), t), "logits [3]; expected [N, K, …]"],
    [() => multiclassHinge(x, q), "class targets must be int32, got float32[2, 3]"],
    [() => multiclassHinge(x, t, { margin: 0 }), "margin 0: expected a positive number"],
    [() => multiclassHinge(x, t, { power: 3 as never }), "power 3: expected 1 or 2"],
    [() => multiclassHinge(x, t, { form: "svm" as never }), 'form "svm"; expected westonWatkins'],
    [() => rbfLoss(x, t, { rubbishPenalty: 0 }), "rubbishPenalty 0"],
    [
      () => mse(x, builder.input("y", [3, 2])),
      "input [2, 3] and target [3, 2] must have one shape",
    ],
    [() => smoothL1(x, q, { beta: 0 }), "beta 0: expected a positive number"],
  ])("%o", (make, message) => {
    expect(make).toThrow(message);
  });
});
