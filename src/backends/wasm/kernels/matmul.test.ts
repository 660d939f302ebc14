import { describe, expect, test } from "vitest";
import {
  expectClose,
  expectSameBits,
  randomFloats,
  tiles,
} from "../../../../test/wasm/convolutionCases.ts";
import { runPlan } from "../../../../test/wasm/kernelRunner.ts";
import { input, scalar } from "../../../graph/expression.ts";
import { type MatmulGeometry, planMatmul } from "./matmul.ts";

/** Row-major product in float64. */
function referenceMatmul(geometry: MatmulGeometry, a: Float32Array, b: Float32Array): number[] {
  const { batch, rows, columns, depth, transposeA, transposeB } = geometry;
  const c: number[] = [];
  for (let n = 0; n < batch; n++) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let sum = 0;
        for (let k = 0; k < depth; k++) {
          const left = n * rows * depth + (transposeA ? k * rows + i : i * depth + k);
          const right = n * columns * depth + (transposeB ? j * depth + k : k * columns + j);
          sum += a[left]! * b[right]!;
        }
        c.push(sum);
      }
    }
  }
  return c;
}

const sizes = [
  [1, 1, 1, 1],
  [1, 1, 10, 84],
  [1, 5, 17, 3],
  [1, 33, 16, 8],
  [1, 64, 48, 32],
  [1, 7, 100, 401],
  [1, 150, 21, 30],
  [3, 4, 5, 6],
  [2, 37, 19, 11],
  [2, 3, 40, 900],
] as const;

describe.each([
  [false, false],
  [false, true],
  [true, false],
  [true, true],
])("transposeA %s, transposeB %s", (transposeA, transposeB) => {
  test.each(sizes)("%i products of %i x %i over %i", (batch, rows, columns, depth) => {
    const geometry = { batch, rows, columns, depth, transposeA, transposeB };
    const a = randomFloats(batch * rows * depth, 1);
    const b = randomFloats(batch * depth * columns, 2);
    const expected = referenceMatmul(geometry, a, b);
    const results = tiles.flatMap((features) =>
      [false, true].map((weightsChange) => {
        const plan = planMatmul(geometry, features, { weightsChange });
        return runPlan(plan, [a, b], [{ length: batch * rows * columns }], features)[0]!;
      }),
    );
    for (const result of results) {
      expectClose(result, expected, depth);
      expectSameBits(result, results[0]!);
    }
  });
});

test("bias and expression", () => {
  const geometry = {
    batch: 1,
    rows: 9,
    columns: 21,
    depth: 30,
    transposeA: false,
    transposeB: true,
  };
  const a = randomFloats(9 * 30, 1);
  const b = randomFloats(30 * 21, 2);
  const bias = randomFloats(21, 3);
  const expected = referenceMatmul(geometry, a, b).map((value, i) =>
    Math.max(0, value + bias[i % 21]!),
  );
  const features = tiles[0]!;
  const plan = planMatmul(geometry, features, {
    bias: true,
    epilogue: { expression: scalar.max(input(0), 0), extras: [] },
  });
  const [c] = runPlan(plan, [a, b, bias], [{ length: 9 * 21 }], features);
  expectClose(c!, expected, 31);
  expect(Math.min(...c!)).toBe(0);
});
