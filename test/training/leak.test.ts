import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { gradients } from "../../src/autodiff/backward.ts";
import { wasm } from "../../src/backends/wasm/backend.ts";
import { GraphBuilder } from "../../src/graph/builder.ts";
import { buildNet, initialize } from "../../src/layers/layer.ts";
import { crossEntropy } from "../../src/losses/crossEntropy.ts";
import { adam } from "../../src/optim/adam.ts";
import { applyOptimizer } from "../../src/optim/applyOptimizer.ts";
import { lenet } from "./lenet.ts";

test("10,000 training steps leave nothing behind on the heap", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const builder = new GraphBuilder();
  const x = builder.input("x", [1, 1, 28, 28]);
  const target = builder.input("target", [1], "int32");
  const net = buildNet(lenet(), { builder, input: x, training: true });
  const loss = crossEntropy(net.output, target);
  const slopes = gradients(
    loss,
    net.parameters.map(({ value }) => value),
  );
  applyOptimizer(
    builder,
    adam({ lr: 1e-4 }),
    net.parameters.map(({ name, value }, i) => ({ name, value, gradient: slopes[i]! })),
    { lr: builder.input("lr", []) },
  );
  builder.output("loss", loss);

  const session = await wasm({ threads: 2 }).open();
  const program = await session.compile(builder.finish());
  for (const [name, numbers] of Object.entries(initialize(net.parameters, 1))) {
    await session.write(name, numbers);
  }
  const feeds = {
    x: new Float32Array(784).fill(0.5),
    target: Int32Array.of(3),
    lr: Float32Array.of(1e-4),
  };
  const heapAfter = async (steps: number): Promise<number> => {
    for (let step = 0; step < steps; step++) await program.run(feeds);
    collect();
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = await heapAfter(1000);
  const after = await heapAfter(10_000);
  await session.close();
  // What the runtime itself keeps (compiled code, feedback) moves by some kilobytes; a leak of one small
  // object a step would be some hundred.
  expect(after - before).toBeLessThan(100_000);
}, 120_000);
