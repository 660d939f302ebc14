import { describe, expect, test } from "vitest";
import {
  type HostTensor,
  logical,
  physical,
  randomTensor,
} from "../../../../test/wasm/hostTensor.ts";
import { runPlan } from "../../../../test/wasm/kernelRunner.ts";
import { elementCount, type Shape } from "../../../core/shape.ts";
import type { AxisWindow } from "./constantTable.ts";
import { planGatherSwitches, planMaxPool2d } from "./maxPool2d.ts";
import { planMaxUnpool2d } from "./maxUnpool2d.ts";

function sliding(
  size: number,
  kernel: number,
  stride: number,
  pad = 0,
  dilation = 1,
): AxisWindow[] {
  const windows: AxisWindow[] = [];
  for (let origin = -pad; origin + dilation * (kernel - 1) < size + pad; origin += stride) {
    const inside = Array.from({ length: kernel }, (_, i) => origin + i * dilation).filter(
      (i) => i >= 0 && i < size,
    );
    windows.push({ start: inside[0]!, count: inside.length, step: dilation });
  }
  return windows;
}

function adaptive(size: number, outputs: number): AxisWindow[] {
  return Array.from({ length: outputs }, (_, i) => {
    const start = Math.floor((i * size) / outputs);
    return { start, count: Math.ceil(((i + 1) * size) / outputs) - start, step: 1 };
  });
}

interface Case {
  readonly name: string;
  readonly shape: Shape;
  readonly rows: readonly AxisWindow[];
  readonly columns: readonly AxisWindow[];
}

function covered({ start, count, step }: AxisWindow): number[] {
  return Array.from({ length: count }, (_, i) => start + i * step);
}

/** Values and switches as PyTorch's loops find them. */
function pool(x: HostTensor, { rows, columns }: Case): { values: number[]; switches: number[] } {
  const [images, channels, height, width] = x.shape as [number, number, number, number];
  const values: number[] = [];
  const switches: number[] = [];
  for (let plane = 0; plane < images * channels; plane++) {
    for (const row of rows) {
      for (const column of columns) {
        let best = -Infinity;
        let place = row.start * width + column.start;
        for (const h of covered(row)) {
          for (const w of covered(column)) {
            const value = x.data[(plane * height + h) * width + w]!;
            if (value > best || Number.isNaN(value)) {
              best = value;
              place = h * width + w;
            }
          }
        }
        values.push(best);
        switches.push(place);
      }
    }
  }
  return { values, switches };
}

function check(entry: Case, x: HostTensor): void {
  const { shape, rows, columns } = entry;
  const [images, channels, height, width] = shape as [number, number, number, number];
  const outputShape = [images, channels, rows.length, columns.length];
  const length = elementCount(outputShape);
  const expected = pool(x, entry);

  const [values, switches] = runPlan(
    planMaxPool2d({ shape, rows, columns, switches: true }),
    [physical(x)],
    [{ length }, { length, dtype: "int32" }],
  );
  expect(logical(values!, outputShape)).toEqual(expected.values);
  expect(logical(switches!, outputShape)).toEqual(expected.switches);
  const plain = planMaxPool2d({ shape, rows, columns, switches: false });
  const [alone] = runPlan(plain, [physical(x)], [{ length }]);
  expect(alone).toEqual(values);

  const gradient = randomTensor(outputShape, 9);
  const unpooled = new Float32Array(elementCount(shape));
  for (const [i, place] of expected.switches.entries()) {
    const plane = Math.floor(i / (rows.length * columns.length));
    unpooled[plane * height * width + place]! += gradient.data[i]!;
  }
  const plan = planMaxUnpool2d({ shape, rows, columns });
  const [back] = runPlan(plan, [physical(gradient), switches!], [{ length: unpooled.length }]);
  expect(logical(back!, shape)).toEqual([...unpooled]);
  const whole = {
    shape,
    rows: rows.map(() => ({ start: 0, count: height, step: 1 })),
    columns: columns.map(() => ({ start: 0, count: width, step: 1 })),
  };
  const inputs = [physical(gradient), switches!];
  const [scattered] = runPlan(planMaxUnpool2d(whole), inputs, [{ length: unpooled.length }]);
  expect(logical(scattered!, shape)).toEqual([...unpooled]);

  const gather = planGatherSwitches(shape, outputShape);
  const [read] = runPlan(gather, [physical(x), switches!], [{ length }]);
  expect(logical(read!, outputShape)).toEqual(expected.values);
}

const cases: Case[] = [
  { name: "2x2/2", shape: [2, 8, 6, 8], rows: sliding(6, 2, 2), columns: sliding(8, 2, 2) },
  {
    name: "2x2/2, odd size",
    shape: [2, 8, 7, 9],
    rows: sliding(7, 2, 2),
    columns: sliding(9, 2, 2),
  },
  { name: "3x3/2", shape: [2, 12, 9, 11], rows: sliding(9, 3, 2), columns: sliding(11, 3, 2) },
  {
    name: "3x3/2 pad 1",
    shape: [9, 5, 8, 7],
    rows: sliding(8, 3, 2, 1),
    columns: sliding(7, 3, 2, 1),
  },
  {
    name: "3x3/1 pad 1",
    shape: [2, 16, 7, 6],
    rows: sliding(7, 3, 1, 1),
    columns: sliding(6, 3, 1, 1),
  },
  { name: "3x2/1x3", shape: [1, 6, 7, 8], rows: sliding(7, 3, 1), columns: sliding(8, 2, 3) },
  {
    name: "dilated",
    shape: [2, 4, 9, 9],
    rows: sliding(9, 3, 1, 1, 2),
    columns: sliding(9, 2, 2, 0, 3),
  },
  {
    name: "hanging over",
    shape: [2, 4, 6, 6],
    rows: [...sliding(6, 3, 2), { start: 4, count: 2, step: 1 }],
    columns: [...sliding(6, 3, 2), { start: 4, count: 2, step: 1 }],
  },
  { name: "5x5/3", shape: [1, 7, 11, 11], rows: sliding(11, 5, 3), columns: sliding(11, 5, 3) },
  { name: "9x9/1", shape: [1, 4, 12, 12], rows: sliding(12, 9, 1), columns: sliding(12, 9, 1) },
  { name: "adaptive", shape: [2, 9, 7, 10], rows: adaptive(7, 3), columns: adaptive(10, 4) },
  { name: "adaptive, larger", shape: [2, 4, 3, 2], rows: adaptive(3, 5), columns: adaptive(2, 5) },
  { name: "global", shape: [2, 40, 5, 6], rows: adaptive(5, 1), columns: adaptive(6, 1) },
  { name: "1x1/2", shape: [1, 3, 5, 5], rows: sliding(5, 1, 2), columns: sliding(5, 1, 2) },
  {
    name: "gaps between windows",
    shape: [2, 4, 9, 9],
    rows: sliding(9, 2, 4),
    columns: sliding(9, 2, 4),
  },
];

describe("max pooling, unpooling and gathering through switches", () => {
  for (const entry of cases) {
    test(`${entry.name} on [${entry.shape}]`, () => check(entry, randomTensor(entry.shape, 1)));
    test(`${entry.name} on [${entry.shape}], ties, infinities and NaN`, () => {
      const x = randomTensor(entry.shape, 2, { low: -2, high: 2 });
      for (const [i, value] of x.data.entries()) x.data[i] = Math.round(value);
      for (let i = 3; i < x.data.length; i += 17) x.data[i] = i % 2 === 0 ? Infinity : -Infinity;
      check(entry, x);
      for (let i = 5; i < x.data.length; i += 29) x.data[i] = NaN;
      check(entry, x);
    });
  }
  for (const channels of [1, 3, 5, 17, 64]) {
    test(`${channels} channels`, () => {
      const shape = [2, channels, 8, 8];
      check(
        { name: "", shape, rows: sliding(8, 2, 2), columns: sliding(8, 2, 2) },
        randomTensor(shape, 3),
      );
      check(
        { name: "", shape, rows: sliding(8, 3, 2, 1), columns: sliding(8, 3, 2, 1) },
        randomTensor(shape, 3),
      );
    });
  }
  test("the lecture's example", () => {
    const data = Float32Array.of(1, 1, 2, 4, 5, 6, 7, 8, 3, 2, 1, 0, 1, 2, 3, 4);
    const windows = sliding(4, 2, 2);
    const plan = planMaxPool2d({
      shape: [1, 1, 4, 4],
      rows: windows,
      columns: windows,
      switches: false,
    });
    expect([...runPlan(plan, [data], [{ length: 4 }])[0]!]).toEqual([6, 8, 3, 4]);
  });
});
