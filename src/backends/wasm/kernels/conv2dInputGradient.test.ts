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
import { planConv2dInputGradient } from "./conv2dInputGradient.ts";

describe("conv2dInputGradient against float64 loops, for every tile the same bits", () => {
  for (const geometry of testGeometries()) {
    test(describeGeometry(geometry), () => {
      const dy = randomFloats(resultCount(geometry), 1);
      const weight = randomFloats(weightCount(geometry), 2);
      const expected = new Array<number>(inputCount(geometry)).fill(0);
      forEachProduct(geometry, (x, w, y) => {
        expected[x]! += dy[y]! * weight[w]!;
      });
      const results = tiles.map((features) => {
        const plan = planConv2dInputGradient(geometry, features, { winograd: "off" });
        return runPlan(plan, [dy, weight], [{ length: expected.length }], features)[0]!;
      });
      const { kernel, filters, groups } = geometry;
      for (const result of results) {
        expectClose(result, expected, kernel[0] * kernel[1] * (filters / groups));
        expectSameBits(result, results[0]!);
      }
    });
  }
});
