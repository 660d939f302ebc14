/**
 * Runs plans of random operations with V8's 256-bit operations off and on, and compares every bit.
 * The option is experimental: code that it cannot join may end the process, so this is a script of
 * its own. Prints each case before it runs; the last line is the number of cases.
 *
 * node --no-liftoff --no-wasm-inlining test/wasm/wideFuzz.ts <cases> [seed]
 */
import { setFlagsFromString } from "node:v8";
import type { KernelPlan } from "../../src/backends/wasm/kernelPlan.ts";
import { planAxisMap } from "../../src/backends/wasm/kernels/axisMap.ts";
import { planElementwise } from "../../src/backends/wasm/kernels/elementwise.ts";
import { planMaxPool2d } from "../../src/backends/wasm/kernels/maxPool2d.ts";
import { planMaxUnpool2d } from "../../src/backends/wasm/kernels/maxUnpool2d.ts";
import { planMoments } from "../../src/backends/wasm/kernels/moments.ts";
import { planRandom } from "../../src/backends/wasm/kernels/random.ts";
import {
  planConcat,
  planPad,
  planReshape,
  planSlice,
  planTranspose,
} from "../../src/backends/wasm/kernels/rearrange.ts";
import { planReduce } from "../../src/backends/wasm/kernels/reduce.ts";
import { RandomStream } from "../../src/core/random.ts";
import { elementCount, type Shape } from "../../src/core/shape.ts";
import {
  call,
  constant,
  type Expression,
  formatExpression,
  input,
  type ScalarFunction,
  scalarFunctions,
} from "../../src/graph/expression.ts";
import { loadPlan, testFeatures } from "./kernelRunner.ts";

const cases = Number(process.argv[2] ?? 100);
const stream = new RandomStream(Number(process.argv[3] ?? 1), "wide");
const pick = <T>(list: readonly T[]): T => list[stream.integer(list.length)]!;
const below = (count: number): number => stream.integer(count);

interface Trial {
  readonly text: string;
  readonly plan: KernelPlan;
  readonly inputs: readonly (Float32Array | Int32Array)[];
  readonly outputs: readonly number[];
}

const sizes = [1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17, 24, 32, 33, 64];

function randomShape(rank: number, limit = 60000): Shape {
  for (;;) {
    const shape = Array.from({ length: rank }, () => pick(sizes));
    if (elementCount(shape) <= limit) return shape;
  }
}

function randomExpression(inputs: number, depth: number): Expression {
  if (depth === 0 || below(8) === 0) {
    return below(4) === 0 ? constant(below(9) / 4 - 1) : input(below(inputs));
  }
  const name = pick(Object.keys(scalarFunctions) as ScalarFunction[]);
  const operands = Array.from({ length: scalarFunctions[name] }, () =>
    randomExpression(inputs, depth - 1),
  );
  return call(name, ...operands);
}

function numbers(shape: Shape): Float32Array {
  return new Float32Array(elementCount(shape)).map(() => stream.uniform() * 4 - 2);
}

/** Some axes of a shape with size 1, leading ones left out. */
function shrunk(shape: Shape): Shape {
  const sizes = shape.map((size) => (below(3) === 0 ? 1 : size));
  return below(3) === 0 ? sizes.slice(below(sizes.length + 1)) : sizes;
}

function elementwiseTrial(): Trial {
  const shape = below(4) === 0 ? [1 + below(9000)] : randomShape(1 + below(5));
  const shapes = [shape, ...Array.from({ length: below(4) }, () => shrunk(shape))];
  const expressions = Array.from({ length: 1 + below(3) }, () =>
    randomExpression(shapes.length, 1 + below(4)),
  );
  const plan = planElementwise({
    shape,
    inputs: shapes.map((s) => ({ shape: s, dtype: "float32" })),
    outputs: expressions.map((expression) => ({ expression, dtype: "float32" })),
  });
  const text = `elementwise [${shapes.join("] [")}] ${expressions.map(formatExpression).join("; ")}`;
  return {
    text,
    plan,
    inputs: shapes.map(numbers),
    outputs: expressions.map(() => elementCount(shape)),
  };
}

function reduceTrial(): Trial {
  const shape = below(4) === 0 ? [1 + below(60000)] : randomShape(1 + below(5));
  const shapes = [shape, ...Array.from({ length: below(3) }, () => shrunk(shape))];
  const axes = [...shape.keys()].filter(() => below(2) === 0);
  const expressions = Array.from({ length: 1 + below(3) }, () =>
    randomExpression(shapes.length, below(4)),
  );
  const kind = pick(["sum", "product", "maximum", "minimum"] as const);
  const inputs = shapes.map((s) => ({ shape: s, dtype: "float32" as const }));
  const outputs = expressions.map((expression) => ({ expression }));
  const plan = planReduce({ kind, shape, inputs, axes, keepDims: below(2) === 0, outputs });
  const count = elementCount(shape.filter((_, axis) => !axes.includes(axis)));
  const text = `${kind} over ${axes} of [${shapes.join("] [")}] ${expressions.map(formatExpression).join("; ")}`;
  return { text, plan, inputs: shapes.map(numbers), outputs: outputs.map(() => count) };
}

function momentsTrial(): Trial {
  const shape = randomShape(1 + below(5));
  const axes = [...shape.keys()].filter(() => below(2) === 0);
  const count = elementCount(shape.filter((_, axis) => !axes.includes(axis)));
  const plan = planMoments({ shape, axes, keepDims: true });
  return {
    text: `moments of [${shape}] over ${axes}`,
    plan,
    inputs: [numbers(shape)],
    outputs: [count, count],
  };
}

function moveTrial(): Trial {
  const shape = randomShape(1 + below(5));
  const data = [numbers(shape)];
  switch (below(5)) {
    case 0: {
      const permutation = [...stream.permutation(shape.length)];
      const plan = planTranspose(shape, permutation);
      return {
        text: `transpose [${shape}] ${permutation}`,
        plan,
        inputs: data,
        outputs: [data[0]!.length],
      };
    }
    case 1: {
      const before = shape.map(() => below(3));
      const after = shape.map(() => below(3));
      const count = elementCount(shape.map((size, i) => size + before[i]! + after[i]!));
      const plan = planPad(shape, before, after, 0.5);
      return { text: `pad [${shape}] ${before} ${after}`, plan, inputs: data, outputs: [count] };
    }
    case 2: {
      const starts = shape.map((size) => below(size));
      const kept = shape.map((size, i) => 1 + below(size - starts[i]!));
      const plan = planSlice(shape, starts, kept);
      return {
        text: `slice [${shape}] ${starts} ${kept}`,
        plan,
        inputs: data,
        outputs: [elementCount(kept)],
      };
    }
    case 3: {
      const axis = below(shape.length);
      const other = shape.with(axis, pick(sizes));
      const inputs = [...data, numbers(other)];
      const plan = planConcat([shape, other], axis);
      return {
        text: `concat [${shape}] [${other}] ${axis}`,
        plan,
        inputs,
        outputs: [inputs[0]!.length + inputs[1]!.length],
      };
    }
    default: {
      const to = [elementCount(shape)];
      return {
        text: `reshape [${shape}]`,
        plan: planReshape(shape, to),
        inputs: data,
        outputs: to,
      };
    }
  }
}

function windows(size: number) {
  const kernel = 1 + below(Math.min(size, 4));
  const stride = 1 + below(3);
  const count = Math.floor((size - kernel) / stride) + 1;
  return Array.from({ length: count }, (_, i) => ({ start: i * stride, count: kernel, step: 1 }));
}

function poolTrial(): Trial {
  const shape = randomShape(4, 30000);
  const rows = windows(shape[2]!);
  const columns = windows(shape[3]!);
  const count = shape[0]! * shape[1]! * rows.length * columns.length;
  const text = `[${shape}] ${JSON.stringify([rows[0], rows.length, columns[0], columns.length])}`;
  if (below(2) === 0) {
    const plan = planMaxPool2d({ shape, rows, columns, switches: true });
    return { text: `maxPool2d ${text}`, plan, inputs: [numbers(shape)], outputs: [count, count] };
  }
  const plan = planMaxUnpool2d({ shape, rows, columns });
  const inputs = [numbers([count]), new Int32Array(count).map(() => below(shape[2]! * shape[3]!))];
  return { text: `maxUnpool2d ${text}`, plan, inputs, outputs: [elementCount(shape)] };
}

function axisMapTrial(): Trial {
  const shape = randomShape(1 + below(5));
  const axis = below(shape.length);
  const length = below(12);
  const indices = Array.from({ length: pick(sizes) }, () =>
    Array.from({ length: below(2) === 0 ? length : below(5) }, () => below(shape[axis]!)),
  );
  const weights = indices.map((row) => row.map(() => stream.uniform()));
  const plan = planAxisMap({ shape, axis, indices, weights });
  const outputs = [elementCount(shape.with(axis, indices.length))];
  return {
    text: `axisMap [${shape}] ${axis} ${JSON.stringify(indices)}`,
    plan,
    inputs: [numbers(shape)],
    outputs,
  };
}

function randomTrial(): Trial {
  const count = 1 + below(9000);
  const plan = planRandom([count], { k0: 5, k1: 6 });
  return { text: `random ${count}`, plan, inputs: [Int32Array.of(1, 2)], outputs: [count] };
}

const trials = [
  elementwiseTrial,
  elementwiseTrial,
  elementwiseTrial,
  elementwiseTrial,
  reduceTrial,
  reduceTrial,
  reduceTrial,
  momentsTrial,
  moveTrial,
  poolTrial,
  axisMapTrial,
  randomTrial,
];

for (let i = 0; i < cases; i++) {
  const { text, plan, inputs, outputs } = pick(trials)();
  process.stdout.write(`${i}: ${text.slice(0, 2000)}\n`);
  const results = [false, true].map((wide) => {
    setFlagsFromString(
      wide ? "--experimental-wasm-revectorize" : "--no-experimental-wasm-revectorize",
    );
    const loaded = loadPlan(
      plan,
      inputs,
      outputs.map((length) => ({ length })),
      { ...testFeatures, wide },
    );
    loaded.run(1);
    return outputs.map((_, k) => new Int32Array(loaded.output(k).buffer));
  });
  for (const [k, narrow] of results[0]!.entries()) {
    const different = narrow.findIndex((word, e) => word !== results[1]![k]![e]);
    if (different >= 0) {
      process.stdout.write(`output ${k} differs at element ${different}\n`);
      process.exit(1);
    }
  }
}
process.stdout.write(`${cases} cases\n`);
