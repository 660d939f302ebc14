import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TensorData } from "../../src/core/dtype.ts";
import { importGraph } from "../../src/formats/onnx/importGraph.ts";
import { decodeModel, decodeTensor } from "../../src/formats/onnx/proto/model.ts";
import { tensorData } from "../../src/formats/onnx/proto/tensorData.ts";
import type { Backend, Fetches } from "../../src/plan/backend.ts";
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
  const numbers: Record<string, TensorData> = {};
  for (const input of row.inputs) numbers[input.name] = await readRow(place, input);
  const shapes = Object.fromEntries(row.inputs.map(({ name, shape }) => [name, shape]));
  const model = decodeModel(await readBytes(join(place, row.model)), row.case);
  const imported = importGraph(model, { shapes, numbers });
  const fetches = await runImported(imported, numbers, backend);
  const comparison = new Comparison();
  for (const expected of row.outputs) {
    const output = imported.outputs.find(({ name }) => name === expected.name);
    if (output === undefined) {
      comparison.fail(`${expected.name}: there is no such output`);
      continue;
    }
    comparison.equal(`${expected.name} shape`, output.shape, expected.shape);
    comparison.equal(`${expected.name} dtype`, output.elementType, expected.dtype);
    const actual = output.numbers ?? fetches[output.name]!;
    compare(comparison, expected.name, actual, await readRow(place, expected), row.tolerance);
  }
  return comparison.result(row.case, row.op);
}

async function runImported(
  imported: ReturnType<typeof importGraph>,
  numbers: Readonly<Record<string, TensorData>>,
  backend: Backend,
): Promise<Fetches> {
  if (imported.graph.outputs.length === 0) return {};
  const session = await backend.open();
  try {
    const program = await session.compile(imported.graph);
    for (const [state, data] of imported.states) await session.write(state, data);
    const feeds = imported.inputs.map(({ name }) => [name, numbers[name]!] as const);
    return await program.run(Object.fromEntries(feeds));
  } finally {
    await session.close();
  }
}

/** Every element must lie within `atol + rtol · |expected|`; infinities and NaN must be the same. */
function compare(
  comparison: Comparison,
  name: string,
  actual: TensorData,
  expected: TensorData,
  { atol, rtol }: OnnxRow["tolerance"],
): void {
  if (actual.length !== expected.length) {
    comparison.fail(`${name}: ${actual.length} elements, expected ${expected.length}`);
    return;
  }
  expected.forEach((value, i) => {
    const allowed = Number.isFinite(value) ? atol + rtol * Math.abs(value) : atol;
    comparison.number(`${name}[${i}]`, actual[i]!, value, allowed);
  });
}
