import { describe, test } from "vitest";
import {
  describeGeometry,
  expectClose,
  expectSameBits,
  forEachProduct,
  inputCount,
  randomFloats,
  resultCount,
  testGeometries,
  tiles,
  weightCount,
} from "../../../../test/wasm/convolutionCases.ts";
import { runPlan } from "../../../../test/wasm/kernelRunner.ts";
import { resultSize } from "./conv2dGeometry.ts";
import { planConv2dWeightGradient } from "./conv2dWeightGradient.ts";

describe("conv2dWeightGradient against float64 loops, for every tile the same bits", () => {
  for (const geometry of testGeometries()) {
    test(describeGeometry(geometry), () => {
      const x = randomFloats(inputCount(geometry), 1);
      const dy = randomFloats(resultCount(geometry), 2);
      const expected = new Array<number>(weightCount(geometry)).fill(0);
      forEachProduct(geometry, (xIndex, weight, y) => {
        expected[weight]! += dy[y]! * x[xIndex]!;
      });
      const results = tiles.map((features) => {
        const plan = planConv2dWeightGradient(geometry, features, { winograd: "off" });
        return runPlan(plan, [x, dy], [{ length: expected.length }], features)[0]!;
      });
      const [rows, columns] = resultSize(geometry);
      for (const result of results) {
        expectClose(result, expected, geometry.images * rows * columns);
        expectSameBits(result, results[0]!);
      }
    });
  }
});
