import { expect, test } from "vitest";
import { GraphBuilder, type Value } from "../../graph/builder.ts";
import { concat } from "../../graph/ops/concat.ts";
import { conv2d } from "../../graph/ops/conv2d.ts";
import { maxPool2d } from "../../graph/ops/maxPool2d.ts";
import { relu } from "../../graph/ops/unary.ts";
import type { Backend, Fetches } from "../../plan/backend.ts";
import { reference } from "../reference/backend.ts";
import { wasm } from "./backend.ts";

/** Batch and channels of the input, its sides, and the parts that are joined. */
const [batch, channels, side] = [2, 8, 14];

/** Name, filters, kernel and groups of each convolution; the sizes are such that the third is computed by Winograd's method. */
const convolutions = [
  ["pointwise", 20, 1, 1],
  ["grouped", 6, 3, 2],
  ["winograd", 64, 3, 1],
  ["seen twice", 5, 1, 1],
] as const;

/** Parts side by side, with `more` of them, and another convolution behind. `fetched`: every part is a result, too. */
function joined(fetched: boolean, more: (x: Value) => readonly Value[] = () => []) {
  const builder = new GraphBuilder();
  const x = builder.input("x", [batch, channels, side, side]);
  const parts = convolutions.map(([name, filters, kernel, groups]) => {
    const weight = builder.state(name, [filters, channels / groups, kernel, kernel]);
    const bias = builder.state(`${name}.bias`, [filters]);
    return relu(conv2d(x, weight, { padding: (kernel - 1) / 2, groups, bias }));
  });
  const whole = concat([...parts, ...more(x)], 1);
  builder.output("whole", whole);
  builder.output("twice", parts.at(-1)!);
  const last = builder.state("last", [3, whole.shape[1]!, 3, 3]);
  builder.output("behind", conv2d(whole, last, { padding: 1 }));
  if (fetched) for (const [i, part] of parts.entries()) builder.output(`part ${i}`, part);
  return builder.finish();
}

function wave(count: number, frequency: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(frequency * (i + 1)));
}

async function run(
  backend: Backend,
  graph: ReturnType<typeof joined>,
): Promise<{ fetches: Fetches; labels: readonly string[] }> {
  const session = await backend.open();
  try {
    const program = await session.compile(graph, { profile: true });
    for (const [i, name] of session.states.entries()) {
      const { length } = await session.read(name);
      await session.write(name, wave(length, 0.3 + 0.1 * i));
    }
    const feeds = { x: wave(batch * channels * side * side, 0.7) };
    const fetches = await program.run(feeds);
    const profile = await program.profile?.(feeds, 1);
    return { fetches, labels: (profile?.launches ?? []).map(({ label }) => label) };
  } finally {
    await session.close();
  }
}

const pooled = (x: Value) => [maxPool2d(x, { kernel: 3, stride: 1, padding: 1 })];

test.each([
  ["with a part that is copied", pooled],
  ["of convolutions alone", undefined],
])(
  "parts %s: the numbers of parts with memory of their own, on any number of threads",
  async (_, more) => {
    const expected = await run(reference(), joined(false, more));
    const apart = await run(wasm({ threads: 1 }), joined(true, more));
    for (const threads of [1, 3]) {
      const { fetches } = await run(wasm({ threads }), joined(false, more));
      for (const [name, numbers] of Object.entries(fetches)) {
        expect(numbers).toEqual(apart.fetches[name]);
        numbers.forEach((value, i) => {
          expect(Math.abs(value - expected.fetches[name]![i]!)).toBeLessThan(1e-4);
        });
      }
    }
  },
);

test("nothing is copied where all parts are written in place", async () => {
  const builder = new GraphBuilder();
  const x = builder.input("x", [batch, channels, side, side]);
  const parts = ["a", "b"].map((name) =>
    relu(conv2d(x, builder.state(name, [4, channels, 1, 1]), { padding: 0 })),
  );
  builder.output("whole", concat(parts, 1));
  const { labels } = await run(wasm({ threads: 1 }), builder.finish());
  expect(labels).toHaveLength(2);
  expect(labels.every((label) => label.startsWith("conv2d"))).toBe(true);
});
