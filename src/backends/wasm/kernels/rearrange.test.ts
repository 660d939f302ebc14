import { describe, expect, test } from "vitest";
import {
  elementAt,
  forEachIndex,
  type HostTensor,
  logical,
  physical,
  randomTensor,
} from "../../../../test/wasm/hostTensor.ts";
import { runPlan } from "../../../../test/wasm/kernelRunner.ts";
import { elementCount, type Shape } from "../../../core/shape.ts";
import type { KernelPlan } from "../kernelPlan.ts";
import {
  planBroadcast,
  planConcat,
  planPad,
  planReshape,
  planSlice,
  planTranspose,
  reshapeKeepsMemory,
} from "./rearrange.ts";

/** Compares the only output, bit by bit, with `expected` at each of its coordinates. */
function check(
  plan: KernelPlan,
  inputs: readonly HostTensor[],
  shape: Shape,
  expected: (index: number[], flat: number) => number,
): void {
  const length = elementCount(shape);
  const [result] = runPlan(plan, inputs.map(physical), [{ length }]);
  const wanted = new Float32Array(length);
  forEachIndex(shape, (index, flat) => {
    wanted[flat] = expected(index, flat);
  });
  expect(logical(result!, shape)).toEqual([...wanted]);
}

function permutations(rank: number): number[][] {
  if (rank === 0) return [[]];
  return permutations(rank - 1).flatMap((rest) =>
    Array.from({ length: rank }, (_, at) => rest.toSpliced(at, 0, rank - 1)),
  );
}

describe("transpose", () => {
  const shapes: Shape[] = [[5], [3, 4], [8, 16], [33, 70], [4, 5, 6], [2, 3, 4, 5], [2, 17, 6, 8]];
  for (const shape of [...shapes, [20, 8, 3, 1]]) {
    for (const permutation of permutations(shape.length)) {
      test(`[${shape}] by ${permutation}`, () => {
        const tensor = randomTensor(shape, 1);
        const result = permutation.map((axis) => shape[axis]!);
        check(planTranspose(shape, permutation), [tensor], result, (index) => {
          const source = new Array<number>(shape.length);
          for (const [i, axis] of permutation.entries()) source[axis] = index[i]!;
          return elementAt(tensor, source);
        });
      });
    }
  }
  test("rank 5, and a large matrix", () => {
    for (const [shape, permutation] of [
      [
        [2, 3, 2, 3, 4],
        [4, 0, 3, 1, 2],
      ],
      [
        [2, 4, 3, 5, 5],
        [0, 2, 1, 3, 4],
      ],
      [
        [301, 205],
        [1, 0],
      ],
    ] as const) {
      const tensor = randomTensor(shape, 1);
      const result = permutation.map((axis) => shape[axis]!);
      check(planTranspose(shape, permutation), [tensor], result, (index) => {
        const source = new Array<number>(shape.length);
        for (const [i, axis] of permutation.entries()) source[axis] = index[i]!;
        return elementAt(tensor, source);
      });
    }
  });
});

describe("reshape", () => {
  const cases: [Shape, Shape][] = [
    [
      [2, 3, 4, 5],
      [2, 60],
    ],
    [
      [2, 60],
      [2, 3, 4, 5],
    ],
    [
      [4, 16, 6, 6],
      [4, 576],
    ],
    [
      [2, 64, 1, 1],
      [2, 64],
    ],
    [
      [2, 64],
      [2, 64, 1, 1],
    ],
    [
      [2, 6, 4, 5],
      [2, 2, 3, 4, 5],
    ],
    [
      [2, 2, 3, 4, 5],
      [2, 6, 4, 5],
    ],
    [
      [2, 3, 4, 5],
      [5, 4, 3, 2],
    ],
    [
      [2, 3, 4, 5],
      [8, 15],
    ],
    [
      [4, 6, 5, 2],
      [3, 8, 2, 5],
    ],
    [
      [2, 12, 4, 4],
      [2, 3, 8, 8],
    ],
    [
      [6, 4],
      [4, 6],
    ],
    [[24], [2, 3, 4]],
    [[1, 1, 1, 1], []],
    [[], [1, 1, 1, 1]],
    [[1, 1, 28, 28], [784]],
  ];
  for (const [from, to] of cases) {
    test(`[${from}] to [${to}]`, () => {
      const tensor = randomTensor(from, 2);
      check(planReshape(from, to), [tensor], to, (_, flat) => tensor.data[flat]!);
      const moved = logical(physical(tensor), to);
      const unmoved = moved.every((value, i) => value === tensor.data[i]);
      expect(reshapeKeepsMemory(from, to)).toBe(unmoved);
    });
  }
});

describe("slice, concat", () => {
  test("slices with steps of both signs", () => {
    const cases: { shape: Shape; starts: number[]; sizes: number[]; steps: number[] }[] = [
      { shape: [10], starts: [2], sizes: [5], steps: [1] },
      { shape: [10], starts: [9], sizes: [10], steps: [-1] },
      { shape: [4, 9], starts: [1, 8], sizes: [2, 4], steps: [2, -2] },
      { shape: [2, 7, 6, 5], starts: [0, 1, 2, 1], sizes: [2, 5, 3, 4], steps: [1, 1, 1, 1] },
      { shape: [2, 8, 6, 5], starts: [1, 7, 5, 4], sizes: [2, 4, 3, 5], steps: [-1, -2, -2, -1] },
      { shape: [2, 3, 6, 10], starts: [0, 0, 0, 9], sizes: [2, 3, 6, 10], steps: [1, 1, 1, -1] },
      {
        shape: [2, 3, 4, 5, 6],
        starts: [0, 1, 1, 0, 5],
        sizes: [2, 2, 2, 5, 3],
        steps: [1, 1, 2, 1, -2],
      },
    ];
    for (const { shape, starts, sizes, steps } of cases) {
      const tensor = randomTensor(shape, 3);
      check(planSlice(shape, starts, sizes, steps), [tensor], sizes, (index) =>
        elementAt(
          tensor,
          index.map((i, axis) => starts[axis]! + i * steps[axis]!),
        ),
      );
    }
  });
  for (const shape of [[2, 5, 4, 3], [3, 8, 5, 6], [2, 1, 4, 4], [6, 7], [9]]) {
    for (const axis of shape.keys()) {
      test(`[${shape}] and others along axis ${axis}`, () => {
        const shapes = [1, 3, 2].map((factor) => shape.with(axis, shape[axis]! * factor));
        const tensors = shapes.map((s, i) => randomTensor(s, i + 1));
        const size = shape[axis]!;
        const whole = shape.with(axis, size * 6);
        check(planConcat(shapes, axis), tensors, whole, (index) => {
          const position = index[axis]!;
          const part = position < size ? 0 : position < 4 * size ? 1 : 2;
          const start = [0, size, 4 * size][part]!;
          return elementAt(tensors[part]!, index.with(axis, position - start));
        });
      });
    }
  }
});

describe("pad, broadcast", () => {
  const cases: { shape: Shape; before: number[]; after: number[] }[] = [
    { shape: [5], before: [2], after: [3] },
    { shape: [5], before: [-2], after: [3] },
    { shape: [5], before: [0], after: [0] },
    { shape: [2, 3, 4, 5], before: [0, 0, 1, 2], after: [0, 0, 2, 1] },
    { shape: [2, 16, 6, 6], before: [0, 0, 1, 1], after: [0, 0, 1, 1] },
    { shape: [2, 3, 4, 5], before: [1, 2, 1, 0], after: [1, 0, 2, 3] },
    { shape: [2, 3, 4, 5], before: [0, 0, -1, 1], after: [0, 0, 2, -2] },
    { shape: [3, 4], before: [-5, 1], after: [4, 1] },
    { shape: [3, 4], before: [5, 1], after: [-4, 1] },
  ];
  for (const { shape, before, after } of cases) {
    test(`[${shape}] padded by ${before} and ${after}`, () => {
      const tensor = randomTensor(shape, 4);
      const padded = shape.map((size, axis) => before[axis]! + size + after[axis]!);
      check(planPad(shape, before, after, -0.5), [tensor], padded, (index) => {
        const source = index.map((i, axis) => i - before[axis]!);
        const inside = source.every((i, axis) => i >= 0 && i < shape[axis]!);
        return inside ? elementAt(tensor, source) : -0.5;
      });
    });
  }
  test("broadcasts", () => {
    const pairs: [Shape, Shape][] = [
      [[], [3, 5]],
      [[5], [3, 5]],
      [
        [3, 1],
        [3, 9],
      ],
      [
        [7, 1, 1],
        [2, 7, 3, 3],
      ],
      [
        [1, 8, 1, 1],
        [2, 8, 4, 4],
      ],
      [
        [5, 6],
        [2, 3, 5, 6],
      ],
      [
        [4, 5, 6],
        [2, 4, 5, 6],
      ],
    ];
    for (const [from, to] of pairs) {
      const tensor = randomTensor(from, 5);
      check(planBroadcast(from, to), [tensor], to, (index) => elementAt(tensor, index));
    }
  });
  test("copies keep every bit, of NaN and of integers", () => {
    const bits = new Int32Array([0x7fc00001, -0x400001, 0x7f800123, 5]);
    const [copied] = runPlan(
      planTranspose([2, 2], [1, 0]),
      [bits],
      [{ length: 4, dtype: "int32" }],
    );
    expect([...copied!]).toEqual([bits[0], bits[2], bits[1], bits[3]]);
  });
});
