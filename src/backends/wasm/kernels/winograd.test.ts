import { describe, expect, test } from "vitest";
import {
  expectSameBits,
  forEachProduct,
  inputCount,
  randomFloats,
  referenceConv2d,
  resultCount,
  tiles,
  weightCount,
} from "../../../../test/wasm/convolutionCases.ts";
import { runPlan } from "../../../../test/wasm/kernelRunner.ts";
import { input, scalar } from "../../../graph/expression.ts";
import { planConv2d } from "./conv2d.ts";
import type { Conv2dGeometry } from "./conv2dGeometry.ts";
import { planConv2dInputGradient } from "./conv2dInputGradient.ts";
import { planConv2dWeightGradient } from "./conv2dWeightGradient.ts";
import { winogradForm, winogradGradientForm } from "./winogradPlan.ts";
import { type TileForm, tileForms, tileInputs } from "./winogradTransforms.ts";

function geometry(
  images: number,
  size: readonly [number, number],
  channels: number,
  filters: number,
  padding: Conv2dGeometry["padding"] = [1, 1, 1, 1],
  taps: TileForm["taps"] = 3,
): Conv2dGeometry {
  const kernel = [taps, taps] as const;
  const one = [1, 1] as const;
  return {
    images,
    size,
    channels,
    filters,
    kernel,
    stride: one,
    padding,
    dilation: one,
    groups: 1,
  };
}

const geometries: Readonly<Record<TileForm["taps"], Conv2dGeometry[]>> = {
  3: [
    geometry(1, [3, 3], 4, 4, [0, 0, 0, 0]),
    geometry(1, [8, 8], 8, 16),
    geometry(2, [7, 9], 12, 20),
    geometry(3, [5, 6], 16, 28, [0, 1, 2, 0]),
    geometry(5, [2, 2], 8, 40),
    geometry(1, [21, 34], 4, 12),
    geometry(2, [13, 13], 20, 132),
    geometry(1, [6, 6], 400, 8),
    geometry(1, [4, 5], 4, 8, [3, 4, 5, 2]),
    // Filters that do not fill their last vector.
    geometry(3, [5, 4], 8, 3),
    geometry(2, [7, 5], 12, 50),
  ],
  5: [
    geometry(1, [5, 5], 4, 4, [0, 0, 0, 0], 5),
    geometry(1, [8, 8], 8, 16, [2, 2, 2, 2], 5),
    geometry(2, [7, 9], 12, 20, [1, 1, 1, 1], 5),
    geometry(3, [5, 6], 16, 28, [0, 1, 2, 0], 5),
    geometry(5, [2, 2], 8, 40, [2, 2, 2, 2], 5),
    geometry(1, [21, 34], 4, 12, [3, 3, 3, 3], 5),
    geometry(2, [13, 13], 20, 132, [2, 2, 2, 2], 5),
    geometry(1, [6, 6], 100, 8, [2, 1, 1, 2], 5),
    geometry(1, [4, 5], 4, 8, [6, 7, 5, 2], 5),
    geometry(3, [5, 4], 8, 3, [2, 2, 2, 2], 5),
    geometry(2, [12, 12], 20, 50, [0, 0, 0, 0], 5),
    geometry(1, [6, 7], 16, 133, [1, 2, 2, 1], 5),
  ],
};

/** The largest error, in units of the root mean square of the expected values. */
function relativeError(actual: ArrayLike<number>, expected: readonly number[]): number {
  expect(actual.length).toBe(expected.length);
  let worst = 0;
  let squares = 0;
  for (const [i, value] of expected.entries()) {
    const error = Math.abs(actual[i]! - value);
    worst = Math.max(worst, Number.isNaN(error) ? Infinity : error);
    squares += value * value;
  }
  return worst / Math.sqrt(squares / expected.length);
}

// Direct convolution stays below 2e-6; the transforms cost less than two bits with four inputs, three with six.
const tolerances: Readonly<Record<number, number>> = { 4: 4e-6, 6: 1.2e-5 };

describe.each(tileForms)("F($outputs, $taps), for every register tile the same bits", (form) => {
  const { outputs, taps } = form;
  const tolerance = tolerances[tileInputs(form)]!;

  test.each(geometries[taps])("forward $images x $size x $channels → $filters", (shape) => {
    const x = randomFloats(inputCount(shape), 1);
    const weight = randomFloats(weightCount(shape), 2);
    const expected = referenceConv2d(shape, x, weight);
    const results = tiles.map((features) => {
      const plan = planConv2d(shape, features, { winograd: outputs });
      return runPlan(plan, [x, weight], [{ length: expected.length }], features)[0]!;
    });
    for (const result of results) {
      expect(relativeError(result, expected)).toBeLessThan(tolerance);
      expectSameBits(result, results[0]!);
    }
  });

  test.each(geometries[taps])("data gradient $images x $size x $channels → $filters", (shape) => {
    const dy = randomFloats(resultCount(shape), 1);
    const weight = randomFloats(weightCount(shape), 2);
    const expected = new Array<number>(inputCount(shape)).fill(0);
    forEachProduct(shape, (x, w, y) => {
      expected[x]! += dy[y]! * weight[w]!;
    });
    const results = tiles.map((features) => {
      const plan = planConv2dInputGradient(shape, features, { winograd: outputs });
      return runPlan(plan, [dy, weight], [{ length: expected.length }], features)[0]!;
    });
    for (const result of results) {
      expect(relativeError(result, expected)).toBeLessThan(tolerance);
      expectSameBits(result, results[0]!);
    }
  });

  test.each(geometries[taps])("weight gradient $images x $size x $channels → $filters", (shape) => {
    const x = randomFloats(inputCount(shape), 1);
    const dy = randomFloats(resultCount(shape), 2);
    const expected = new Array<number>(weightCount(shape)).fill(0);
    forEachProduct(shape, (xIndex, w, y) => {
      expected[w]! += dy[y]! * x[xIndex]!;
    });
    const results = tiles.map((features) => {
      const plan = planConv2dWeightGradient(shape, features, { winograd: outputs });
      return runPlan(plan, [x, dy], [{ length: expected.length }], features)[0]!;
    });
    for (const result of results) {
      expect(relativeError(result, expected)).toBeLessThan(tolerance);
      expectSameBits(result, results[0]!);
    }
  });

  test.each([20, 22])("bias and an expression of all kinds of operands, %i filters", (filters) => {
    const shape = geometry(2, [7, 6], 8, filters, [1, 2, 1, 2], taps);
    const length = resultCount(shape);
    const x = randomFloats(inputCount(shape), 1);
    const weight = randomFloats(weightCount(shape), 2);
    const [bias, shift, residual] = [filters, filters, length].map((count, i) =>
      randomFloats(count, 3 + i),
    );
    const expected = referenceConv2d(shape, x, weight).map((value, i) =>
      Math.max(0, value + bias![i % filters]! + shift![i % filters]! + residual![i]!),
    );
    const expression = scalar.max(scalar.add(scalar.add(input(0), input(1)), input(2)), 0);
    for (const features of tiles) {
      const plan = planConv2d(shape, features, {
        bias: true,
        epilogue: { expression, extras: ["channel", "full"] },
        winograd: outputs,
      });
      const operands = [x, weight, bias!, shift!, residual!];
      const [y] = runPlan(plan, operands, [{ length }], features);
      expect(relativeError(y!, expected)).toBeLessThan(tolerance);
    }
  });
});

test("the choice follows from the shape", () => {
  const large = geometry(16, [64, 64], 64, 64);
  const small = geometry(32, [2, 2], 512, 512);
  expect(winogradForm(large, [64, 64], {})).toEqual({ outputs: 4, taps: 3 });
  expect(winogradForm(large, [64, 64], { winograd: "off" })).toBeUndefined();
  expect(winogradForm({ ...large, stride: [2, 2] }, [32, 32], {})).toBeUndefined();
  expect(winogradForm({ ...large, channels: 3 }, [64, 64], {})).toBeUndefined();
  expect(winogradForm(geometry(1, [5, 5], 128, 128), [5, 5], {})).toEqual({ outputs: 2, taps: 3 });
  // The direct method leaves out the 20 of 36 pairs of pixel and tap that see only padding.
  expect(winogradForm(small, [2, 2], {})).toBeUndefined();
  expect(winogradForm({ ...small, images: 8 }, [2, 2], { weightsChange: true })).toBeUndefined();
});

test("of five taps those that gain from it", () => {
  const taps = (images: number, size: number, channels: number, filters: number) =>
    geometry(images, [size, size], channels, filters, [2, 2, 2, 2], 5);
  const alexnet = taps(8, 27, 96, 256);
  const form = { outputs: 2, taps: 5 };
  expect(winogradForm(alexnet, [27, 27], { weightsChange: true })).toEqual(form);
  expect(winogradGradientForm(alexnet, {})).toEqual(form);
  expect(winogradForm(alexnet, [27, 27], { winograd: 4 })).toBeUndefined();
  expect(winogradGradientForm(alexnet, { winograd: 4 })).toBeUndefined();
  // Few channels, whose transforms are not shared; few tiles, whose weights are not.
  expect(winogradForm(taps(32, 28, 4, 16), [28, 28], {})).toBeUndefined();
  const few = geometry(1, [8, 8], 64, 128, [0, 0, 0, 0], 5);
  expect(winogradForm(few, [4, 4], {})).toEqual(form);
  expect(winogradForm(few, [4, 4], { weightsChange: true })).toBeUndefined();
  expect(winogradGradientForm(taps(1, 7, 48, 128), {})).toBeUndefined();
  // LeNet's second layer: any number of filters, but whole vectors of channels.
  const lenet = geometry(64, [12, 12], 20, 50, [0, 0, 0, 0], 5);
  expect(winogradForm(lenet, [8, 8], { weightsChange: true })).toEqual(form);
  expect(winogradForm({ ...lenet, channels: 50, filters: 20 }, [8, 8], {})).toBeUndefined();
  expect(winogradForm({ ...alexnet, kernel: [5, 3] }, [27, 29], {})).toBeUndefined();
});
