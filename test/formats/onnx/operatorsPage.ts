import { operators } from "../../../src/formats/onnx/ops/index.ts";
import { operatorCases } from "./operators.cases.ts";

/** The operator set in which each operator appeared, where that is not the first. */
const since: Readonly<Record<string, number>> = {
  CastLike: 15,
  Celu: 12,
  CenterCropPad: 18,
  ConstantOfShape: 9,
  GatherElements: 11,
  Cos: 7,
  Cosh: 9,
  CumSum: 11,
  Erf: 9,
  Expand: 8,
  Gelu: 20,
  GreaterOrEqual: 12,
  GroupNormalization: 18,
  HardSwish: 14,
  IsInf: 10,
  IsNaN: 9,
  LayerNormalization: 17,
  LessOrEqual: 12,
  MaxUnpool: 9,
  MeanVarianceNormalization: 9,
  Mish: 18,
  Mod: 10,
  NegativeLogLikelihoodLoss: 12,
  OneHot: 9,
  RMSNormalization: 23,
  Range: 11,
  Resize: 10,
  Round: 11,
  Shrink: 9,
  Sign: 9,
  Sin: 7,
  Sinh: 9,
  SoftmaxCrossEntropyLoss: 12,
  Swish: 24,
  Tan: 7,
  ThresholdedRelu: 10,
  Trilu: 14,
  Where: 9,
};

/** What is different from the definition, or left out. */
const notes: Readonly<Record<string, string>> = {
  AveragePool: "any number of axes; what hangs over the padding is not counted",
  BatchNormalization: "as at inference, unless `training_mode` (before set 14: more outputs) asks",
  Conv: "any number of axes",
  ConvTranspose: "any number of axes",
  CumSum: "the axis must be known",
  Dropout: "as at inference; one that drops is refused",
  Gather: "indices known, or computed by the graph",
  GatherElements: "indices known, or computed by the graph",
  MaxPool: "any number of axes; places over one or two",
  MaxUnpool: "places must lie in their windows, as those of MaxPool do",
  Pad: "pads must be known",
  Range: "of known numbers",
  Reshape: "the shape must be known",
  Resize: "sizes or scales must be known",
  Slice: "starts and ends must be known",
  Upsample: "until set 9, then Resize",
  TopK: "up to 64 elements",
};

/** The content of docs/onnx-operators.md. */
export function operatorsPage(): string {
  const tables = Object.entries(operators()).map(([domain, table]) => {
    const rows = Object.keys(table)
      .sort()
      .map((name) => {
        const { build, evaluate } = table[name]!;
        const where = [build && "graph", evaluate && "import"].filter(Boolean).join(", ");
        const sets = name === "Upsample" ? "1 to 9" : `${since[name] ?? 1} to 25`;
        const cases = operatorCases.filter(({ op }) => op === name).length;
        const compared = domain === "" && cases > 0 ? String(cases) : "";
        const range = domain === "" ? sets : "1";
        return `| \`${name}\` | ${range} | ${where} | ${compared} | ${notes[name] ?? ""} |`;
      });
    return [
      `## ${domain === "" ? "Standard operators" : `\`${domain}\``}`,
      "",
      "| operator | operator sets | computed in | compared | |",
      "|---|---|---|---|---|",
      ...rows,
    ].join("\n");
  });
  return `# ONNX operators

Written by \`scripts/onnxOperators.ts\` from the tables of \`src/formats/onnx/ops\`; a test fails where this page is out of date. Types are
those of the model, numbers those of the engine: float32 and int32.

"computed in": \`graph\`, operations of the engine, with gradients; \`import\`, numbers that are known before the graph runs, as shapes are.
"compared": cases in which the result is compared with ONNX Runtime's by the tests. The cases of ONNX's own suites come on top
(\`npm run conformance\`).

${tables.join("\n\n")}
`;
}

/** Names in the hand-written tables above that are no operators. */
export function strangers(): string[] {
  const known = new Set(Object.values(operators()).flatMap((table) => Object.keys(table)));
  return [...Object.keys(since), ...Object.keys(notes)].filter((name) => !known.has(name));
}
