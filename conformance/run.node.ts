import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Backend } from "../src/plan/backend.ts";
import type { CaseResult } from "./comparison.ts";
import { runners } from "./runners.node.ts";

interface IndexRow {
  readonly case: string;
  readonly op?: string;
  readonly group?: string;
}

/**
 * Runs every case of a folder with an `INDEX.json`, one after the other, in its order. `report` is called as
 * each is done; `only` keeps the cases whose `group/case` contains the text.
 */
export async function runFolder(
  folder: string,
  backend: Backend,
  options: { readonly only?: string; readonly report?: (result: CaseResult) => void } = {},
): Promise<CaseResult[]> {
  const { only = "", report } = options;
  const index = JSON.parse(await readFile(join(folder, "INDEX.json"), "utf8")) as {
    readonly cases: readonly IndexRow[];
  };
  const results: CaseResult[] = [];
  for (const row of index.cases) {
    const name = row.group === undefined ? row.case : `${row.group}/${row.case}`;
    if (!name.includes(only)) continue;
    const result = await runRow(folder, row, name, backend);
    results.push(result);
    report?.(result);
  }
  return results;
}

async function runRow(
  folder: string,
  row: IndexRow,
  name: string,
  backend: Backend,
): Promise<CaseResult> {
  const op = row.op ?? row.group ?? "";
  const failed = (reason: string): CaseResult => ({
    case: name,
    op,
    ok: false,
    maxError: null,
    tolerance: null,
    reason,
  });
  const runner = Object.values(runners).find(({ recognizes }) => recognizes(row));
  if (runner === undefined) {
    return failed(
      `no runner knows this kind of case; there are: ${Object.keys(runners).join(", ")}`,
    );
  }
  try {
    return await runner.run(folder, row as never, backend);
  } catch (error) {
    return failed(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  }
}
