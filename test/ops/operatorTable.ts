import { GraphBuilder } from "../../src/graph/builder.ts";
import { compositeOps, operation, primitiveOps } from "../../src/graph/ops/index.ts";
import type { Backend } from "../../src/plan/backend.ts";
import { functionCases, opCases } from "./index.ts";
import type { OpCase } from "./opCase.ts";
import { isDifferentiable } from "./runCase.ts";

/** Operations and functions, with the cases that every backend must pass. */
interface Row {
  readonly name: string;
  readonly kind: "primitive" | "composite" | "function";
  readonly cases: readonly OpCase[];
  /** Why there is no gradient; `undefined` where there is one. */
  readonly noGradient: string | undefined;
}

/** Operations without a gradient, and why. A new one must be explained here. */
const withoutGradient: Readonly<Record<string, string>> = {
  argMax: "indices",
  oneHot: "of indices",
};

function tableRows(): Row[] {
  const rows = (
    kind: Row["kind"],
    names: readonly string[],
    cases: Readonly<Record<string, readonly OpCase[]>>,
  ) =>
    names.map(
      (name): Row => ({
        name,
        kind,
        cases: cases[name] ?? [],
        noGradient: withoutGradient[name],
      }),
    );
  return [
    ...rows("primitive", Object.keys(primitiveOps), opCases),
    ...rows("composite", Object.keys(compositeOps), opCases),
    ...rows("function", Object.keys(functionCases), functionCases),
  ];
}

/** What is missing: operations without cases, cases that do not use their operation, gradients nobody checks. */
export function holes(): string[] {
  return tableRows().flatMap(({ name, kind, cases, noGradient }) => {
    const found: string[] = [];
    if (cases.length === 0) found.push(`${name} has no cases`);
    if (kind !== "function") {
      for (const row of cases) {
        if (!operationsOf(row).has(name)) found.push(`${name}: case "${row.name}" does not use it`);
      }
      const op = operation(name);
      const leaf = ["input", "state", "constant", "random"].includes(name);
      if (op?.kind === "primitive" && op.gradient === "none" && !leaf && noGradient === undefined) {
        found.push(`${name} has no gradient and the table does not say why`);
      }
    }
    if (noGradient === undefined && !cases.some(isDifferentiable)) {
      found.push(`${name}: no case checks a gradient`);
    }
    return found;
  });
}

/** Names of the operations of a case, composites kept whole. */
function operationsOf(row: OpCase): Set<string> {
  const builder = new GraphBuilder({ keepComposites: true });
  row.build(
    row.inputs.map((input, i) => builder.input(`${i}`, input.shape, input.dtype)),
    builder,
  );
  return new Set(builder.nodes.map((node) => node.op));
}

/** How many cases check the gradient: by central differences on `reference`, against it elsewhere. */
function gradientCount({ cases }: Row, backend: Backend["name"]): string {
  const checked = cases.filter(
    (row) =>
      isDifferentiable(row) && (backend !== "reference" || row.noFiniteDifferences === undefined),
  );
  return `${checked.length}`;
}

/** The table of docs/operators.md: what each backend is checked for by test/ops/run.test.ts. */
export function operatorTable(backends: readonly Backend[]): string {
  const rows = tableRows();
  const columns = backends.flatMap(({ name }) => [`${name} forward`, `${name} backward`]);
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const section = (title: string, text: string, kind: Row["kind"]) => [
    `## ${title}`,
    "",
    text,
    "",
    line(["", ...columns]),
    line(["---", ...columns.map(() => "---")]),
    ...rows
      .filter((row) => row.kind === kind)
      .map((row) => {
        const forward = `${row.cases.length}`;
        return line([
          `\`${row.name}\``,
          ...backends.flatMap(({ name }) => [forward, row.noGradient ?? gradientCount(row, name)]),
        ]);
      }),
    "",
  ];
  return [
    "# Operators",
    "",
    "Written by `scripts/operators.ts` from the cases in `test/ops`; a test fails where this page is out of date or an operation has",
    "no case. A number says how many cases must pass. `reference` defines what an operation computes; its gradients are compared",
    "with central differences element by element, away from corners, and mostly the gradients of its gradients too. Every other",
    "backend is compared with `reference`, forward and backward. Where there is a word, nothing can be differentiated.",
    "",
    ...section(
      "Primitive operations",
      "Each has a kernel on every backend and a gradient made of these same operations.",
      "primitive",
    ),
    ...section(
      "Composite operations",
      "Made of primitive ones when a graph is built.",
      "composite",
    ),
    ...section(
      "Functions",
      "Functions that append operations: layers' parts and losses.",
      "function",
    ),
  ]
    .join("\n")
    .trimEnd()
    .concat("\n");
}
