import { describe, expect, test } from "vitest";
import { GraphBuilder } from "../../graph/builder.ts";
import type { Graph } from "../../graph/graph.ts";
import { add, multiply } from "../../graph/ops/binary.ts";
import { conv2d } from "../../graph/ops/conv2d.ts";
import { matmul } from "../../graph/ops/matmul.ts";
import { maxPool2d } from "../../graph/ops/maxPool2d.ts";
import { reduceSum } from "../../graph/ops/reduce.ts";
import { flatten, reshape } from "../../graph/ops/reshape.ts";
import { logSoftmax } from "../../graph/ops/softmax.ts";
import { relu } from "../../graph/ops/unary.ts";
import type { Backend, Session } from "../../plan/backend.ts";
import { reference } from "../reference/backend.ts";
import { wasm } from "./backend.ts";
import { control, dealItems } from "./linker.ts";

const backends: readonly [string, () => Backend][] = [
  ["reference", () => reference()],
  ["wasm, 1 thread", () => wasm({ threads: 1 })],
  ["wasm, 3 threads", () => wasm({ threads: 3 })],
];

async function withSession<T>(backend: Backend, use: (session: Session) => Promise<T>): Promise<T> {
  const session = await backend.open();
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}

function wave(count: number, frequency = 1): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(frequency * (i + 1)));
}

function smallNet(batch: number): Graph {
  const builder = new GraphBuilder();
  const x = builder.input("x", [batch, 3, 9, 9]);
  const weight = builder.state("conv.weight", [5, 3, 3, 3]);
  const bias = builder.state("conv.bias", [5]);
  const head = builder.state("head.weight", [7, 5 * 81]);
  const features = relu(conv2d(x, weight, { padding: 1, bias }));
  const logits = matmul(flatten(features), head, { transposeB: true });
  builder.output("logits", logSoftmax(logits));
  return builder.finish();
}

async function runSmallNet(session: Session, batch: number): Promise<Float32Array> {
  const program = await session.compile(smallNet(batch));
  await session.write("conv.weight", wave(135, 0.7));
  await session.write("conv.bias", wave(5, 2));
  await session.write("head.weight", wave(7 * 405, 0.3));
  const { logits } = await program.run({ x: wave(batch * 243, 0.1) });
  return logits as Float32Array;
}

test("a small net gives the reference's numbers, the same bits on any number of threads", async () => {
  const expected = await withSession(reference(), (session) => runSmallNet(session, 3));
  const results: Float32Array[] = [];
  for (const threads of [1, 2, 3, 4]) {
    results.push(await withSession(wasm({ threads }), (session) => runSmallNet(session, 3)));
  }
  for (const result of results) expect(result).toEqual(results[0]);
  results[0]!.forEach((value, i) => {
    expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-4);
  });
});

test("threads that claim parts of launches compute every element exactly once, step after step", async () => {
  // More launches without a barrier between them than there are counters of claims; the last are dealt out whole.
  const sizes = Array.from({ length: control.claims + 4 }, (_, i) => 1 + 37_501 * i);
  const builder = new GraphBuilder();
  sizes.forEach((size, i) => {
    const counter = builder.state(`counter${i}`, [size]);
    builder.update(counter, add(counter, 1));
  });
  const graph = builder.finish();
  for (const threads of [2, 3, 4]) {
    await withSession(wasm({ threads }), async (session) => {
      const program = await session.compile(graph);
      for (let step = 0; step < 5; step++) await program.run({});
      for (const [i, size] of sizes.entries()) {
        const counted = await session.read(`counter${i}`);
        expect(counted.filter((value) => value === 5)).toHaveLength(size);
      }
    });
  }
});

test.each([
  [1, 2],
  [3, 2],
  [100, 2],
  [7, 64],
  [1000, 1],
])("%i items for %i threads are dealt out or claimed, the most of them dealt", (items, threads) => {
  const { dealt, part } = dealItems(items, threads);
  expect(dealt).toBeGreaterThanOrEqual(items * 0.75);
  expect(dealt).toBeLessThanOrEqual(items);
  const parts = dealt === items ? 0 : Math.ceil((items - dealt) / part);
  expect(parts).toBeLessThanOrEqual(4 * threads);
});

test.each(backends)("%s: programs of one session share states", async (_, backend) => {
  await withSession(backend(), async (session) => {
    const first = new GraphBuilder();
    const counter = first.state("counter", [2], { initial: 5 });
    first.update(counter, add(counter, first.input("step", [])));
    const increment = await session.compile(first.finish());
    const second = new GraphBuilder();
    second.output("double", multiply(second.state("counter", [2]), 2));
    const read = await session.compile(second.finish());
    expect([...(await read.run({})).double!]).toEqual([10, 10]);
    await increment.run({ step: Float32Array.of(3) });
    expect([...(await read.run({})).double!]).toEqual([16, 16]);
    await session.write("counter", Float32Array.of(1, 2));
    expect([...(await read.run({})).double!]).toEqual([2, 4]);
    await increment.run({ step: Float32Array.of(1) });
    expect([...(await session.read("counter"))]).toEqual([2, 3]);
    expect(session.states).toEqual(["counter"]);
  });
});

test.each(backends)("%s: updates take place together, after every read", async (_, backend) => {
  await withSession(backend(), async (session) => {
    const builder = new GraphBuilder();
    const a = builder.state("a", [3], { initial: 1 });
    const b = builder.state("b", [3], { initial: 2 });
    const c = builder.state("c", [3], { initial: 3 });
    builder.output("before", a);
    builder.output("sum", add(a, b));
    builder.update(a, b);
    builder.update(b, a);
    builder.update(c, add(add(a, b), c));
    const program = await session.compile(builder.finish());
    const result = await program.run({});
    expect([...result.before!]).toEqual([1, 1, 1]);
    expect([...result.sum!]).toEqual([3, 3, 3]);
    expect([...(await session.read("a"))]).toEqual([2, 2, 2]);
    expect([...(await session.read("b"))]).toEqual([1, 1, 1]);
    expect([...(await session.read("c"))]).toEqual([6, 6, 6]);
  });
});

test.each(backends)("%s: images keep their logical order at the border", async (_, backend) => {
  await withSession(backend(), async (session) => {
    const builder = new GraphBuilder();
    const x = builder.input("x", [2, 3, 2, 2]);
    builder.output("same", multiply(x, 1));
    builder.output("rows", reshape(multiply(x, 1), [2, 12]));
    builder.output("sums", reduceSum(x, { axes: [1] }));
    const program = await session.compile(builder.finish());
    const x24 = Float32Array.from({ length: 24 }, (_, i) => i);
    const { same, rows, sums } = await program.run({ x: x24 });
    expect(same).toEqual(x24);
    expect(rows).toEqual(x24);
    expect([...sums!]).toEqual([12, 15, 18, 21, 48, 51, 54, 57]);
  });
});

test.each(backends)(
  "%s: wrong feeds and states are refused with their sizes",
  async (_, backend) => {
    await withSession(backend(), async (session) => {
      const builder = new GraphBuilder();
      const x = builder.input("x", [2, 3]);
      builder.output("y", add(x, builder.state("bias", [3])));
      const program = await session.compile(builder.finish());
      await expect(program.run({})).rejects.toThrow('input "x" [2, 3] was not fed');
      await expect(program.run({ x: new Float32Array(5) })).rejects.toThrow(
        'input "x" has shape [2, 3], 6 elements; 5 were fed',
      );
      await expect(program.run({ x: new Int32Array(6) })).rejects.toThrow(
        'input "x" is float32; an Int32Array was fed',
      );
      await expect(session.write("bias", new Float32Array(2))).rejects.toThrow("3 elements; 2");
      await expect(session.read("scale")).rejects.toThrow('no state "scale"');
      const other = new GraphBuilder();
      other.output("y", other.state("bias", [4]));
      await expect(session.compile(other.finish())).rejects.toThrow("[3] in this session and [4]");
      const { y } = await program.run({ x: new Float32Array(6) });
      expect(y).toEqual(new Float32Array(6));
    });
  },
);

test.each(backends)("%s: max pooling as the lecture draws it", async (_, backend) => {
  await withSession(backend(), async (session) => {
    const builder = new GraphBuilder();
    builder.output("y", maxPool2d(builder.input("x", [1, 1, 4, 4]), { kernel: 2 }));
    const program = await session.compile(builder.finish());
    const x = Float32Array.of(1, 1, 2, 4, 5, 6, 7, 8, 3, 2, 1, 0, 1, 2, 3, 4);
    expect([...(await program.run({ x })).y!]).toEqual([6, 8, 3, 4]);
  });
});

describe.each(backends)("a state that is reset, on %s", (_, backend) => {
  test("has its first contents again, whether it was written, updated or neither", async () => {
    const builder = new GraphBuilder();
    const counter = builder.state("counter", [5], { initial: 3 });
    const slot = builder.state("slot", [2, 3, 4, 5]);
    builder.update(counter, add(counter, 1));
    builder.output("doubled", multiply(counter, 2));
    builder.update(slot, add(slot, 1));
    await withSession(backend(), async (session) => {
      const program = await session.compile(builder.finish());
      await session.reset("counter");
      expect(await session.read("counter")).toEqual(new Float32Array(5).fill(3));
      expect(await session.read("slot")).toEqual(new Float32Array(120));
      await program.run({});
      await session.write("counter", wave(5));
      expect(await session.read("slot")).toEqual(new Float32Array(120).fill(1));
      for (const name of ["counter", "slot"]) await session.reset(name);
      expect(await session.read("slot")).toEqual(new Float32Array(120));
      const { doubled } = await program.run({});
      expect(doubled).toEqual(new Float32Array(5).fill(6));
      await expect(session.reset("counters")).rejects.toThrow(/no state "counters"/);
    });
  });
});

test("a closed session says so", async () => {
  for (const [, backend] of backends) {
    const session = await backend().open();
    await session.close();
    await expect(session.read("x")).rejects.toThrow("closed");
  }
});

test("threads out of range are refused", () => {
  for (const threads of [0, 65, 1.5, Number.NaN]) {
    expect(() => wasm({ threads })).toThrow("an integer from 1 to 64");
  }
});

test("Winograd's method can be switched off, for results nearer to exact ones", async () => {
  const shape = [2, 64, 24, 24] as const;
  const builder = new GraphBuilder();
  const weight = builder.state("weight", [64, 64, 3, 3]);
  builder.output("y", conv2d(builder.input("x", shape), weight, { padding: 1 }));
  const graph = builder.finish();
  const x = wave(2 * 64 * 24 * 24);
  const answer = (backend: Backend) =>
    withSession(backend, async (session) => {
      const program = await session.compile(graph);
      await session.write("weight", wave(64 * 64 * 9, 0.7));
      return (await program.run({ x })).y!;
    });
  const exact = await answer(reference());
  const error = (y: ArrayLike<number>) => {
    let sum = 0;
    for (let i = 0; i < exact.length; i++) sum += (y[i]! - exact[i]!) ** 2;
    return Math.sqrt(sum);
  };
  const fast = error(await answer(wasm({ threads: 2 })));
  const plain = error(await answer(wasm({ threads: 2, winograd: "off" })));
  expect(plain).toBeGreaterThan(0);
  expect(plain).toBeLessThan(fast / 2);
  expect(wasm({ winograd: "off" }).description).toContain("without Winograd");
  expect(() => wasm({ winograd: "on" as "off" })).toThrow('expected "auto" or "off"');
});

test("a profile times every launch beside the peak", async () => {
  await withSession(wasm({ threads: 2 }), async (session) => {
    const builder = new GraphBuilder();
    const weight = builder.state("weight", [64, 32, 3, 3], { initial: 0.01 });
    builder.output("y", conv2d(builder.input("x", [4, 32, 12, 12]), weight, { padding: 1 }));
    const program = await session.compile(builder.finish(), { profile: true });
    const x = new Float32Array(4 * 32 * 12 * 12).fill(1);
    const { y } = await program.run({ x });
    const { launches, peakGflops } = await program.profile!({ x }, 3);
    expect(peakGflops).toBeGreaterThan(1);
    const product = launches.find(({ flops }) => flops === 2 * 4 * 144 * 64 * 32 * 9)!;
    expect(product.label).toContain("conv2d");
    for (const { timeMs } of launches) expect(timeMs).toBeGreaterThanOrEqual(0);
    // Profiling leaves the program as it was.
    expect((await program.run({ x })).y).toEqual(y);
  });
});
