import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { gradients } from "../../src/autodiff/backward.ts";
import { reference } from "../../src/backends/reference/backend.ts";
import { GraphBuilder } from "../../src/graph/builder.ts";
import { multiply } from "../../src/graph/ops/binary.ts";
import { reduceSum } from "../../src/graph/ops/reduce.ts";
import { stopGradient, type UnaryName, unary } from "../../src/graph/ops/unary.ts";
import { testedBackends } from "./backends.ts";
import { type OpCase, uniform } from "./opCase.ts";
import { holes, operatorTable } from "./operatorTable.ts";
import { slopes } from "./runCase.ts";

test("every operation has cases that use it and check its gradient", () => {
  expect(holes()).toEqual([]);
});

test("docs/operators.md is up to date (node scripts/run.mjs scripts/operators.ts)", () => {
  const page = readFileSync(new URL("../../docs/operators.md", import.meta.url), "utf8");
  expect(page).toBe(operatorTable(testedBackends()));
});

test("a wrong gradient is noticed", async () => {
  const session = await reference().open();
  const wrong: OpCase = {
    name: "half of a square's slope",
    inputs: uniform([3]),
    build: ([x]) => multiply(x!, stopGradient(x!)),
  };
  for (const { gradient, difference } of await slopes(session, wrong, 1)) {
    expect(difference / gradient).toBeCloseTo(2, 5);
  }
});

/** Slopes at the corners themselves, where differences say nothing: those of PyTorch. */
const corners: Partial<Record<UnaryName, Readonly<Record<number, number>>>> = {
  relu: { 0: 0 },
  relu6: { 0: 0, 6: 0 },
  leakyRelu: { 0: 0.01 },
  elu: { 0: 1 },
  selu: { 0: 1.6732632423543772 * 1.0507009873554805 },
  hardSwish: { [-3]: -0.5, 3: 1 },
  hardSigmoid: { [-3]: 0, 3: 0 },
  thresholdedRelu: { 1: 0 },
  absolute: { 0: 0 },
};

describe.each(testedBackends())("slopes at corners on $name", (backend) => {
  test.each(Object.entries(corners))("%s", async (name, expected) => {
    const points = Object.keys(expected).map(Number);
    const builder = new GraphBuilder();
    const x = builder.input("x", [points.length]);
    const target = reduceSum(unary(x, name as UnaryName));
    builder.output("slope", gradients(target, [x])[0]!);
    const session = await backend.open();
    const program = await session.compile(builder.finish());
    const { slope } = await program.run({ x: Float32Array.from(points) });
    await session.close();
    points.forEach((point, i) => {
      expect(slope![i], `at ${point}`).toBeCloseTo(expected[point]!, 6);
    });
  });
});
