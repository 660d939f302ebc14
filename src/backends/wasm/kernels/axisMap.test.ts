import { describe, expect, test } from "vitest";
import {
  elementAt,
  forEachIndex,
  largestError,
  logical,
  physical,
  randomTensor,
} from "../../../../test/wasm/hostTensor.ts";
import { runPlan } from "../../../../test/wasm/kernelRunner.ts";
import { elementCount, type Shape } from "../../../core/shape.ts";
import { planAxisMap } from "./axisMap.ts";

interface Lists {
  readonly indices: number[][];
  readonly weights: number[][];
}

function check(shape: Shape, axis: number, { indices, weights }: Lists, tolerance = 1e-6): void {
  const tensor = randomTensor(shape, 1);
  const output = shape.with(axis, indices.length);
  const length = elementCount(output);
  const plan = planAxisMap({ shape, axis, indices, weights });
  const [result] = runPlan(plan, [physical(tensor)], [{ length }]);
  const expected: number[] = [];
  forEachIndex(output, (index) => {
    const j = index[axis]!;
    let sum = 0;
    for (const [t, i] of indices[j]!.entries()) {
      sum += weights[j]![t]! * elementAt(tensor, index.with(axis, i));
    }
    expected.push(sum);
  });
  expect(largestError(logical(result!, output), expected)).toBeLessThanOrEqual(tolerance);
}

function transpose({ indices, weights }: Lists, size: number): Lists {
  const result: Lists = {
    indices: Array.from({ length: size }, () => []),
    weights: Array.from({ length: size }, () => []),
  };
  for (const [j, row] of indices.entries()) {
    for (const [t, i] of row.entries()) {
      result.indices[i]!.push(j);
      result.weights[i]!.push(weights[j]![t]!);
    }
  }
  return result;
}

/** Averages over windows of `kernel` at `stride`, clipped to the axis. */
function averages(size: number, kernel: number, stride: number, pad = 0): Lists {
  const indices: number[][] = [];
  for (let start = -pad; start + kernel <= size + pad; start += stride) {
    const window = Array.from({ length: kernel }, (_, i) => start + i);
    indices.push(window.filter((i) => i >= 0 && i < size));
  }
  return { indices, weights: indices.map((row) => row.map(() => 1 / kernel)) };
}

function bilinear(size: number, outputs: number): Lists {
  const lists: Lists = { indices: [], weights: [] };
  for (let j = 0; j < outputs; j++) {
    const x = Math.max(0, ((j + 0.5) * size) / outputs - 0.5);
    const low = Math.min(size - 1, Math.floor(x));
    const high = Math.min(size - 1, low + 1);
    lists.indices.push([low, high]);
    lists.weights.push([1 - (x - low), x - low]);
  }
  return lists;
}

function take(indices: number[]): Lists {
  return { indices: indices.map((i) => [i]), weights: indices.map(() => [1]) };
}

/** Sums over neighbours up to `reach` away, with a weight each or one for all. */
function band(size: number, before: number, after: number, weight: (d: number) => number): Lists {
  const indices = Array.from({ length: size }, (_, j) =>
    Array.from({ length: before + after + 1 }, (_, i) => j - before + i).filter(
      (i) => i >= 0 && i < size,
    ),
  );
  return { indices, weights: indices.map((row, j) => row.map((i) => weight(i - j))) };
}

describe("maps along an axis, and their transposes", () => {
  const shapes: Shape[] = [
    [2, 3, 6, 7],
    [2, 16, 6, 7],
    [1, 1, 6, 7],
    [3, 17, 6, 7],
    [6, 7],
    [2, 6, 7],
    [2, 3, 2, 6, 7],
  ];
  for (const shape of shapes) {
    for (const axis of shape.keys()) {
      const size = shape[axis]!;
      const maps: Record<string, Lists> = {
        average: averages(size, Math.min(2, size), Math.min(2, size)),
        overlapping: averages(size, Math.min(3, size), 1, size >= 3 ? 1 : 0),
        bilinear: bilinear(size, 2 * size + 1),
        taken: take([size - 1, 0, 0, Math.floor(size / 2), size - 1]),
        mean: {
          indices: [Array.from({ length: size }, (_, i) => i)],
          weights: [new Array(size).fill(1 / size)],
        },
        band: band(size, 2, 2, () => 1),
        weighted: band(size, 1, 2, (d) => 0.5 + d * 0.25),
        reversedBand: {
          indices: band(size, 1, 1, () => 1).indices.map((row) => row.toReversed()),
          weights: band(size, 1, 1, () => 1).weights,
        },
        holes: {
          indices: Array.from({ length: size }, (_, j) => (j % 2 === 0 ? [j] : [])),
          weights: Array.from({ length: size }, (_, j) => (j % 2 === 0 ? [2] : [])),
        },
      };
      test(`[${shape}], axis ${axis}`, () => {
        for (const lists of Object.values(maps)) {
          check(shape, axis, lists);
          check(shape.with(axis, lists.indices.length), axis, transpose(lists, size));
        }
      });
    }
  }
  test("long lists, long rows, wide bands", () => {
    check([2, 8, 40, 3], 2, averages(40, 20, 5));
    check([2, 24, 40, 33], 2, averages(40, 7, 7));
    check([3, 10, 30, 40], 0, {
      indices: [[0, 2], [1], [2, 1, 0]],
      weights: [[1, 2], [3], [1, 1, 1]],
    });
    check([2, 10000], 0, { indices: [[0, 1], [1]], weights: [[0.5, 0.25], [2]] });
    check([2, 9001], 0, { indices: [[0, 1], [1]], weights: [[0.5, 0.25], [2]] });
    check(
      [2, 96, 9, 9],
      1,
      band(96, 2, 2, () => 1),
    );
    check(
      [2, 67, 3, 3],
      1,
      band(67, 4, 3, (d) => 1 / (d + 9)),
    );
    // Up to 71 additions, each rounded.
    check(
      [2, 200, 3, 3],
      1,
      band(200, 40, 30, () => 1),
      71 * 2 ** -24,
    );
    check(
      [5, 4],
      1,
      band(4, 6, 6, () => 1),
    );
  });
});

test("values outside a list have no part in it, even infinite ones", () => {
  const x = new Float32Array(40).fill(1);
  x[0] = Infinity;
  x[20] = NaN;
  const lists = band(20, 1, 1, () => 1);
  const [result] = runPlan(
    planAxisMap({ shape: [2, 20], axis: 1, ...lists }),
    [x],
    [{ length: 40 }],
  );
  const expected = [
    Infinity,
    Infinity,
    ...new Array(17).fill(3),
    2,
    NaN,
    NaN,
    ...new Array(17).fill(3),
    2,
  ];
  expect([...result!]).toEqual(expected);
});
