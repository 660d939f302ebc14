import { describe, expect, it } from "vitest";
import { gradients } from "../../src/autodiff/backward.ts";
import { reference } from "../../src/backends/reference/backend.ts";
import { wasm } from "../../src/backends/wasm/backend.ts";
import { RandomStream } from "../../src/core/random.ts";
import { elementCount } from "../../src/core/shape.ts";
import { GraphBuilder, type Value } from "../../src/graph/builder.ts";
import { add, multiply, subtract } from "../../src/graph/ops/binary.ts";
import { randomKeyInput } from "../../src/graph/ops/random.ts";
import { buildNet } from "../../src/layers/layer.ts";
import { crossEntropy } from "../../src/losses/crossEntropy.ts";
import { rbfLoss } from "../../src/losses/rbfLoss.ts";
import type { Net } from "../../src/models/index.ts";
import type { Program, Session } from "../../src/plan/backend.ts";
import { everyTestNet } from "./build.ts";
import { livelyWeights } from "./livelyWeights.ts";

const batch = 6;

/** Images whose class shows in their brightness, so that any net can learn them. */
function samples(net: Net): { x: Float32Array; target: Int32Array } {
  const stream = new RandomStream(5, `samples for ${net.name}`);
  const size = elementCount(net.input);
  const target = Int32Array.from({ length: batch }, (_, i) => i % net.classes);
  const x = Float32Array.from(
    { length: batch * size },
    (_, i) => target[Math.floor(i / size)]! - 1 + 0.5 * stream.normal(),
  );
  return { x, target };
}

function lossOf(net: Net, output: Value, target: Value): Value {
  return net.loss === "rbfLoss" ? rbfLoss(output, target) : crossEntropy(output, target);
}

/** A step of plain gradient descent that returns its loss. */
async function compileStep(net: Net, session: Session, rate: number) {
  const builder = new GraphBuilder();
  const input = builder.input("x", [batch, ...net.input]);
  const target = builder.input("target", [batch], "int32");
  const built = buildNet(net.layer, { builder, input, training: true });
  let loss = lossOf(net, built.output, target);
  for (const { value, weight } of built.auxiliary) {
    loss = add(loss, multiply(lossOf(net, value, target), weight));
  }
  const trained = built.parameters.filter(({ kind }) => kind === "parameter");
  const slopes = gradients(
    loss,
    trained.map(({ value }) => value),
  );
  trained.forEach(({ value }, i) => {
    builder.update(value, subtract(value, multiply(slopes[i]!, rate)));
  });
  builder.output("loss", loss);
  return { program: await session.compile(builder.finish()), built };
}

async function compileEvaluation(net: Net, session: Session): Promise<Program> {
  const builder = new GraphBuilder();
  const input = builder.input("x", [batch, ...net.input]);
  builder.output("y", buildNet(net.layer, { builder, input, training: false }).output);
  return session.compile(builder.finish());
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
}

/** Rates at which these nets learn; squared distances are large. */
const rateOf = (net: Net) => (net.loss === "rbfLoss" ? 1e-3 : 0.02);

describe("every net of the catalogue, in small", () => {
  const backend = wasm({ threads: 1 });

  it.each(everyTestNet().map((net) => [net.name, net.variant, net] as const))(
    "%s, variant %s, trains, and gives the same after saving and loading",
    async (_, __, net) => {
      const session = await backend.open();
      const again = await backend.open();
      try {
        const { x, target } = samples(net);
        const { program, built } = await compileStep(net, session, rateOf(net));
        const first = new Map(built.parameters.map((p) => [p.name, livelyWeights(p)]));
        for (const [name, numbers] of first) await session.write(name, numbers);
        const losses: number[] = [];
        for (let step = 0; step < 12; step++) {
          const key = Int32Array.of(step, 1);
          const { loss } = await program.run({ x, target, [randomKeyInput]: key });
          losses.push(loss![0]!);
        }
        expect(losses.every(Number.isFinite)).toBe(true);
        expect(Math.min(...losses.slice(6))).toBeLessThan(losses[0]!);
        for (const { name, kind } of built.parameters) {
          // A bias with a normalisation behind it has no effect, so it rests.
          if (kind === "buffer" || name.endsWith("bias")) continue;
          const difference = largestDifference(await session.read(name), first.get(name)!);
          expect(difference, `${name} does not learn`).toBeGreaterThan(0);
        }

        const evaluation = await compileEvaluation(net, session);
        const { y } = await evaluation.run({ x });
        const loaded = await compileEvaluation(net, again);
        for (const name of again.states) await again.write(name, await session.read(name));
        expect((await loaded.run({ x })).y).toEqual(y);

        const slow = await reference().open();
        const definition = await compileEvaluation(net, slow);
        for (const name of slow.states) await slow.write(name, await session.read(name));
        const exact = (await definition.run({ x })).y!;
        const scale = Math.max(1, ...Array.from(exact, Math.abs));
        expect(largestDifference(y!, exact)).toBeLessThan(1e-4 * scale);
      } finally {
        await session.close();
        await again.close();
      }
    },
    20_000,
  );
});
