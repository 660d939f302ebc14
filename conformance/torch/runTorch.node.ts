import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Backend } from "../../src/plan/backend.ts";
import type { CaseResult } from "../comparison.ts";
import { runGraphCase } from "./graphCase.ts";
import { type ModelSpecification, runModelCase } from "./modelCase.ts";
import { type NetworkSpecification, runNetworkCase } from "./networkCase.ts";
import { type OptimizerSpecification, runOptimizerCase } from "./optimizerCase.ts";
import { runScheduleCase, type ScheduleSpecification } from "./scheduleCase.ts";
import type { GraphSpecification } from "./specification.ts";
import { readVectors, type Vectors } from "./vectors.node.ts";

/** A row of the index of a folder of PyTorch vectors. */
export interface TorchRow {
  readonly case: string;
  readonly group: string;
  readonly kind: string;
  readonly spec: string;
  readonly file?: string | null;
}

type KindRunner = (specification: never, vectors: Vectors, backend: Backend) => Promise<CaseResult>;

/** How each kind of case is run. */
const kinds: Readonly<Record<string, KindRunner>> = {
  graph: (specification: GraphSpecification, vectors, backend) =>
    runGraphCase(specification, vectors, backend),
  model: (specification: ModelSpecification) => runModelCase(specification),
  network: (specification: NetworkSpecification, vectors, backend) =>
    runNetworkCase(specification, vectors, backend),
  schedule: (specification: ScheduleSpecification) => runScheduleCase(specification),
  optimizer: (specification: OptimizerSpecification, vectors, backend) =>
    runOptimizerCase(specification, vectors, backend),
};

/** Runs one case of a folder of PyTorch vectors. */
export async function runTorchCase(
  folder: string,
  row: TorchRow,
  backend: Backend,
): Promise<CaseResult> {
  const name = `${row.group}/${row.case}`;
  const kind = kinds[row.kind];
  if (kind === undefined) {
    const reason = `there is no runner for cases of kind "${row.kind}"`;
    return { case: name, op: row.kind, ok: false, maxError: null, tolerance: null, reason };
  }
  const specification = JSON.parse(await readFile(join(folder, row.spec), "utf8"));
  const vectors = row.file ? await readVectors(folder, row.file) : new Map();
  return { ...(await kind(specification as never, vectors, backend)), case: name };
}
