import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TensorData } from "../../src/core/dtype.ts";
import { type ImportInput, importGraph } from "../../src/formats/onnx/importGraph.ts";
import { decodeModel, decodeTensor } from "../../src/formats/onnx/proto/model.ts";
import { tensorData } from "../../src/formats/onnx/proto/tensorData.ts";
import type { Backend } from "../../src/plan/backend.ts";
import { type CaseResult, Comparison } from "../comparison.ts";

interface TensorRow {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly file?: string;
}

/** A row of the index of a folder of ONNX cases. */
export interface OnnxRow {
  readonly case: string;
  readonly op: string;
  readonly dir: string;
  readonly model: string;
  readonly inputs: readonly TensorRow[];
  readonly outputs: readonly TensorRow[];
  readonly tolerance: { readonly rtol: number; readonly atol: number };
}

/** A copy in memory of its own: slices of a Node buffer are views that need not be aligned. */
async function readBytes(path: string): Promise<Uint8Array> {
  return new Uint8Array(await readFile(path));
}

async function readRow(folder: string, row: TensorRow): Promise<TensorData> {
  if (row.file !== undefined) {
    return tensorData(decodeTensor(await readBytes(join(folder, row.file)), row.file), row.file);
  }
  const count = row.shape.reduce((n, size) => n * size, 1);
  return Float32Array.from({ length: count }, (_, i) => i / count);
}

/** Imports one ONNX model, runs it and compares shapes, dtypes and every element of its outputs. */
export async function runOnnxCase(
  folder: string,
  row: OnnxRow,
  backend: Backend,
): Promise<CaseResult> {
  const place = join(folder, row.dir);
  const inputs: Record<string, ImportInput> = {};
  const feeds: Record<string, TensorData> = {};
  for (const input of row.inputs) {
    const data = await readRow(place, input);
    const dtype = data instanceof Int32Array ? "int32" : "float32";
    if (input.dtype === "int64") inputs[input.name] = { shape: input.shape, dtype, known: data };
    else {
      inputs[input.name] = { shape: input.shape, dtype };
      feeds[input.name] = data;
    }
  }
  const model = decodeModel(await readBytes(join(place, row.model)), row.case);
  const imported = importGraph(model, inputs);
  const comparison = new Comparison();
  const session = await backend.open();
  try {
    const program = await session.compile(imported.graph);
    for (const [state, data] of imported.states) await session.write(state, data);
    const fetches = await program.run(feeds);
    for (const output of row.outputs) {
      const actual = fetches[output.name]!;
      const expected = await readRow(place, output);
      comparison.equal(
        `${output.name} shape`,
        imported.outputShapes.get(output.name),
        output.shape,
      );
      const dtype = actual instanceof Int32Array ? "int32" : "float32";
      comparison.equal(`${output.name} dtype`, dtype, output.dtype);
      if (actual.length !== expected.length) {
        comparison.tensor(output.name, actual, expected, row.tolerance.atol);
        continue;
      }
      expected.forEach((value, i) => {
        const { atol, rtol } = row.tolerance;
        const allowed = Number.isFinite(value) ? atol + rtol * Math.abs(value) : atol;
        comparison.number(`${output.name}[${i}]`, actual[i]!, value, allowed);
      });
    }
  } finally {
    await session.close();
  }
  return comparison.result(row.case, row.op);
}
