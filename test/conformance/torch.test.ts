import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runFolder } from "../../conformance/run.node.ts";
import { reference } from "../../src/backends/reference/backend.ts";
import { wasm } from "../../src/backends/wasm/backend.ts";
import { writeSafetensors } from "../../src/formats/safetensors/write.ts";
import { sharedPath } from "../formats/sharedFiles.ts";

/** y = relu(x) of two numbers, with what the vectors keep beside it. */
function reluCase(name: string, op: string, expected: readonly number[]) {
  return {
    row: {
      case: name,
      group: "made",
      kind: "graph",
      spec: `${name}.json`,
      file: `${name}.safetensors`,
    },
    specification: {
      case: name,
      mode: "train",
      inputs: [{ name: "x", shape: [2], dtype: "float32", gradient: true }],
      nodes: [{ name: "act", op, inputs: ["x"], output: "y" }],
      outputs: [{ name: "y", shape: [2] }],
      loss_float64: 6,
      tolerance: { "out.y": 1e-6, "grad.in.x": 1e-6 },
    },
    tensors: {
      "in.x": { shape: [2], data: Float32Array.of(3, -1) },
      "out.y": { shape: [2], data: Float32Array.from(expected) },
      "grad_out.y": { shape: [2], data: Float32Array.of(2, 5) },
      "grad.in.x": { shape: [2], data: Float32Array.of(2, 0) },
    },
  };
}

describe("judgement", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "striate-conformance-"));
    const cases = [
      reluCase("right", "relu", [3, 0]),
      reluCase("wrong", "relu", [3.1, 0]),
      reluCase("unknown", "frobnicate", [3, 0]),
    ];
    for (const { row, specification, tensors } of cases) {
      await writeFile(join(folder, row.spec), JSON.stringify(specification));
      await writeFile(join(folder, row.file), writeSafetensors(tensors));
    }
    const strange = { case: "strange", group: "made", kind: "riddle", spec: "right.json" };
    const foreign = { case: "foreign", op: "Abs", dir: "foreign", model: "foreign.model" };
    const rows = [...cases.map(({ row }) => row), strange, foreign];
    await writeFile(join(folder, "INDEX.json"), JSON.stringify({ format: 1, cases: rows }));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("right numbers pass, wrong and unknown ones fail and say why", async () => {
    const seen: string[] = [];
    const report = ({ case: name }: { case: string }) => seen.push(name);
    const results = await runFolder(folder, reference(), { report });
    expect(seen).toEqual(results.map((result) => result.case));
    const [right, wrong, unknown, strange, foreign] = results;
    expect(right).toMatchObject({ case: "made/right", op: "relu", ok: true, reason: "" });
    expect(wrong).toMatchObject({ ok: false, tolerance: 1e-6 });
    expect(wrong!.maxError).toBeCloseTo(0.1, 6);
    expect(wrong!.reason).toContain("out.y[0]: got 3, expected 3.0999999046325684, off by 0.100");
    expect(unknown).toMatchObject({ ok: false, reason: 'there is no operation for "frobnicate"' });
    expect(strange!.reason).toContain('no runner for cases of kind "riddle"');
    expect(foreign).toMatchObject({ ok: false, op: "Abs" });
    expect(foreign!.reason).not.toBe("");
  });

  test("a part can be chosen by name", async () => {
    const results = await runFolder(folder, reference(), { only: "made/ri" });
    expect(results.map((result) => result.case)).toEqual(["made/right"]);
  });
});

/** Groups of the vectors beside the checkout. Whole networks take a minute and are left to the command. */
const groups = [
  "conv2d",
  "conv_transpose2d",
  "pool",
  "norm",
  "activation",
  "loss",
  "linear",
  "structure",
  "block",
  "optim",
  "schedules",
  "models",
];

/** Each case opens threads of its own on `wasm`, so there the command runs the rest: test/ops compares it with `reference`. */
const runs = [
  ...groups.map((group) => ({ group, backend: "reference", make: reference })),
  ...["loss", "block"].map((group) => ({
    group,
    backend: "wasm",
    make: () => wasm({ threads: 2 }),
  })),
];

describe("PyTorch's vectors", () => {
  test.for(runs)("$group on $backend", async ({ group, make }, context) => {
    const folder = sharedPath(context, "conformance/torch");
    const results = await runFolder(folder, make(), { only: `${group}/` });
    expect(results.length).toBeGreaterThan(0);
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
  });
});
