import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { reference } from "../backends/reference/backend.ts";
import { wasm } from "../backends/wasm/backend.ts";
import { GraphBuilder } from "../graph/builder.ts";
import { subtract } from "../graph/ops/binary.ts";
import { matmul } from "../graph/ops/matmul.ts";
import { reshape } from "../graph/ops/reshape.ts";
import type { Backend } from "../plan/backend.ts";
import { applyOptimizer, gradientPoint, optimizers } from "./index.ts";

/** Recorded by test/golden/optim/make.py. */
interface Golden {
  readonly problem: {
    readonly A: readonly (readonly number[])[];
    readonly b: readonly number[];
    readonly lrFactors: readonly number[];
  };
  readonly cases: readonly {
    readonly optimizer: keyof typeof optimizers;
    readonly options: object;
    readonly from: string;
    readonly trajectory: readonly (readonly number[])[];
  }[];
}

const golden = JSON.parse(
  readFileSync(new URL("../../test/golden/optim/trajectories.json", import.meta.url), "utf8"),
) as Golden;

/** Weights are read as float32; on `wasm` the twelve steps are computed in it too. */
const tolerance = { reference: 3e-7, wasm: 1e-5, webgpu: 1e-5 } as const;

async function largestError(
  backend: Backend,
  { optimizer: name, options, trajectory }: Golden["cases"][number],
): Promise<number> {
  const { A, b, lrFactors } = golden.problem;
  const optimizer = optimizers[name](options);
  const builder = new GraphBuilder();
  const x = builder.state("x", [3]);
  const point = gradientPoint(builder, optimizer, { name: "x", value: x });
  const product = matmul(
    builder.constant(Float32Array.from(A.flat()), [3, 3]),
    reshape(point, [3, 1]),
  );
  const gradient = subtract(reshape(product, [3]), builder.constant(Float32Array.from(b), [3]));
  const lr = builder.input("lr", []);
  applyOptimizer(builder, optimizer, [{ name: "x", value: x, gradient }], { lr });
  const session = await backend.open();
  const program = await session.compile(builder.finish());
  await session.write("x", Float32Array.from(trajectory[0]!));
  let worst = 0;
  for (const [step, factor] of lrFactors.entries()) {
    await program.run({ lr: Float32Array.of(optimizer.options.lr * factor) });
    const reached = await session.read("x");
    trajectory[step + 1]!.forEach((expected, i) => {
      worst = Math.max(worst, Math.abs(reached[i]! - expected));
    });
  }
  await session.close();
  return worst;
}

describe.each([reference(), wasm({ threads: 1 })])("on $name", (backend) => {
  test.each(golden.cases)("$optimizer $options follows $from", async (row) => {
    expect(await largestError(backend, row)).toBeLessThan(tolerance[backend.name]);
  });
});

test("every optimiser has a recorded trajectory", () => {
  const covered = new Set(golden.cases.map((row) => row.optimizer));
  expect([...covered].sort()).toEqual(Object.keys(optimizers).sort());
});
