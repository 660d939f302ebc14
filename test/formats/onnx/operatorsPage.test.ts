import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { operatorsPage, strangers } from "./operatorsPage.ts";

it("docs/onnx-operators.md is up to date (node scripts/run.mjs scripts/onnxOperators.ts)", () => {
  const page = readFileSync(new URL("../../../docs/onnx-operators.md", import.meta.url), "utf8");
  expect(page).toBe(operatorsPage());
  expect(strangers()).toEqual([]);
});
