import { describe, expect, test } from "vitest";
import { runFolder } from "../../conformance/run.node.ts";
import { reference } from "../../src/backends/reference/backend.ts";
import { wasm } from "../../src/backends/wasm/backend.ts";
import { sharedPath } from "../formats/sharedFiles.ts";

/** Whole networks take a minute on `reference` and are left to the command. */
const runs = [
  { folder: "onnx", only: "test_", backend: "reference", make: reference },
  { folder: "onnx", only: "light_squeezenet", backend: "wasm", make: () => wasm({ threads: 2 }) },
  { folder: "onnx-exported", only: "", backend: "reference", make: reference },
  { folder: "onnx-exported", only: "", backend: "wasm", make: () => wasm({ threads: 2 }) },
];

describe("ONNX cases", () => {
  test.for(runs)("$folder/$only… on $backend", async ({ folder, only, make }, context) => {
    const path = sharedPath(context, `conformance/${folder}`);
    const results = await runFolder(path, make(), { only });
    expect(results.length).toBeGreaterThan(0);
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
  });
});
