import { describe, expect, it } from "vitest";
import { reference } from "../../../src/backends/reference/backend.ts";
import { importGraph } from "../../../src/formats/onnx/importGraph.ts";
import { floats, integers, type MadeModel, makeModel } from "./makeModel.ts";

/** All outputs of a made model. */
async function compute(made: MadeModel, feeds: Readonly<Record<string, Float32Array>>) {
  const imported = importGraph(makeModel(made), { numbers: feeds });
  const session = await reference().open();
  try {
    const isEmpty = imported.graph.outputs.length === 0;
    const program = isEmpty ? undefined : await session.compile(imported.graph);
    for (const [name, data] of imported.states) await session.write(name, data);
    const read = imported.inputs.map(({ name }) => [name, feeds[name]!] as const);
    const fetches = (await program?.run(Object.fromEntries(read))) ?? {};
    return Object.fromEntries(
      imported.outputs.map(({ name, shape, numbers }) => [
        name,
        { shape, data: [...(numbers ?? fetches[name]!)] },
      ]),
    );
  } finally {
    await session.close();
  }
}

const numbers = (count: number, f = (i: number) => i + 1) =>
  Float32Array.from({ length: count }, (_, i) => f(i));

describe("places of maxima", () => {
  const windows = { kernel_shape: [2, 2], strides: [2, 2] };
  it("are counted in the size of the windows where output_shape is larger", async () => {
    const places = { shape: [1, 1, 2, 2], data: Int32Array.of(5, 7, 13, 15), elementType: "int64" };
    const { y } = await compute(
      {
        opset: 11,
        inputs: { x: [1, 1, 2, 2] },
        constants: { places: places as never, size: integers(1, 1, 5, 5) },
        nodes: [
          { op: "MaxUnpool", inputs: ["x", "places", "size"], outputs: ["y"], attributes: windows },
        ],
        outputs: ["y"],
      },
      { x: numbers(4) },
    );
    expect(y!.shape).toEqual([1, 1, 5, 5]);
    const expected = new Array<number>(25).fill(0);
    for (const [i, at] of [6, 8, 16, 18].entries()) expected[at] = i + 1;
    expect(y!.data).toEqual(expected);
  });

  it("lead every maximum back to where it was, in every plane", async () => {
    const x = numbers(32, (i) => ((i * 7) % 13) + 1);
    const { y, p } = await compute(
      {
        opset: 12,
        inputs: { x: [2, 1, 4, 4] },
        nodes: [
          { op: "MaxPool", inputs: ["x"], outputs: ["p", "i"], attributes: windows },
          { op: "MaxUnpool", inputs: ["p", "i"], outputs: ["y"], attributes: windows },
        ],
        outputs: ["y", "p"],
      },
      { x },
    );
    const kept = y!.data.filter((value) => value !== 0);
    expect(kept.length).toBe(8);
    expect([...kept].sort()).toEqual([...p!.data].sort());
    for (const [i, value] of y!.data.entries()) if (value !== 0) expect(value).toBe(x[i]);
  });
});

describe("tensors without elements", () => {
  it("are cut, reshaped and reduced while importing", async () => {
    const { a, b, c } = await compute(
      {
        opset: 18,
        inputs: { x: [2, 0, 4] },
        constants: { parts: integers(0, 0), shape: integers(4, 2, 0), axes: integers(1) },
        nodes: [
          { op: "Split", inputs: ["x", "parts"], outputs: ["a", "r"], attributes: { axis: 1 } },
          { op: "Reshape", inputs: ["x", "shape"], outputs: ["b"], attributes: { allowzero: 1 } },
          { op: "ReduceMin", inputs: ["x", "axes"], outputs: ["c"] },
        ],
        outputs: ["a", "b", "c"],
      },
      { x: new Float32Array(0) },
    );
    expect([a, b]).toEqual([
      { shape: [2, 0, 4], data: [] },
      { shape: [4, 2, 0], data: [] },
    ]);
    expect(c).toEqual({ shape: [2, 1, 4], data: new Array(8).fill(Number.POSITIVE_INFINITY) });
  });
});

describe("old operator sets", () => {
  it("broadcast along an axis that the node names", async () => {
    const { y } = await compute(
      {
        opset: 6,
        inputs: { x: [2, 3, 2], z: [3] },
        nodes: [
          { op: "Add", inputs: ["x", "z"], outputs: ["y"], attributes: { broadcast: 1, axis: 1 } },
        ],
        outputs: ["y"],
      },
      { x: new Float32Array(12), z: numbers(3) },
    );
    expect(y!.data).toEqual([1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 3, 3]);
  });

  it("tile one axis and pad by attributes", async () => {
    const { y } = await compute(
      {
        opset: 2,
        inputs: { x: [1, 2] },
        constants: { times: floats([2], []), axis: floats([1], []) },
        nodes: [
          { op: "Tile", inputs: ["x", "times", "axis"], outputs: ["t"] },
          {
            op: "Pad",
            inputs: ["t"],
            outputs: ["y"],
            attributes: { pads: [0, 1, 0, -1], value: { float: 9 } },
          },
        ],
        outputs: ["y"],
      },
      { x: numbers(2) },
    );
    expect(y).toEqual({ shape: [1, 4], data: [9, 1, 2, 1] });
  });
});

it("batch norm that trains gives the statistics that follow", async () => {
  const { y, mean, variance } = await compute(
    {
      opset: 15,
      inputs: { x: [2, 2, 1, 2] },
      constants: { s: floats([1, 2]), b: floats([0, 1]), m: floats([0, 0]), v: floats([1, 1]) },
      nodes: [
        {
          op: "BatchNormalization",
          inputs: ["x", "s", "b", "m", "v"],
          outputs: ["y", "mean", "variance"],
          attributes: { training_mode: 1 },
        },
      ],
      outputs: ["y", "mean", "variance"],
    },
    { x: numbers(8) },
  );
  // Channel 0 holds 1, 2, 5, 6: mean 3.5, variance 4.25.
  expect(mean!.data[0]).toBeCloseTo(0.1 * 3.5, 6);
  expect(variance!.data[0]).toBeCloseTo(0.9 + 0.1 * 4.25, 6);
  expect(y!.data[0]).toBeCloseTo(-2.5 / Math.sqrt(4.25 + 1e-5), 6);
});
